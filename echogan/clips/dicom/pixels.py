"""Decode one DICOM frame, and turn its stored values into the uint8 that is shown.

A frame goes to a decoder only if its own header agrees with the DICOM header, so that a small damaged or
hostile file cannot claim much memory. Sources: DICOM PS3.5, 8; PS3.3, C.7.6.3 and C.11.2.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut

from echogan.clips.dicom.facts import numbers
from echogan.clips.dicom.gdcm_process import GdcmDecoder
from echogan.clips.dicom.layout import DAMAGED, DECODERS, DEPTH, TRUNCATED, Layout, Span
from echogan.core.errors import ClipTooLarge, UnreadableClip, UnsupportedClip

MAX_RLE_BYTES = 8 * 2**20


def read_frame(file: BinaryIO, spans: tuple[Span, ...], layout: Layout, gdcm: GdcmDecoder) -> np.ndarray:
    """Decode one frame: (H, W) stored values or (H, W, 3) uint8 RGB. Raises UnreadableClip."""
    size = sum(length for _, length in spans)
    if layout.syntax == uid.RLELossless and size > MAX_RLE_BYTES:
        raise ClipTooLarge(
            "The run-length coded frames of this DICOM file are too large; export it uncompressed."
        )
    if size > 4 * layout.frame_bytes + 2**20:
        raise UnreadableClip(DAMAGED)
    encoded = b"".join(_read(file, offset, length, layout) for offset, length in spans)
    if len(encoded) != size:
        raise UnreadableClip(TRUNCATED)
    if layout.syntax.is_encapsulated:
        if layout.syntax != uid.RLELossless:
            precision = _check_codestream(encoded, layout)
            if DECODERS[layout.syntax] == "gdcm":
                return gdcm.decode(encoded, layout, precision)
        encoded = encapsulate([encoded], has_bot=False)
    return _decode(encoded, layout)


def _decode(encoded: bytes, layout: Layout) -> np.ndarray:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "photometric_interpretation": layout.photometric,
        "pixel_keyword": "PixelData",
        "pixel_vr": "OB" if layout.bits_allocated == 8 else "OW",
    }
    if layout.samples == 3:
        options["planar_configuration"] = layout.planar
    plugin = DECODERS[layout.syntax]
    values, _ = get_decoder(layout.syntax).as_array(encoded, decoding_plugin=plugin, **options)
    if values.shape[:2] != (layout.rows, layout.columns):
        raise UnreadableClip(DAMAGED)
    return values


def _read(file: BinaryIO, offset: int, length: int, layout: Layout) -> bytes:
    """Bytes of the file; those of 8-bit samples stored as big endian 16-bit words are put in order."""
    if layout.syntax != uid.ExplicitVRBigEndian or layout.bits_allocated != 8 or not layout.words:
        file.seek(offset)
        return file.read(length)
    lead = (offset - layout.start) % 2
    file.seek(offset - lead)
    words = file.read((lead + length + 1) // 2 * 2)
    return np.frombuffer(words, "u2").byteswap().tobytes()[lead : lead + length]


def _check_codestream(encoded: bytes, layout: Layout) -> int:
    """Raise unless the compressed frame's own header has the size and depth of the DICOM one; return its bits."""
    try:
        rows, columns, components, precision = _codestream_shape(encoded)
    except (struct.error, IndexError):
        raise UnreadableClip(DAMAGED) from None
    if (rows, columns, components) != (layout.rows, layout.columns, layout.samples):
        raise UnreadableClip("The DICOM header does not agree with its frames' size; export the clip again.")
    eight_bit_only = layout.syntax in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
    if precision > (8 if eight_bit_only else layout.bits_allocated):
        raise UnsupportedClip(DEPTH)
    return precision


def _codestream_shape(encoded: bytes) -> tuple[int, int, int, int]:
    """(rows, columns, components, bits) of a JPEG, JPEG-LS or JPEG 2000 frame. Raises IndexError if it has none."""
    siz = encoded.find(b"\xff\x4f\xff\x51", 0, 4096)
    if siz >= 0:
        x, y, x0, y0 = struct.unpack_from(">4I", encoded, siz + 8)
        components, depth = struct.unpack_from(">HB", encoded, siz + 40)
        return y - y0, x - x0, components, (depth & 0x7F) + 1
    position = 2
    while True:
        if encoded[position] != 0xFF:
            raise IndexError("no marker where one belongs")
        marker = encoded[position + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            raise IndexError("no frame header before the scan")
        length = struct.unpack_from(">H", encoded, position + 2)[0]
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            precision, rows, columns, components = struct.unpack_from(">BHHB", encoded, position + 4)
            return rows, columns, components, precision
        position += 2 + length


def display_table(header: Dataset, layout: Layout) -> np.ndarray | None:
    """What each stored value shows as: uint8 (2**bits,) grey or (2**bits, 3) colour; None for RGB frames.

    Palettes by their tables; MONOCHROME1 and 2 by rescale and the first window, else by the full range.
    """
    if layout.samples == 3:
        return None
    stored = np.arange(2**layout.bits_stored)
    if layout.photometric == "PALETTE COLOR":
        table = apply_color_lut(stored.astype(f"u{layout.bits_allocated // 8}"), header)
        # Some devices leave 8-bit colours in 16-bit entries.
        table = (table >> 8 if table.max() > 255 else table).astype(np.uint8)
        return table[:, 0].copy() if (table == table[:, :1]).all() else table
    if layout.signed:
        stored = np.where(stored >= 2 ** (layout.bits_stored - 1), stored - 2**layout.bits_stored, stored)
    slope = (numbers(header.get("RescaleSlope")) or [1.0])[0] or 1.0
    values = stored * slope + (numbers(header.get("RescaleIntercept")) or [0.0])[0]
    shown = np.rint(np.clip(_window(values, header), 0, 1) * 255).astype(np.uint8)
    return 255 - shown if layout.photometric == "MONOCHROME1" else shown


def _window(values: np.ndarray, header: Dataset) -> np.ndarray:
    """Values to 0..1 by the first window, else by their full range."""
    centers, widths = numbers(header.get("WindowCenter")), numbers(header.get("WindowWidth"))
    if not centers or not widths or widths[0] < 1:
        return (values - values.min()) / (values.max() - values.min())
    center, width = centers[0], widths[0]
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return (values - center) / width + 0.5
    return (values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5


def to_display(values: np.ndarray, table: np.ndarray | None) -> np.ndarray:
    """Stored values through the display table: uint8 (H, W) or (H, W, 3)."""
    if table is None:
        return np.ascontiguousarray(values, np.uint8)
    # Bits above Bits Stored are not part of the value (PS3.5, 8.1.1).
    return table[values.astype(f"u{values.dtype.itemsize}") & (len(table) - 1)]
