"""Colour that is only noise, as the dither of a GIF's palette or noisy video chroma: a clip of it is grey.

Averaged over a patch such colour is nothing, while a tint, a trace or colour flow stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np

from echogan.clips.clip import ClipFile, grey
from echogan.clips.sector.tint import LUMA, spread

PATCH, DOT = 17, 5  # pixels of a side: over a patch noise averages out, over a dot a drawn line does not
LIT = 30.0  # grey level above which a pixel counts; near black, clipping turns noise into a tint
NOISY = 6.0  # grey levels between a pixel's colour and the usual one at its grey level: median over the lit pixels
MARK = 30.0, 100.0  # grey levels of colour over a dot: something drawn; the more, the stronger the noise
COLOUR = 12.0, 25.0  # the same over a patch: a coloured area
BAND = 64  # grey levels over which a tint is nearly one hue
RARE = 7.0  # times the lower quartile of its size: what noise reaches in no pixel of a clip
TINT = 5.0  # the same over all lit pixels: a tinted B-mode
FEW = 3e-4  # share of the frame below which coloured pixels are chance
MOST = 0.05  # share above which they are no marks over a grey clip, but colour flow or the like
LOOKS, SAMPLES = (
    8,
    12,
)  # frames at the start, of which the first lit one is looked at; frames that then decide
REMOVED = "The colours of the picture are noise, as of a small palette; they were removed."


@dataclass(frozen=True)
class _Colour:
    """The colour of one frame. All arrays float32 (H, W, 3) or bool (H, W).

    own     each pixel's R - Y, G - Y, B - Y; `patch` is its mean over a patch without the marks
    odd     how far it is from the usual colour at the pixel's grey level, float32 (H, W)
    areas   coloured patches
    marks   drawn in colour
    lit     bright enough to count
    """

    own: np.ndarray
    odd: np.ndarray
    patch: np.ndarray
    areas: np.ndarray
    marks: np.ndarray
    lit: np.ndarray

    @classmethod
    def of(cls, frame: np.ndarray) -> _Colour:
        level = frame @ LUMA
        own = frame - level[..., None]
        lit = level > LIT
        marks = _beyond_noise(cv2.blur(own, (DOT, DOT)), lit, *MARK)
        plain = (~marks).astype(np.float32)
        weight = cv2.blur(plain, (PATCH, PATCH))
        patch = cv2.blur(own * plain[..., None], (PATCH, PATCH)) / np.maximum(weight, 1e-3)[..., None]
        odd = spread(own - _usual_colour(level, own, lit & ~marks))
        return cls(own, odd, patch, _beyond_noise(patch, lit, *COLOUR), marks, lit)

    @property
    def noisy(self) -> bool:
        """Whether most lit pixels are off the usual colour, as they are not in a tinted clip."""
        where = self.lit & ~self.marks
        return where.mean() > 0.01 and float(np.median(self.odd[where])) > NOISY

    @property
    def tint(self) -> np.ndarray:
        """The mean colour of what is lit: float32 (3,)."""
        where = self.lit & ~self.marks
        return self.own[where].mean(0) if where.any() else np.zeros(3, np.float32)


def without_colour_noise(clip: ClipFile) -> ClipFile:
    """The clip without colour noise: grey if nothing else was coloured, else with its marks or its tint.

    A clip without such noise, or with much colour beside it, is returned as it is. Raises UnreadableClip.
    """
    if not clip.color or not _looks_noisy(clip):
        return clip
    looks = [_Colour.of(frame) for frame in clip.sample(SAMPLES)]
    tinted = float(spread(np.mean([look.tint for look in looks], 0))) > TINT
    marks = max(float(look.marks.mean()) for look in looks)
    areas = max(float(look.areas.mean()) for look in looks)
    if marks > MOST or (areas > MOST and not tinted):
        return clip
    warnings = (*clip.warnings, REMOVED)
    if not tinted and marks < FEW and areas < FEW:
        return replace(
            clip, color=False, decode=lambda: (grey(frame) for frame in clip.iter_frames()), warnings=warnings
        )
    return replace(clip, decode=lambda: _cleaned(clip, tinted), warnings=warnings)


def _looks_noisy(clip: ClipFile) -> bool:
    """Whether the first lit frame has colour noise."""
    for frame in islice(clip.iter_frames(), LOOKS):
        if (grey(frame) > LIT).mean() > 0.01:
            return _Colour.of(frame).noisy
    return False


def _cleaned(clip: ClipFile, tinted: bool) -> Iterator[np.ndarray]:
    """Frames, uint8 (H, W, 3), with the colour of marks, of coloured patches and of a tint alone."""
    for frame in clip.iter_frames():
        colour = _Colour.of(frame)
        smooth = colour.patch if tinted else colour.patch * colour.areas[..., None]
        kept = np.where(colour.marks[..., None], colour.own, smooth)
        yield np.clip(np.rint(grey(frame)[..., None] + kept), 0, 255).astype(np.uint8)


def _usual_colour(level: np.ndarray, own: np.ndarray, lit: np.ndarray) -> np.ndarray:
    """The mean colour at each pixel's grey level, float32 (H, W, 3): a straight line over each band of BAND levels.

    A tint changes little over a band. A small palette has every hue within one, and their mean is nothing.
    """
    centres, means = [0.0], [np.zeros(3, np.float32)]
    for low in range(0, 256, BAND):
        band = lit & (level >= low) & (level < low + BAND)
        if band.sum() > 20:
            centres.append(float(level[band].mean()))
            means.append(own[band].mean(0))
    table = np.array(means)
    return np.stack([np.interp(level, centres, table[:, c]) for c in range(3)], -1).astype(np.float32)


def _beyond_noise(colour: np.ndarray, lit: np.ndarray, least: float, most: float) -> np.ndarray:
    """Where an averaged colour, float32 (H, W, 3), is more than the noise of the frame can make it: bool (H, W)."""
    size = spread(colour)
    usual = float(np.percentile(size[lit], 25)) if lit.any() else 0.0
    return size > np.clip(RARE * usual, least, most)
