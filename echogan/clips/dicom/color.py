"""Which colour space the samples of a frame are in: the codestream and the picture outrank the header's label.

Most of an ultrasound picture is black or grey. Read in the wrong colour space it is green or magenta, so the share of
grey pixels tells RGB from YCbCr, and shared chroma (YBR_FULL_422) from full chroma.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from echogan.clips.dicom.codestream import JPEG, Codestream
from echogan.clips.dicom.layout import COLOR_SPACES, GREY_SPACES, Layout, stated_space

SPREAD = 24  # of 255: how far the R, G and B of a grey pixel may lie apart
MUCH = 0.25  # the share of grey pixels from which a reading overrules another
TIMES = 2.0  # how many times as many they must be

OVERRULED = (
    "The file's colour label does not fit its pixels, so the colours were read as the pixels show them."
)
NO_LABEL = "The file does not say how its colours are stored; this was taken from the pixels."


def grey_share(samples: np.ndarray, space: str) -> float:
    """The share of grey pixels in raw samples uint8 (..., 3), read as RGB or as YBR_FULL."""
    values = samples.astype(np.int16)
    if space == "RGB":
        return float((values.max(-1) - values.min(-1) <= SPREAD).mean())
    return float((2 * np.abs(values[..., 1:] - 128).max(-1) <= SPREAD).mean())


def outranks(share: float, other: float) -> bool:
    """Whether a reading with this share of grey pixels overrules the one that was assumed, with the `other`."""
    return share >= MUCH and share > TIMES * other


def space_by_content(samples: np.ndarray, assumed: str) -> str:
    """RGB or YBR_FULL: the one assumed, unless the picture is far greyer in the other."""
    other = "YBR_FULL" if assumed == "RGB" else "RGB"
    return other if outranks(grey_share(samples, other), grey_share(samples, assumed)) else assumed


def native_layout(layout: Layout, first: Callable[[Layout], np.ndarray]) -> Layout:
    """Uncompressed colours: whether pixels share their chroma, by the length where it can tell, then by the picture.

    `first` decodes the first frame by a layout, raw samples (H, W, 3).
    """
    full = replace(layout, photometric="YBR_FULL" if "YBR_FULL" in layout.photometric else "RGB")
    shared = replace(layout, photometric="YBR_FULL_422", planar=0)
    length = layout.place.length or 0
    possible = [one for one in (full, shared) if one.frame_bytes <= length]
    if len(possible) < 2 or layout.columns % 2:
        return full if not possible or layout.columns % 2 else possible[0]
    stated, other = (shared, full) if layout.photometric == "YBR_FULL_422" else (full, shared)
    if _fills(other) and not _fills(stated):
        stated, other = other, stated

    def greyest(one: Layout) -> float:
        spaces = ("YBR_FULL",) if one is shared else ("RGB", "YBR_FULL")
        return max(grey_share(first(one), space) for space in spaces)

    return other if outranks(greyest(other), greyest(stated)) else stated


def _fills(layout: Layout) -> bool:
    """Whether the frames counted, or else a whole number of them, fill the value but for a padding byte."""
    length, size = layout.place.length or 0, layout.frame_bytes
    return 0 <= length - (layout.counted or length // size) * size < 2


def coded_layout(layout: Layout, stream: Codestream) -> Layout:
    """The number of samples and the colour space that a frame's own header gives, where it does.

    A JPEG that says nothing, under no known label, is YCbCr: so nearly all are.
    """
    samples = stream.components if stream.components in (1, 3) else layout.samples
    if samples != layout.samples:
        photometric = stated_space(layout.label, samples, palette=False, syntax=layout.syntax)
        layout = replace(layout, samples=samples, photometric=photometric)
    if samples == 1:
        return layout
    unsaid = (
        "YBR_FULL" if stream.syntaxes == JPEG and layout.label not in COLOR_SPACES else layout.photometric
    )
    return replace(layout, photometric=stream.space or unsaid)


def colour_note(layout: Layout) -> tuple[str, ...]:
    """What to say if the label is missing, or was overruled."""
    if not layout.label:
        return (NO_LABEL,)
    if layout.samples == 1:
        return () if layout.label in GREY_SPACES else (OVERRULED,)
    by_label = stated_space(layout.label, 3, palette=False, syntax=layout.syntax)
    same = layout.photometric == by_label and layout.label in COLOR_SPACES
    return () if same else (OVERRULED,)
