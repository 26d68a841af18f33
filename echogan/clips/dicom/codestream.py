"""Look into a coded frame: which coding it is, its size and depth, and whether it says RGB or YCbCr of its colours.

Sources: ITU-T T.81, B (JPEG); T.87, C (JPEG-LS); T.800, A (JPEG 2000); T.872, 6 (JFIF and Adobe markers); DICOM PS3.5,
G.5 (RLE header).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydicom import uid

JPEG_START, IMAGE_END = b"\xff\xd8", b"\xff\xd9"
JPEG_2000_START, JP2_START = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
RGB_IDS = ((82, 71, 66), (114, 103, 98))  # "RGB" and "rgb" as component identifiers
LOSSLESS_JPEG, JPEG_LS = 0xC3, 0xF7

JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
JPEG_LOSSLESS = (uid.JPEGLosslessSV1, uid.JPEGLossless)
JPEG_2000 = (uid.JPEG2000, uid.JPEG2000Lossless)
JPEG_LS_SYNTAXES = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)


@dataclass(frozen=True)
class Codestream:
    """The frame's own header. `space` is "RGB", "YBR_FULL" or "" (not said); `syntaxes` can describe its coding.

    libjpeg_rgb  whether libjpeg takes the components for RGB, so that it leaves them as they are
    """

    rows: int
    columns: int
    components: int
    precision: int
    syntaxes: tuple[uid.UID, ...]
    space: str
    libjpeg_rgb: bool = False


def starts_frame(head: bytes) -> bool:
    """Whether a fragment with these first 12 bytes begins a frame, in any coding that can be decoded."""
    return head.startswith((JPEG_START, JPEG_2000_START, JP2_START)) or _is_run_length(head)


def _is_run_length(head: bytes) -> bool:
    """The RLE header: 1 to 15 segments, the first right after the header's 64 bytes."""
    if len(head) < 8:
        return False
    segments, first = struct.unpack_from("<2I", head)
    return 1 <= segments <= 15 and first == 64


def coding(head: bytes) -> tuple[uid.UID, ...]:
    """The transfer syntaxes that can describe a frame with these first bytes (some kB); none if it is unknown."""
    if _is_run_length(head):
        return (uid.RLELossless,)
    try:
        return read_codestream(head).syntaxes if starts_frame(head) else ()
    except (struct.error, IndexError):
        return ()


def read_codestream(encoded: bytes) -> Codestream:
    """The header of a JPEG, JPEG-LS or JPEG 2000 frame. Raises IndexError or struct.error if it has none."""
    siz = encoded.find(JPEG_2000_START, 0, 4096)
    return _jpeg_2000(encoded, siz) if siz >= 0 else _jpeg(encoded)


def _jpeg_2000(encoded: bytes, siz: int) -> Codestream:
    x, y, x0, y0 = struct.unpack_from(">4I", encoded, siz + 8)
    components, depth = struct.unpack_from(">HB", encoded, siz + 40)
    return Codestream(
        y - y0, x - x0, components, (depth & 0x7F) + 1, JPEG_2000, _space_of_jpeg_2000(encoded, siz)
    )


def _space_of_jpeg_2000(encoded: bytes, siz: int) -> str:
    """RGB if the colours were transformed: the decoder undoes it. Without transform nothing is said."""
    position = siz + 2
    while position + 4 <= len(encoded):
        marker, length = struct.unpack_from(">2H", encoded, position)
        if marker == 0xFF52:  # COD
            return "RGB" if encoded[position + 8] else ""
        if marker == 0xFF90 or marker < 0xFF00:
            break
        position += 2 + length
    return ""


def _jpeg(encoded: bytes) -> Codestream:
    position, jfif, adobe = 2, False, None
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
        content = encoded[position + 4 : position + 2 + length]
        if marker == 0xE0 and content[:5] == b"JFIF\0":
            jfif = True
        if marker == 0xEE and content[:5] == b"Adobe" and len(content) >= 12:
            adobe = content[11]
        if marker == JPEG_LS or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return _frame_header(marker, content, jfif, adobe)
        position += 2 + length


def _frame_header(marker: int, content: bytes, jfif: bool, adobe: int | None) -> Codestream:
    precision, rows, columns, components = struct.unpack_from(">BHHB", content)
    listed = content[6 : 6 + 3 * components]
    ids, sampling = tuple(listed[::3]), set(listed[1::3])
    lossy = marker not in (LOSSLESS_JPEG, JPEG_LS)
    syntaxes = {LOSSLESS_JPEG: JPEG_LOSSLESS, JPEG_LS: JPEG_LS_SYNTAXES}.get(marker, JPEG)
    if adobe is not None:
        space = "RGB" if adobe == 0 else "YBR_FULL"
    elif ids in RGB_IDS:
        space = "RGB"
    else:
        # JFIF is defined for YCbCr only, and nobody halves the resolution of green or blue.
        space = "YBR_FULL" if lossy and (jfif or len(sampling) > 1) else ""
    libjpeg_rgb = not jfif and (adobe == 0 if adobe is not None else ids == RGB_IDS[0])
    return Codestream(rows, columns, components, precision, syntaxes, space, libjpeg_rgb)
