"""Random numbers and smooth random fields of one clip, all from one seed, the same on every device."""

from __future__ import annotations

import functools
import hashlib
import math

import torch
from torch import Tensor


def generator_of(seed: int) -> torch.Generator:
    """A generator on the CPU for any seed of 0 or more.

    Torch's own takes the low 32 bits of a seed and nothing else: larger ones are mixed into 32 (Steele et al.,
    OOPSLA 2014, SplitMix64), so that no two of them share their numbers but by chance.
    """
    if seed >= 1 << 32:
        mixed = seed * 0x9E3779B97F4A7C15 % (1 << 64)
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % (1 << 64)
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % (1 << 64)
        seed = (mixed ^ mixed >> 31) % (1 << 32)
    return torch.Generator().manual_seed(seed)


def named_seed(seed: int, name: str) -> int:
    """The seed of the random stream that a name has beside a seed: 64 bits, the same in every process and version."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "little")


class Draw:
    """A seeded source of numbers and smooth fields. Everything is drawn on the CPU, so that devices agree."""

    def __init__(self, seed: int) -> None:
        self.seed, self.generator = seed, generator_of(seed)

    def stream(self, name: str) -> Draw:
        """A source of its own for what has this name: it follows from the seed and the name alone."""
        return Draw(named_seed(self.seed, name))

    def uniform(self, low: float, high: float) -> float:
        """A number from low to high."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def within(self, limits: tuple[float, float]) -> float:
        """A number within limits (low, high)."""
        return self.uniform(*limits)

    def chance(self, probability: float) -> bool:
        """True with a probability of 0 to 1."""
        return float(torch.rand((), generator=self.generator)) < probability

    def normal(self, *shape: int) -> Tensor:
        """White Gaussian noise of unit variance: float32 `shape`."""
        return torch.randn(*shape, generator=self.generator)

    def scalar(self) -> float:
        """One number of mean 0 and variance 1."""
        return float(self.normal(1))

    def smooth(self, shape: tuple[int, int], sigma: float | tuple[float, float]) -> Tensor:
        """A Gaussian field of unit variance, correlated over `sigma` pixels (rows, columns): float32 (h, w).

        White noise on a grid of one knot per sigma, interpolated: smooth at any sigma without a wide blur.
        """
        rows, columns = sigma if isinstance(sigma, tuple) else (sigma, sigma)
        knots = (int(shape[0] / max(rows, 1)) + 4, int(shape[1] / max(columns, 1)) + 4)
        coarse = self.normal(*knots)
        field = spline_matrix(knots[0], shape[0]) @ coarse @ spline_matrix(knots[1], shape[1]).T
        return (field - field.mean()) / field.std().clamp_min(1e-6)


class Noise:
    """White Gaussian noise on a device, cut at seeded places from one large table: drawing anew costs far more.

    One seed and one order of calls give the same noise on every device.
    """

    TABLE = 1 << 23
    """Numbers in the table."""
    GRAIN = (0.6, 0.4)
    """Samples along the beams and across them over which received noise is smooth."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.device, self.generator = seed, str(device), generator_of(seed)
        self.table = _noise_table(self.device)

    def stream(self, name: str) -> Noise:
        """Noise of its own for what has this name, as `Draw.stream`."""
        return Noise(named_seed(self.seed, name), self.device)

    def normal(self, *shape: int) -> Tensor:
        """Unit variance, float32 `shape`; a view, not to be written to."""
        count = math.prod(shape)
        start = int(torch.randint(self.TABLE - count, (), generator=self.generator))
        return self.table[start : start + count].view(shape)

    def received(self, *shape: int, across: float = GRAIN[1]) -> Tensor:
        """Noise (..., rows, columns) as a receiver lets it pass: unit variance, a view.

        Smooth over GRAIN[0] samples along the beams and over `across` of them, at most 1.2.
        """
        columns, count = shape[-1], math.prod(shape)
        table = _received_table(self.device, columns, across)
        line = int(torch.randint((table.numel() - count) // columns, (), generator=self.generator))
        return table[line * columns : line * columns + count].view(shape)


@functools.cache
def _received_table(device: str, columns: int, across: float) -> Tensor:
    """The table as lines of so many columns, smoothed down the lines and across them."""
    lines = _noise_table(device)[: Noise.TABLE // columns * columns].view(-1, columns)
    for axis, sigma in enumerate((Noise.GRAIN[0], across)):
        taps = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(4)]
        smooth = taps[0] * lines
        for k in range(1, 4):
            smooth = smooth + taps[k] * (lines.roll(k, axis) + lines.roll(-k, axis))
        lines = smooth
    return (lines / lines.std()).reshape(-1)


@functools.cache
def _noise_table(device: str) -> Tensor:
    return torch.randn(Noise.TABLE, generator=torch.Generator().manual_seed(0)).to(device)


@functools.lru_cache(maxsize=64)
def blur_matrix(size: int, sigma: float, device: str = "cpu") -> Tensor:
    """A Gaussian blur as a matrix, edges replicated, rows summing to 1: (size, size), to be applied from the left."""
    at = torch.arange(size, dtype=torch.float32)
    beyond = max(1, math.ceil(3 * sigma))
    reach = torch.arange(-beyond, size + beyond, dtype=torch.float32)
    taps = torch.exp(-0.5 * ((at[:, None] - reach[None]) / max(sigma, 1e-3)) ** 2)
    taps = torch.where(taps < 1e-4, 0, taps)
    taps = taps / taps.sum(1, keepdim=True)
    folded = taps[:, beyond:-beyond].clone()
    folded[:, 0] += taps[:, :beyond].sum(1)
    folded[:, -1] += taps[:, -beyond:].sum(1)
    return folded.to(device)


@functools.lru_cache(maxsize=64)
def spline_matrix(knots: int, samples: int, to_edges: bool = True, device: str = "cpu") -> Tensor:
    """Interpolation by a Catmull-Rom spline through evenly spaced knots, as a matrix: (samples, knots).

    to_edges  the outermost samples lie on the outermost knots; else samples and knots are centres of cells that
              share their outer borders. Beyond the outermost knots the spline runs on straight.
    """
    at = torch.arange(samples, dtype=torch.float64)
    at = at * (knots - 1) / max(samples - 1, 1) if to_edges else (at + 0.5) * knots / samples - 0.5
    left = at.floor().clamp(0, knots - 2)
    t = at - left
    cubic = [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    straight = [torch.zeros_like(t), 2 - 2 * t, 2 * t, torch.zeros_like(t)]
    beyond = (t < 0) | (t > 1)
    padded = torch.zeros(samples, knots + 2, dtype=torch.float64)
    for k in range(4):
        weight = torch.where(beyond, straight[k], cubic[k]) / 2
        padded[torch.arange(samples), left.long() + k] += weight
    # A phantom knot beyond each end continues the line of the last two.
    matrix = padded[:, 1:-1].clone()
    matrix[:, 0] += 2 * padded[:, 0]
    matrix[:, 1] -= padded[:, 0]
    matrix[:, -1] += 2 * padded[:, -1]
    matrix[:, -2] -= padded[:, -1]
    return matrix.float().to(device)


class Banded:
    """A square matrix whose non-zeros lie near its diagonal, for `banded @ image` with images (..., n, w).

    On a CPU it works in blocks that leave out most zeros: three times as fast for an echo's rows.
    """

    BLOCK = 48

    def __init__(self, matrix: Tensor, device: torch.device | str = "cpu") -> None:
        size, self.parts = len(matrix), []
        block = self.BLOCK if torch.device(device).type == "cpu" else size
        for first in range(0, size, block):
            rows = matrix[first : first + block]
            used = rows.abs().amax(0).nonzero()
            low, high = int(used[0]), int(used[-1]) + 1
            self.parts.append((low, high, rows[:, low:high].contiguous().to(device)))

    def __matmul__(self, image: Tensor) -> Tensor:
        return torch.cat([torch.matmul(rows, image[..., low:high, :]) for low, high, rows in self.parts], -2)


@functools.lru_cache(maxsize=64)
def _banded_blur(size: int, sigma: float, device: str) -> Banded:
    return Banded(blur_matrix(size, sigma), device)


def blur(image: Tensor, down: float, across: float | None = None) -> Tensor:
    """Gaussian blur of (..., h, w), edges replicated, by so many pixels down the rows and across (else the same).

    As matrices: on a CPU far faster than convolutions with a few taps.
    """
    across = down if across is None else across
    device = str(image.device)
    if down > 0.1:
        image = _banded_blur(image.shape[-2], round(down, 2), device) @ image
    if across > 0.1:
        image = torch.matmul(image, blur_matrix(image.shape[-1], round(across, 2), device).T)
    return image
