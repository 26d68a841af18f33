"""Simulated hard fans whose true sector is known, for training and testing the sector finder.

Each seed gives one clip. It is a phantom clip with some of: dark edges or far field, a shadow on one side, drop-out,
rejected low levels, a vendor's smoothing and grey curve, a fan cut by the frame, a background that is not black, text,
ticks, a grey bar, an ECG trace over the tissue, another resolution, JPEG. Some are stills or short clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from echogan.phantom.acoustics.probe import AcousticSettings
from echogan.phantom.clip import PhantomClip, PhantomSettings
from echogan.phantom.render import phantom_clip
from eval.fans.hard_overlays import USUAL, TraceStyle, draw_overlays

MOST_FRAMES = 40
# A wider range of angles than in the clips that networks are trained on.
WIDE = PhantomSettings(acoustics=AcousticSettings(half_angle_deg=(26, 48)))
INSIDE = 0.45  # least share of the fan that lies in the frame
VISIBLE, LIT = 0.4, 0.06  # least share of the fan that is brighter than this level (of 1) in some frame


@dataclass(frozen=True)
class HardFan:
    """A simulated clip with a sector that is hard to find.

    frames  uint8 (T, H, W) or (T, H, W, 3)
    truth   bool (H, W): the imaged part of the frame
    trace   bool (H, W): pixels that the ECG trace covers in some frame; None where no trace is drawn
    shape   "fan", "rectangle", "full" (tissue fills the frame) or "panes" (two fans side by side)
    """

    frames: np.ndarray
    truth: np.ndarray
    trace: np.ndarray | None
    shape: str


def draw_count(rng: np.random.Generator) -> int:
    """The number of frames of a hard clip: one in six is a still, one in six has two to five frames."""
    kind = rng.random()
    if kind < 1 / 6:
        return 1
    return int(rng.integers(2, 6)) if kind < 1 / 3 else int(rng.integers(6, MOST_FRAMES + 1))


def hard_fan(seed: int, sizes: tuple[int, int] = (200, 800)) -> HardFan:
    """The hard fan of a seed. The longer side of its frame is between the two `sizes` in pixels."""
    rng = np.random.default_rng(seed)
    count = draw_count(rng)
    return harden(phantom(seed, count, rng), rng, sizes)


def phantom(seed: int, frames: int, rng: np.random.Generator) -> PhantomClip:
    """The phantom clip of a seed, degraded with probability 0.7, else clean."""
    want = "degraded" if rng.random() < 0.7 else "clean"
    return phantom_clip(seed, WIDE, frames, want=(want,))


def harden(
    clip: PhantomClip,
    rng: np.random.Generator,
    sizes: tuple[int, int],
    others: bool = False,
    style: TraceStyle = USUAL,
) -> HardFan:
    """A phantom clip (clean or degraded frames) made hard to find. With `others` some have another shape than a fan."""
    pixels = clip.degraded if clip.degraded is not None else clip.clean
    assert pixels is not None
    shape = str(rng.choice(["rectangle", "full", "panes"])) if others and rng.random() < 0.13 else "fan"
    levels, mask = pixels.numpy().astype(np.float32) / 255, clip.sector_mask.numpy()
    for _ in range(20):
        dark = _vendor_processed(rng, _darkened(rng, levels, clip.fan))
        if (dark.max(0)[mask] > LIT).mean() > VISIBLE:
            break
    else:
        dark = levels
    frames, truth = _placed(rng, dark, mask, sizes, shape)
    if shape == "panes":
        frames = np.concatenate([frames, frames[..., ::-1] * rng.uniform(0.4, 1)], 2)
        truth = np.concatenate([truth, truth[:, ::-1]], 1)
    frames = _on_screen(rng, frames, truth)
    frames, trace = draw_overlays(rng, frames, truth, style) if shape != "full" else (frames, None)
    return HardFan(_coded(rng, frames), truth, trace, shape)


def _smooth_step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _darkened(rng: np.random.Generator, levels: np.ndarray, fan: tuple[float, ...]) -> np.ndarray:
    """Levels 0 to 1 (T, S, S) with signal loss. A loss in dB is a difference of levels, as they are log-compressed."""
    x, y, left, right, r_min, r_max = fan
    rows, columns = np.mgrid[0 : levels.shape[1], 0 : levels.shape[2]].astype(np.float32)
    side = np.degrees(np.arctan2(columns - x, rows - y)) / ((right - left) / 2)
    depth = (np.hypot(columns - x, rows - y) - r_min) / (r_max - r_min)
    loss = np.zeros_like(side)
    for sign in (-1, 1):
        if rng.random() < 0.4:  # dark edge, more so with depth
            start, width = rng.uniform(0.3, 1.0), rng.uniform(0.05, 0.7)
            deep = _smooth_step((depth - rng.uniform(-0.5, 0.7)) / rng.uniform(0.1, 0.6))
            loss += rng.uniform(0.15, 1.0) * _smooth_step((sign * side - start) / width) * deep
    if rng.random() < 0.25:  # a rib or the lung shadows one side from the probe on
        sign, start = rng.choice([-1, 1]), rng.uniform(-0.1, 0.9)
        loss += rng.uniform(0.3, 1.0) * _smooth_step((sign * side - start) / 0.12)
    if rng.random() < 0.45:  # dark far field
        loss += rng.uniform(0.15, 0.9) * _smooth_step((depth - rng.uniform(0.3, 1)) / rng.uniform(0.1, 0.6))
    if rng.random() < 0.5:  # drop-out in patches
        patches = cv2.resize(rng.normal(size=(6, 6)).astype(np.float32), side.shape[::-1])
        patches = cv2.GaussianBlur(patches, (0, 0), side.shape[0] / 20)
        loss += rng.uniform(0.1, 0.5) * np.maximum(patches, 0)
    return np.clip(levels - loss.astype(np.float32), 0, 1)


def _vendor_processed(rng: np.random.Generator, levels: np.ndarray) -> np.ndarray:
    """Levels after a vendor's processing: smoothing, rejection of low levels, another grey curve."""
    if rng.random() < 0.5:
        sigma = rng.uniform(0.4, 2.0)
        levels = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in levels])
    if rng.random() < 0.2:
        levels = np.stack([cv2.bilateralFilter(frame, 5, 0.15, 2) for frame in levels])
    if rng.random() < 0.5:
        reject = rng.uniform(0.02, 0.3)
        levels = np.clip((levels - reject) / (1 - reject), 0, 1)
    return levels ** rng.uniform(0.55, 1.6) * rng.uniform(0.6, 1.0)


def _placed(
    rng: np.random.Generator, levels: np.ndarray, mask: np.ndarray, sizes: tuple[int, int], shape: str
) -> tuple[np.ndarray, np.ndarray]:
    """(levels (T, H, W), truth bool (H, W)): the fan scaled and moved into a frame, whose edges may cut it."""
    longer = round(float(np.exp(rng.uniform(*np.log(sizes)))))
    ratio = float(rng.choice([1.0, 1.0, rng.uniform(0.6, 0.85)]))
    height, width = (longer, longer) if ratio == 1 else (round(longer * ratio), longer)
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    top, left, tall, wide = rows[0], columns[0], np.ptp(rows) + 1, np.ptp(columns) + 1
    soft = mask.astype(np.float32)
    if shape in ("rectangle", "full"):  # a part of the fan that is a rectangle
        middle = columns[0] + wide / 2
        half = rng.uniform(0.14, 0.22) * wide
        box = np.s_[
            round(top + 0.42 * tall) : round(top + 0.92 * tall), round(middle - half) : round(middle + half)
        ]
        levels, soft = levels[:, box[0], box[1]], soft[box]
        top, left, (tall, wide) = 0, 0, soft.shape
    for _ in range(50):
        cut = rng.random() < 0.35
        high = rng.uniform(0.85, 1.2) if cut else rng.uniform(0.6, 0.99)
        scale = high * min(height / tall, 1.15 * width / wide if cut else width / wide)
        if shape == "full":
            scale = 1.02 * max(height / tall, width / wide)
        aspect = rng.uniform(0.7, 1.4) if rng.random() < 0.08 else rng.uniform(0.985, 1.015)
        free_x, free_y = width - wide * scale * aspect, height - tall * scale
        x = free_x * rng.uniform(0.2, 0.8) if free_x < 0 or rng.random() < 0.7 else free_x * rng.random()
        y = free_y * (rng.uniform(0, 0.6) if free_y > 0 else rng.uniform(0, 0.35))
        move = np.array(
            [[scale * aspect, 0, x - left * scale * aspect], [0, scale, y - top * scale]], np.float32
        )
        if shape == "fan" and rng.random() < 0.15:  # a steered sector
            middle = (x + wide * scale * aspect / 2, y)
            move = _after(cv2.getRotationMatrix2D(middle, rng.uniform(-8, 8), 1), move)
        edge = cv2.BORDER_REPLICATE if shape == "full" else cv2.BORDER_CONSTANT
        truth = cv2.warpAffine(soft, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=edge) > 0.5
        if truth.sum() > INSIDE * soft.sum() * scale**2 * aspect:
            break
    how = cv2.INTER_LINEAR if scale > 0.7 else cv2.INTER_AREA
    moved = np.stack([cv2.warpAffine(f, move, (width, height), flags=how, borderMode=edge) for f in levels])
    if rng.random() < 0.7:  # a scanner draws its edge sharp; an export may have blurred it
        moved *= truth
    return moved, truth


def _after(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The affine map (2, 3) that applies `first`, then `second`."""
    square = np.vstack([first, [0, 0, 1]])
    return (second @ square).astype(np.float32)


def _on_screen(rng: np.random.Generator, levels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Grey levels 0 to 255, float32 (T, H, W). In one clip of three the background is not quite black."""
    frames = 255 * levels
    if rng.random() < 0.35:
        ground = rng.uniform(0, 16) * (rng.random() < 0.6)
        grain = rng.uniform(0, 3)
        for frame in frames:
            frame += ground + grain * rng.normal(size=frame.shape).astype(np.float32)
    return np.clip(frames, 0, 255)


def _coded(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """The frames, float32 (T, H, W) or (T, H, W, 3), as stored in a file: some resampled or JPEG; uint8."""
    height, width = frames.shape[1:3]
    quality = int(rng.integers(35, 95)) if rng.random() < 0.6 else None
    smaller = rng.uniform(0.5, 0.9) if rng.random() < 0.3 else None
    stored = []
    for frame in frames:
        if smaller:
            frame = cv2.resize(frame, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
        frame = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
        if quality:
            coded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            frame = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
        stored.append(frame)
    return np.stack(stored)
