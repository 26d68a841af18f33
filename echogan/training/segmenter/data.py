"""Labelled phantom frames for the segmenter: rendered in rounds, and augmented."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.networks.segmenter import Structure, Wall
from echogan.phantom.acoustics.probe import CLEAR
from echogan.phantom.clip import PhantomClip, PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.phantom.tissues import WALLS, Tissue
from echogan.training.data.frame_pool import to_float
from echogan.training.data.sources import SUPPORTED

FIRST_SEED = 700_000_000  # other hearts than the generators' (from 0) and the held-out ones (from 10^9)
HELD_OUT_SEED = 1_100_000_000
IGNORED = 255
NAMED = {
    Tissue.LV: Structure.LV,
    Tissue.PAPILLARY: Structure.LV,  # as CAMUS counts it
    Tissue.MYOCARDIUM: Structure.MYOCARDIUM,
    Tissue.LA: Structure.LA,
    Tissue.RV: Structure.RV,
    Tissue.RA: Structure.RA,
    Tissue.VALVE: IGNORED,  # a leaflet lies in either chamber
    Tissue.LESION: IGNORED,
}
LOST, SHOWN = SUPPORTED
"""Support up to which a wall is hidden, and from which it is shown. Between them it does not count."""


@dataclass(frozen=True)
class Frames:
    """images float32 (n, 1, s, s) in [-1, 1]; classes int64 (n, s, s), those of the network or IGNORED."""

    images: Tensor
    classes: Tensor


Uniform = Callable[[float, float], Tensor]
Render = Callable[[int, int, int], Frames]
"""(seed, frames of the clip, size) to labelled frames."""


def render_phantom(seed: int, frames: int, size: int) -> Frames:
    """A clip's frames: one clip in three through the best windows, the others both clean and degraded."""
    settings = PhantomSettings()
    if seed % 3 == 0:
        clip = phantom_clip(seed, replace(settings, acoustics=CLEAR), frames, want=("clean", "labels"))
    else:
        clip = phantom_clip(seed, settings, frames, want=("clean", "degraded", "labels"))
    return labelled(clip, size)


def render_walls(seed: int, frames: int, size: int) -> Frames:
    """A clip's frames, and their walls: one clip in five through the best windows, the others degraded."""
    settings = PhantomSettings(lesion_share=0.2)
    if seed % 5 == 0:
        clip = phantom_clip(seed, replace(settings, acoustics=CLEAR), frames, want=("clean", "labels"))
        shown, support = clip.clean, None
    else:
        clip = phantom_clip(seed, settings, frames, want=("degraded", "labels", "support"))
        shown, support = clip.degraded, clip.support
    assert shown is not None
    assert clip.labels is not None
    classes = wall_classes(clip.labels, torch.full_like(clip.labels, 255) if support is None else support)
    return Frames(_fit(to_float(shown), size), _majority(classes, [*map(int, Wall), IGNORED], size))


def wall_classes(labels: Tensor, support: Tensor) -> Tensor:
    """Tissue labels and support, uint8 of one shape, to classes int64: `Wall`, or IGNORED.

    Leaflets and lesions do not count, nor do walls whose support lies between LOST and SHOWN.
    """
    wall = torch.isin(labels, torch.tensor(WALLS, dtype=labels.dtype))
    found = torch.where(wall, IGNORED, int(Wall.NONE))
    found[(labels == Tissue.VALVE) | (labels == Tissue.LESION)] = IGNORED
    found[wall & (support >= 255 * SHOWN)] = int(Wall.SHOWN)
    found[wall & (support <= 255 * LOST)] = int(Wall.HIDDEN)
    return found


RENDERERS: dict[str, Render] = {"structures": render_phantom, "walls": render_walls}
"""What a segmenter finds -> how its frames are made."""


def labelled(clip: PhantomClip, size: int) -> Frames:
    """All looks of a clip with their classes, scaled to `size` on a side."""
    assert clip.labels is not None
    looks = [look for look in (clip.clean, clip.degraded) if look is not None]
    classes = to_classes(clip.labels, size)
    images = to_float(torch.cat(looks))
    return Frames(_fit(images, size), classes.repeat(len(looks), 1, 1))


def to_classes(labels: Tensor, size: int) -> Tensor:
    """Tissue labels uint8 (n, S, S) to classes int64 (n, size, size): the majority of each new pixel's old ones."""
    table = torch.zeros(len(Tissue), dtype=torch.long)
    for tissue, structure in NAMED.items():
        table[tissue] = structure
    return _majority(table[labels.long()], [*map(int, Structure), IGNORED], size)


def _majority(classes: Tensor, kinds: list[int], size: int) -> Tensor:
    shares = _fit(torch.stack([classes == kind for kind in kinds], 1).float(), size)
    return torch.tensor(kinds)[shares.argmax(1)]


def _fit(x: Tensor, size: int) -> Tensor:
    if x.shape[-1] == size:
        return x
    return F.interpolate(x, (size, size), mode="area" if size < x.shape[-1] else "nearest")


def batches(
    render: Render,
    first_step: int,
    steps: int,
    *,
    seed: int,
    size: int,
    batch_size: int,
    clips_per_round: int,
    frames_per_clip: int,
    steps_per_round: int,
    rounds_kept: int,
) -> Iterator[tuple[int, Frames]]:
    """(step, augmented frames) from `first_step` on, each a function of the settings and the step alone.

    A round of new clips comes every `steps_per_round` steps; steps draw from the last `rounds_kept` of them.
    """
    kept: deque[Frames] = deque(maxlen=rounds_kept)
    now = first_step // steps_per_round
    rendered = max(0, now - rounds_kept + 1)
    for step in range(first_step, steps):
        while rendered <= step // steps_per_round:
            first = FIRST_SEED + seed * 1_000_003 + rendered * clips_per_round
            clips = [render(first + k, frames_per_clip, size) for k in range(clips_per_round)]
            kept.append(Frames(torch.cat([c.images for c in clips]), torch.cat([c.classes for c in clips])))
            rendered += 1
        chance = torch.Generator().manual_seed((seed * 2_000_003 + step) * 0x9E3779B97F4A7C15 % 2**63)
        images = torch.cat([frames.images for frames in kept])
        pick = torch.randint(len(images), (batch_size,), generator=chance)
        classes = torch.cat([frames.classes for frames in kept])
        yield step, vary(Frames(images[pick], classes[pick]), chance)


def vary(frames: Frames, chance: torch.Generator) -> Frames:
    """Another placement and another grey curve."""
    return recolour(place(frames, chance), chance)


def place(frames: Frames, chance: torch.Generator) -> Frames:
    """Scale, squeeze, turn and shift a little. No mirroring, which would change laterality."""
    grid = F.affine_grid(_placement(_drawer(frames, chance)), list(frames.images.shape), align_corners=False)
    images = F.grid_sample(frames.images + 1, grid, mode="bilinear", align_corners=False) - 1
    classes = F.grid_sample(frames.classes[:, None].float(), grid, mode="nearest", align_corners=False)
    return Frames(images, classes[:, 0].long())


def recolour(frames: Frames, chance: torch.Generator) -> Frames:
    """Change black point, power and gain, let the gain drift over the fan, blur or sharpen. Black stays black."""
    uniform, shown = _drawer(frames, chance), (frames.images + 1) / 2
    grey = (shown - uniform(-0.02, 0.08)).clamp(0, 1) ** torch.exp(uniform(-0.5, 0.5))
    knots = torch.randn(len(grey), 1, 4, 4, generator=chance)
    drift = F.interpolate(knots, grey.shape[-2:], mode="bicubic", align_corners=False)
    grey = grey * torch.exp(uniform(-0.5, 0.6) + uniform(0, 0.4) * drift)
    soft = F.avg_pool2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), 3, 1)
    grey = (grey + uniform(-0.7, 1.0) * (soft - grey)).clamp(0, 1)
    return Frames(torch.where(shown > 0.005, grey, shown) * 2 - 1, frames.classes)


def _drawer(frames: Frames, chance: torch.Generator) -> Uniform:
    return lambda low, high: low + (high - low) * torch.rand(len(frames.images), 1, 1, 1, generator=chance)


def _placement(uniform: Uniform) -> Tensor:
    """(n, 2, 3): up to 30 % larger or 15 % smaller, squeezed by 12 %, turned by 10 degrees, shifted by 12 %."""
    size, squeeze = torch.exp(uniform(-0.28, 0.16)), torch.exp(uniform(-0.12, 0.12))
    angle = uniform(-1, 1) * math.radians(10)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = [
        torch.cat([cosine * size * squeeze, -sine * size, uniform(-0.24, 0.24)], 3),
        torch.cat([sine * size, cosine * size / squeeze, uniform(-0.24, 0.24)], 3),
    ]
    return torch.cat(rows, 2)[:, 0]
