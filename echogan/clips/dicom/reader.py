"""Read DICOM ultrasound: single and multi-frame, every common compression, one frame at a time.

`open_dicom` reads the header only (and decodes one frame, once the limits are checked); its messages never
hold a value from the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.content import check_limits
from echogan.clips.dicom.color import native_layout
from echogan.clips.dicom.display import display_table, to_display
from echogan.clips.dicom.facts import check_regions, read_pixel_aspect, read_regions, read_space, read_timing
from echogan.clips.dicom.frames import find_frames, native_count
from echogan.clips.dicom.gdcm_process import gdcm_decoder
from echogan.clips.dicom.header import HEADER_TAGS, DicomSource, has_only_private_data, read_header, reading
from echogan.clips.dicom.layout import DAMAGED, Layout, read_layout
from echogan.clips.dicom.pixels import read_frame, read_spans
from echogan.clips.dicom.survey import Survey, survey
from echogan.core.errors import EchoGANError, UnreadableClip, UnsupportedClip

ULTRASOUND_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.3": "multi-frame, retired",
    "1.2.840.10008.5.1.4.1.1.3.1": "multi-frame",
    "1.2.840.10008.5.1.4.1.1.6": "single frame, retired",
    "1.2.840.10008.5.1.4.1.1.6.1": "single frame",
}
ENHANCED_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"
DIRECTORY = "1.2.840.10008.1.3.10"


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that starts with `head` (132 bytes or more) is DICOM, with its preamble or without."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16:
        return False
    for order in "<>":
        group, element, vr, _ = struct.unpack(f"{order}HH2sH", head[:8])
        if group not in (0x0002, 0x0008) or element > 0x0070:
            continue
        if vr in (b"UL", b"CS", b"UI", b"DA", b"TM", b"SH", b"LO", b"OB"):
            return True
        # Implicit VR: a small even length, and after that value another element of the same group.
        length = struct.unpack("<I", head[4:8])[0]
        if order == "<" and length <= 256 and length % 2 == 0:
            return head[8 + length : 10 + length] == head[:2]
    return False


DIM = 32  # grey level (of 255) that every clip should reach
TOO_DIM = (
    "The picture is nearly black: its values fill little of their range, and no window says which part to show. "
    "Export it with a window, or in 8 bits."
)


def open_dicom(path: Path | str, limits: ClipLimits | None = None) -> ClipFile:
    """Open a DICOM ultrasound clip or still.

    Raises UnreadableClip (damaged, truncated), UnsupportedClip (not ultrasound, Doppler, M-mode, unusual
    coding) and ClipTooLarge, the last before anything is decoded.
    """
    path, limits = Path(path), limits or ClipLimits()
    with reading():
        source = DicomSource.of(path)
        with source.open() as file:
            header, place = read_header(file, HEADER_TAGS)
            notes = _check_kind(header)
            if place is None or (place.length == 0 and has_only_private_data(file)):
                raise _no_pixels(header, file)
        layout = read_layout(header, place)
        regions = read_regions(header)
        check_regions(regions)
        found = _look(source, layout, path, limits)
        table, more = display_table(header, found.layout, found.samples)
        first = to_display(found.samples[0], found.layout, table)
        space = read_space(header, regions, layout.rows, layout.columns)
        timing = read_timing(header, len(found.frames), found.left_out)
    dim = layout.bits_stored > 8 and first.max() < DIM
    return ClipFile(
        path=path,
        kind="dicom",
        frames=len(found.frames),
        height=layout.rows,
        width=layout.columns,
        fps=timing.fps,
        color=first.ndim == 3,
        decode=_decoder(source, found, table),
        durations_ms=timing.durations_ms,
        spacing_mm=space.spacing_mm,
        regions=space.regions,
        strips=space.strips,
        rescaled=space.rescaled,
        pixel_aspect=read_pixel_aspect(header, space.spacing_mm),
        warnings=(
            *notes, *found.notes, *more, *timing.warnings, *space.warnings, *((TOO_DIM,) if dim else ())
        ),
    )  # fmt: skip


def _look(source: DicomSource, layout: Layout, path: Path, limits: ClipLimits) -> Survey:
    """Find the frames, check the limits, and only then decode some."""
    native = not layout.syntax.is_encapsulated
    if native:
        _check_limits(path, layout, native_count(layout), limits)
    with source.open(_end(layout)) as file, gdcm_decoder() as gdcm:
        if native and layout.samples == 3:
            start = layout.place.start
            layout = native_layout(
                layout, lambda one: read_frame(file, ((start, one.frame_bytes),), one, gdcm)
            )
        frames = find_frames(file, layout)
        _check_limits(path, layout, len(frames), limits)
        found = survey(
            frames,
            layout,
            lambda spans, one: read_frame(file, spans, one, gdcm),
            lambda spans: read_spans(file, spans, layout),
        )
    _check_limits(path, found.layout, len(found.frames), limits)  # colours can be under a grey header
    return found


def _end(layout: Layout) -> int:
    """The end of uncompressed pixels, so that a deflated file is inflated no further; 0 for others."""
    return layout.place.start + (layout.place.length or 0)


def _decoder(
    source: DicomSource, found: Survey, table: np.ndarray | None
) -> Callable[[], Generator[np.ndarray]]:
    """The clip's `decode`."""

    def decode() -> Generator[np.ndarray]:
        with reading(), source.open(_end(found.layout)) as file, gdcm_decoder() as gdcm:
            for spans in found.frames:
                yield to_display(read_frame(file, spans, found.layout, gdcm), found.layout, table)

    return decode


def _check_kind(header: Dataset) -> tuple[str, ...]:
    """Raise UnsupportedClip unless this is 2-D ultrasound; return notes for the reader."""
    meta_class = getattr(header, "file_meta", Dataset()).get("MediaStorageSOPClassUID")
    sop_class = str(header.get("SOPClassUID") or meta_class or "")
    if sop_class == DIRECTORY:
        raise UnsupportedClip(
            "This is a DICOM directory (DICOMDIR), not an image; give one of the files it lists."
        )
    modality = str(header.get("Modality") or "").strip().upper()
    if modality != "US" and (modality or sop_class not in ULTRASOUND_CLASSES):
        if not header:
            raise UnreadableClip(DAMAGED)
        raise UnsupportedClip(
            "This DICOM file is not ultrasound (its modality is not US); give an echo clip."
        )
    if sop_class == ENHANCED_VOLUME:
        raise UnsupportedClip("This DICOM file is a 3-D ultrasound volume; export a two-dimensional clip.")
    if sop_class in ULTRASOUND_CLASSES:
        return ()
    return ("The file is no ultrasound object (a secondary capture perhaps); its tags may be incomplete.",)


def _no_pixels(header: Dataset, file: BinaryIO) -> EchoGANError:
    if has_only_private_data(file):
        return UnsupportedClip(
            "This DICOM file holds only the vendor's raw data and no picture; export it as a DICOM clip or MP4."
        )
    if "Rows" not in header and header.get("SOPClassUID") not in ULTRASOUND_CLASSES:
        return UnsupportedClip(
            "This DICOM file has no pixel data (a report or measurements perhaps); give a clip."
        )
    return UnreadableClip("The DICOM file has no pixel data; it may be cut short. Export it again.")


def _check_limits(path: Path, layout: Layout, frames: int, limits: ClipLimits) -> None:
    channels = 1 if layout.photometric.startswith("MONOCHROME") else 3
    check_limits(path, limits, frames, layout.rows, layout.columns, channels)
