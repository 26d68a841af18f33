"""Read DICOM ultrasound: single and multi-frame, every common compression, one frame at a time.

`open_dicom` reads the header only (and decodes one frame, once the limits are checked); its messages never
hold a value from the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.content import check_limits
from echogan.clips.dicom.facts import check_regions, read_regions, read_space, read_timing
from echogan.clips.dicom.gdcm_process import gdcm_decoder
from echogan.clips.dicom.header import HEADER_TAGS, DicomSource, read_header, reading, transfer_syntax
from echogan.clips.dicom.layout import DAMAGED, Layout, find_frames, read_layout
from echogan.clips.dicom.pixels import display_table, read_frame, to_display
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
        if place is None:
            raise _no_pixels(header)
        layout = read_layout(header, transfer_syntax(header, source), place)
        _check_size(path, layout, limits)
        regions = read_regions(header)
        check_regions(regions)
        table = display_table(header, layout)
        decode = _decoder(source, layout, header, table)
        space = read_space(header, regions, layout.rows, layout.columns)
        timing = read_timing(header, layout.frames)
        with closing(decode()) as frames:
            first = next(frames)
    dim = layout.bits_stored > 8 and first.max() < DIM
    return ClipFile(
        path=path,
        kind="dicom",
        frames=layout.frames,
        height=layout.rows,
        width=layout.columns,
        fps=timing.fps,
        color=first.ndim == 3,
        decode=decode,
        durations_ms=timing.durations_ms,
        spacing_mm=space.spacing_mm,
        regions=space.regions,
        strips=space.strips,
        rescaled=space.rescaled,
        warnings=(*notes, *timing.warnings, *space.warnings, *((TOO_DIM,) if dim else ())),
    )


def _decoder(
    source: DicomSource, layout: Layout, header: Dataset, table: np.ndarray | None
) -> Callable[[], Generator[np.ndarray]]:
    """The clip's `decode`. Finds the frames now, so that a truncated file is refused at once."""
    end = layout.start + layout.frame_bytes * layout.frames
    with source.open(end) as file:
        frames = find_frames(file, layout, header)

    def decode() -> Generator[np.ndarray]:
        with reading(), source.open(end) as file, gdcm_decoder() as gdcm:
            for spans in frames:
                yield to_display(read_frame(file, spans, layout, gdcm), table)

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


def _no_pixels(header: Dataset) -> EchoGANError:
    if "Rows" in header or header.get("SOPClassUID") in ULTRASOUND_CLASSES:
        return UnreadableClip("The DICOM file has no pixel data; it may be cut short. Export it again.")
    return UnsupportedClip(
        "This DICOM file has no pixel data (a report or measurements perhaps); give a clip."
    )


def _check_size(path: Path, layout: Layout, limits: ClipLimits) -> None:
    """Raise an error if there is nothing to decode, or too much."""
    if layout.frames < 1 or layout.rows < 1 or layout.columns < 1:
        raise UnreadableClip("The DICOM file has zero frames. Export the clip again.")
    channels = 1 if layout.photometric.startswith("MONOCHROME") else 3
    check_limits(path, limits, layout.frames, layout.rows, layout.columns, channels)
