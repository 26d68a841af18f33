"""Decode one DICOM frame to its stored samples.

A frame goes to a decoder only if its own header agrees with the DICOM header, so that a small damaged or
hostile file cannot claim much memory. Source: DICOM PS3.5, 8.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder

from echogan.clips.dicom.codestream import JPEG, Codestream, read_codestream
from echogan.clips.dicom.frames import Frame
from echogan.clips.dicom.gdcm_process import GdcmDecoder
from echogan.clips.dicom.layout import DAMAGED, DECODERS, DEPTH, TRUNCATED, Layout
from echogan.core.errors import ClipTooLarge, UnreadableClip, UnsupportedClip

MAX_RLE_BYTES = 8 * 2**20


def read_frame(file: BinaryIO, spans: Frame, layout: Layout, gdcm: GdcmDecoder) -> np.ndarray:
    """Decode one frame: (H, W) stored values, or (H, W, 3) uint8, RGB or YCbCr as stored. Raises UnreadableClip."""
    encoded = read_spans(file, spans, layout)
    if not layout.syntax.is_encapsulated:
        return _decode(encoded, layout, layout.bits_allocated)
    if layout.syntax == uid.RLELossless:
        return _decode(encapsulate([encoded], has_bot=False), layout, layout.bits_allocated)
    stream = _check_codestream(encoded, layout)
    if DECODERS[layout.syntax] == "gdcm":
        return gdcm.decode(encoded, layout, stream.precision)
    if layout.syntax in JPEG and layout.samples == 3:
        return _jpeg_components(encoded, stream)
    return _decode(encapsulate([encoded], has_bot=False), layout, stream.precision)


def read_spans(file: BinaryIO, spans: Frame, layout: Layout) -> bytes:
    """The bytes of one frame. Raises ClipTooLarge or UnreadableClip if there are more than a frame can need."""
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
    return encoded


def _jpeg_components(encoded: bytes, stream: Codestream) -> np.ndarray:
    """The three components of a JPEG, (H, W, 3) uint8, without any change of colour space."""
    image = Image.open(io.BytesIO(encoded), formats=("JPEG",))
    if (
        not stream.libjpeg_rgb
    ):  # libjpeg would convert to RGB; asked for YCbCr, it leaves the components as they are
        image.draft("YCbCr", image.size)
    return np.asarray(image)


def _decode(encoded: bytes, layout: Layout, precision: int) -> np.ndarray:
    """Samples of `precision` bits, which Bits Stored may not be: pydicom would set higher bits to 0."""
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": precision,
        "pixel_representation": int(layout.signed),
        "photometric_interpretation": layout.photometric,
        "pixel_keyword": "PixelData",
        "pixel_vr": "OB" if layout.bits_allocated == 8 else "OW",
    }
    if layout.samples == 3:
        options["planar_configuration"] = layout.planar
    plugin = DECODERS[layout.syntax]
    values, _ = get_decoder(layout.syntax).as_array(encoded, raw=True, decoding_plugin=plugin, **options)
    if values.shape[:2] != (layout.rows, layout.columns):
        raise UnreadableClip(DAMAGED)
    return values


def _read(file: BinaryIO, offset: int, length: int, layout: Layout) -> bytes:
    """Bytes of the file; those of 8-bit samples stored as big endian 16-bit words are put in order."""
    if layout.syntax != uid.ExplicitVRBigEndian or layout.bits_allocated != 8 or not layout.place.words:
        file.seek(offset)
        return file.read(length)
    lead = (offset - layout.place.start) % 2
    file.seek(offset - lead)
    words = file.read((lead + length + 1) // 2 * 2)
    return np.frombuffer(words, "u2").byteswap().tobytes()[lead : lead + length]


def _check_codestream(encoded: bytes, layout: Layout) -> Codestream:
    """Raise unless the compressed frame's own header has the size and depth of the DICOM one; return it."""
    try:
        stream = read_codestream(encoded)
    except (struct.error, IndexError):
        raise UnreadableClip(DAMAGED) from None
    if (stream.rows, stream.columns, stream.components) != (layout.rows, layout.columns, layout.samples):
        raise UnreadableClip("The DICOM header does not agree with its frames' size; export the clip again.")
    if stream.precision > (8 if layout.syntax in JPEG else layout.bits_allocated):
        raise UnsupportedClip(DEPTH)
    return stream
