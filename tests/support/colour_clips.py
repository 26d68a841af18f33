"""Drawn clips in colour: flow, power and tissue Doppler of many looks, and B-mode with innocent colours."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from echogan.core.geometry import Fan

SIZES = ((180, 240), (240, 320), (300, 400), (480, 640))
Draw = Callable[[np.random.Generator, np.ndarray, Fan], np.ndarray]


def fan_in(height: int, width: int) -> Fan:
    return Fan((width / 2, 0.07 * height), -37.0, 37.0, 0.02 * height, 0.85 * height)


def b_mode(rng: np.random.Generator, fan: Fan, size: tuple[int, int], frames: int = 4) -> np.ndarray:
    """A beating dark cavity in speckle: uint8 (T, H, W, 3), grey, black outside the fan."""
    height, width = size
    r, theta = fan.polar(height, width)
    depth, inside = (r - fan.r_min) / (fan.r_max - fan.r_min), fan.mask(height, width)
    bright, clip = rng.uniform(45, 110), []
    for t in range(frames):
        beat = 1 + 0.15 * np.sin(2 * np.pi * t / 4)
        cavity = (theta / (13 * beat)) ** 2 + ((depth - 0.45) / (0.24 * beat)) ** 2 < 1
        speckle = cv2.GaussianBlur(rng.rayleigh(1.0, size).astype(np.float32), (0, 0), height / 300)
        level = np.where(cavity, 10, bright * (1.1 - 0.5 * depth)) * speckle
        clip.append(np.clip(level, 0, 255) * inside)
    return np.repeat(np.stack(clip).astype(np.uint8)[..., None], 3, axis=-1)


def smooth(rng: np.random.Generator, size: tuple[int, int], grain: float) -> np.ndarray:
    """A smooth random field of unit variance: float32 (H, W)."""
    field = cv2.GaussianBlur(rng.normal(size=size).astype(np.float32), (0, 0), grain)
    return field / field.std()


# --- Doppler ---------------------------------------------------------------------------------------------------


def velocity_colour(v: np.ndarray, look: str) -> np.ndarray:
    """Colours of velocities -1 to 1: float (..., 3), 0 to 255."""
    a, zero = np.abs(v), np.zeros_like(v)
    hot = np.stack([120 + 135 * a, 220 * a**2, zero], -1)
    cold = np.stack([zero, 200 * a**2, 120 + 135 * a], -1)
    if look == "variance":
        hot = np.stack([90 + 150 * a, 60 + 190 * (v * 7 % 1), zero], -1)
        cold = np.stack([zero, 60 + 190 * (v * 5 % 1), 90 + 150 * a], -1)
    if look == "power":
        return np.stack([100 + 155 * a, 30 + 190 * a**1.5, 20 * a], -1)
    if look == "red":
        return hot
    if look == "blue":
        return cold
    return np.where((v > 0)[..., None], hot, cold)


def flow(look: str, box: float = 0.5, dim: float = 1.0, every: int = 1) -> Draw:
    """Jets within a box of so much of the fan's depth, in every n-th frame; `dim` scales the colours."""

    def draw(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
        size = frames.shape[1:3]
        r, theta = fan.polar(*size)
        depth = (r - fan.r_min) / (fan.r_max - fan.r_min)
        middle, angle = rng.uniform(0.4, 0.6), rng.uniform(-8, 8)
        inside = (abs(depth - middle) < box / 2) & (abs(theta - angle) < 30 * box) & fan.mask(*size)
        jets = smooth(rng, size, 0.1 * box * size[0])
        jets = jets - np.quantile(jets[inside], 0.6)
        for t in range(0, len(frames), every):
            velocity = np.tanh(jets + 0.4 * smooth(rng, size, 0.03 * size[0]))
            velocity = velocity * (1 if t % 2 else -1) if look in ("both", "variance") else velocity
            lit = (np.abs(jets) if look == "variance" else jets) + 0.2 * smooth(rng, size, 2) > 0
            colour = dim * velocity_colour(velocity, look)
            frames[t] = np.where((lit & inside)[..., None], colour, frames[t])
        return frames

    return draw


def tissue_doppler(look: str = "both", opaque: float = 0.75, wide: float = 33) -> Draw:
    """Smooth colours over all the lit tissue of a box of so many degrees to both sides."""

    def draw(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
        size = frames.shape[1:3]
        _, theta = fan.polar(*size)
        for t, frame in enumerate(frames):
            level = cv2.blur(frame[..., 0], (5, 5))
            colour = velocity_colour(np.tanh(smooth(rng, size, 0.08 * size[0]) + np.sin(t)), look)
            box = (level > 15) & (abs(theta) < wide)
            mixed = opaque * colour + (1 - opaque) * frame
            frames[t] = np.where(box[..., None], mixed, frame)
        return frames

    return draw


def discs(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
    """Two plain discs, as a simple painter draws flow."""
    height, width = frames.shape[1:3]
    for frame in frames:
        for colour, y in (((230, 40, 30), 0.38), ((30, 60, 230), 0.52)):
            at = int(width / 2 + rng.uniform(-4, 4)), int(y * height)
            cv2.circle(frame, at, round(0.05 * height), colour, -1)
    return frames


DOPPLER: dict[str, Draw] = {
    "red and blue": flow("both"),
    "small box": flow("both", 0.22),
    "dim": flow("both", 0.5, 0.4),
    "dim small box": flow("both", 0.3, 0.45),
    "only red": flow("red"),
    "only blue": flow("blue"),
    "variance": flow("variance"),
    "power": flow("power"),
    "dim power": flow("power", 0.4, 0.5),
    "one frame in four": flow("both", 0.4, 1.0, 4),
    "tissue Doppler": tissue_doppler(),
    "tissue Doppler, one colour": tissue_doppler("red", wide=20),
    "tissue Doppler, thin": tissue_doppler("both", 0.45),
    "discs": discs,
}

# --- B-mode with innocent colours ------------------------------------------------------------------------------


def plain(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
    return frames


def tint(*channels: float) -> Draw:
    return lambda rng, frames, fan: (frames * np.array(channels)).astype(np.uint8)


def colour_map(name: int) -> Draw:
    """A colour map over the grey levels, as scanners offer; black stays black."""
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], name)[0, :, ::-1].astype(float)
    table *= np.minimum(1, np.arange(256) / 40)[:, None]
    return lambda rng, frames, fan: table[frames[..., 0]].astype(np.uint8)


def ecg(thick: float = 0.004, over_fan: bool = True) -> Draw:
    def draw(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
        height, width = frames.shape[1:3]
        base = int((0.8 if over_fan else 0.95) * height)
        for t, frame in enumerate(frames):
            for x in range(int(width * (t + 1) / len(frames))):
                ends = [base - round(0.06 * height * ((x + d) % (width // 4) < 4)) for d in (0, 1)]
                cv2.line(frame, (x, ends[0]), (x + 1, ends[1]), (60, 230, 80), max(1, round(thick * height)))
        return frames

    return draw


def calipers(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
    height, width = frames.shape[1:3]
    for frame in frames:
        for x, y in ((0.44, 0.4), (0.56, 0.62)):
            at = int(x * width), int(y * height)
            cv2.drawMarker(
                frame, at, (255, 220, 0), cv2.MARKER_CROSS, max(9, height // 30), 1 + height // 400
            )
        ends = (int(0.44 * width), int(0.4 * height)), (int(0.56 * width), int(0.62 * height))
        cv2.line(frame, *ends, (255, 220, 0), 1)
    return frames


def text(colour: tuple[int, int, int], scale: float = 1.0) -> Draw:
    def draw(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
        height, width = frames.shape[1:3]
        for frame in frames:
            at, size = (int(0.38 * width), int(0.6 * height)), scale * height / 480
            cv2.putText(frame, "LV 4.2 cm", at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, max(1, height // 240))
            cv2.putText(frame, "62 bpm", (4, height - 8), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1)
        return frames

    return draw


def block(y: float, x: float, tall: float, wide: float, *colours: tuple[int, int, int]) -> Draw:
    """A filled bar or logo at parts of the frame's size, its colours running downwards, with white text."""

    def draw(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
        height, width = frames.shape[1:3]
        rows, columns = max(1, round(tall * height)), round(wide * width)
        stops = np.array(colours, float)
        part = np.linspace(0, len(stops) - 1, rows)
        bar = np.stack([np.interp(part, range(len(stops)), stops[:, c]) for c in range(3)], -1)
        for frame in frames:
            top, left = round(y * height), round(x * width)
            frame[top : top + rows, left : left + columns] = bar[:, None]
            if wide > 0.3:
                cv2.putText(frame, "NAME 12-03", (4, top + rows - 4), 0, rows / 40, (255, 255, 255), 1)
        return frames

    return draw


def outline(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
    """A drawn border of the cavity."""
    height, width = frames.shape[1:3]
    for frame in frames:
        axes = int(0.1 * width), int(0.2 * height)
        cv2.ellipse(frame, (width // 2, height // 2), axes, 0, 0, 360, (255, 60, 200), 1 + height // 300)
    return frames


def chroma_noise(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
    return np.clip(frames + rng.integers(-20, 21, frames.shape), 0, 255).astype(np.uint8)


def dither(rng: np.random.Generator, frames: np.ndarray, fan: Fan) -> np.ndarray:
    """Three bits of red and green, two of blue, the error spread at random: as a default GIF palette."""
    steps = np.array([255 / 7, 255 / 7, 255 / 3])
    shaken = frames / steps + rng.uniform(-0.5, 0.5, frames.shape)
    return np.clip(np.rint(shaken) * steps, 0, 255).astype(np.uint8)


INNOCENT: dict[str, Draw] = {
    "grey": plain,
    "sepia": tint(1, 0.85, 0.6),
    "faint sepia": tint(1, 0.95, 0.85),
    "blue": tint(0.6, 0.8, 1),
    "strong blue": tint(0.15, 0.35, 1),
    "hot": colour_map(cv2.COLORMAP_HOT),
    "bone": colour_map(cv2.COLORMAP_BONE),
    "purple to yellow": colour_map(cv2.COLORMAP_INFERNO),
    "ECG over the fan": ecg(),
    "thick ECG": ecg(0.008),
    "ECG below": ecg(over_fan=False),
    "calipers": calipers,
    "yellow text": text((255, 230, 0)),
    "large green text": text((40, 230, 90), 1.4),
    "logo": block(0.02, 0.02, 0.12, 0.12, (230, 20, 30)),
    "title bar": block(0, 0, 0.06, 1, (40, 70, 130)),
    "coloured grey bar": block(0.2, 0.93, 0.5, 0.03, (255, 200, 90), (20, 10, 0)),
    "flow bar beside it": block(0.2, 0.93, 0.3, 0.03, (255, 220, 0), (120, 0, 0), (0, 0, 120), (0, 220, 255)),
    "outline": outline,
    "chroma noise": chroma_noise,
    "dither": dither,
}


def coded(frames: np.ndarray, how: str) -> np.ndarray:
    """The frames as they come back: "raw", or through JPEG with halved chroma ("jpeg75"), as in most videos."""
    if how == "raw":
        return frames
    result = []
    for frame in frames:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=int(how[4:]), subsampling=2)
        result.append(np.asarray(Image.open(buffer)))
    return np.stack(result)


def colour_clip(
    draw: Draw, seed: int, size: tuple[int, int], frames: int = 4, how: str = "raw"
) -> np.ndarray:
    """A clip with what `draw` paints: uint8 (T, H, W, 3)."""
    rng, fan = np.random.default_rng(seed), fan_in(*size)
    return coded(np.ascontiguousarray(draw(rng, b_mode(rng, fan, size, frames), fan)).astype(np.uint8), how)
