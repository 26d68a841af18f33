"""Decode a few frames on opening: which can be used, in which colour space they are, and which values they hold."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from pydicom import uid

from echogan.clips.dicom.codestream import IMAGE_END, read_codestream
from echogan.clips.dicom.color import coded_layout, colour_note, space_by_content
from echogan.clips.dicom.frames import Frame, count_note
from echogan.clips.dicom.header import reading
from echogan.clips.dicom.layout import DAMAGED, Layout
from echogan.core.errors import UnreadableClip

MOST_BROKEN = 16  # frames at either end that may be damaged; a file with more is refused
BROKEN = "Some frames at the start or end of the file are damaged and were left out."


@dataclass(frozen=True)
class Survey:
    """The usable frames, and how they are laid out. `left_out` counts those before the first.

    samples  some decoded frames, (n, H, W) stored values or (n, H, W, 3), RGB or YCbCr as stored
    """

    layout: Layout
    frames: list[Frame]
    left_out: int
    samples: np.ndarray
    notes: tuple[str, ...]


def survey(
    frames: list[Frame],
    layout: Layout,
    read: Callable[[Frame, Layout], np.ndarray],
    encoded: Callable[[Frame], bytes],
) -> Survey:
    """Look at the first, the middle and the last frame. Raises UnreadableClip if no frame can be decoded.

    `read` decodes a frame by a layout, `encoded` gives its bytes.
    """
    coded = layout.syntax.is_encapsulated and layout.syntax != uid.RLELossless
    layout = _as_coded(encoded(frames[0]), layout) if coded else layout

    def attempt(index: int) -> np.ndarray:
        with reading():
            return read(frames[index], layout)

    first, start = _first_that_works(range(len(frames)), attempt)
    # A coder that leaves out the end mark does so in every frame; where only the last frames lack it, they are cut.
    marked = coded and _is_complete(encoded(frames[first]))

    def attempt_whole(index: int) -> np.ndarray:
        if marked and not _is_complete(encoded(frames[index])):
            raise UnreadableClip(DAMAGED)
        return attempt(index)

    samples = [start]
    try:
        last, end = _first_that_works(range(len(frames) - 1, first, -1), attempt_whole)
        samples.append(end)
    except UnreadableClip:
        if len(frames) - first > MOST_BROKEN:
            raise
        last = first
    with suppress(UnreadableClip):  # met again, and told, when the frames are read
        samples.append(attempt((first + last) // 2))
    shown = np.stack(samples)
    if layout.samples == 3 and layout.photometric != "YBR_FULL_422":
        layout = replace(layout, photometric=space_by_content(shown, layout.photometric))
    broken = (BROKEN,) if last + 1 - first < len(frames) else ()
    notes = (*count_note(layout, len(frames)), *broken, *colour_note(layout))
    return Survey(layout, frames[first : last + 1], first, shown, notes)


def _first_that_works(order: Sequence[int], attempt: Callable[[int], np.ndarray]) -> tuple[int, np.ndarray]:
    """The first frame that can be decoded, and its samples. Raises the first frame's error if none of them can."""
    error = UnreadableClip(DAMAGED)
    for count, index in enumerate(order[: MOST_BROKEN + 1]):
        try:
            return index, attempt(index)
        except UnreadableClip as found:
            error = error if count else found
    raise error


def _is_complete(encoded: bytes) -> bool:
    """Whether a JPEG or JPEG 2000 codestream has its end mark, which occurs nowhere else in its data."""
    return IMAGE_END in encoded


def _as_coded(encoded: bytes, layout: Layout) -> Layout:
    """The layout corrected by the codestream's header, if it has one."""
    try:
        return coded_layout(layout, read_codestream(encoded))
    except (struct.error, IndexError):
        return layout
