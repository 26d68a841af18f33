"""Single images in (PNG, JPEG, BMP, TIFF), and a clip out as a folder of numbered PNG images."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import TiffImageFile

from echogan.clips.clip import ClipFile, ClipLimits, pixel_shape
from echogan.clips.content import Content, check_limits, decoder_errors
from echogan.clips.formats.frame_writer import FrameWriter
from echogan.clips.write_options import Enhancement
from echogan.core.errors import ClipTooLarge, OutputError, UnsupportedClip
from echogan.core.notice import MARK

IHDR_END = 33  # bytes: where the first chunk of a PNG ends, after which pHYs may stand
COUNTED_PAGES = 50


def open_image(path: Path, limits: ClipLimits, content: Content) -> ClipFile:
    """The facts of a still: one frame, fps None; `content` is "png", "jpeg", "bmp" or "tiff".

    Raises UnreadableClip, UnsupportedClip (floating-point pixels) and ClipTooLarge.
    """
    frame, notes, aspect = _read(path, limits, content)

    def decode() -> Iterator[np.ndarray]:
        yield _read(path, limits, content)[0]

    height, width = frame.shape[:2]
    facts = ClipFile(path, "image", 1, height, width, None, frame.ndim == 3, decode, warnings=notes)
    return replace(facts, pixel_aspect=aspect)


def _read(path: Path, limits: ClipLimits, content: Content) -> tuple[np.ndarray, tuple[str, ...], float]:
    """The first picture, turned upright, uint8 (H, W) if grey, else (H, W, 3); notes on what was changed; its
    pixels' width over their height."""
    with decoder_errors(path), _opened(path, content) as image:
        check_limits(path, limits, 1, image.height, image.width, 3)
        notes = []
        if (pages := _pages(image)) != "1":
            notes.append(f"The file holds {pages} pictures; the first one is used.")
        if image.mode.startswith("F"):
            raise UnsupportedClip(f"'{path.name}' has floating-point pixels: save it with 8 or 16 bits.")
        if image.mode.startswith("I"):
            frame, note = _to_8_bits(np.asarray(ImageOps.exif_transpose(image)))
            notes.append(note)
        else:
            frame = _over_black(ImageOps.exif_transpose(image))
        return frame, tuple(notes), _stored_shape(image)


def _opened(path: Path, content: Content) -> Image.Image:
    # `check_limits` comes next and gives a clearer message than the library's warning.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    try:
        # The format is given, so that only the detected one is tried.
        return Image.open(path, formats=[content.upper()])
    except Image.DecompressionBombError:
        raise ClipTooLarge(f"'{path.name}' has far too many pixels: scale it down.") from None


def _pages(image: Image.Image) -> str:
    """How many pictures the file holds. Those of a TIFF are a chain, which may be long or a circle: its start is
    followed alone."""
    if not isinstance(image, TiffImageFile):
        return str(getattr(image, "n_frames", 1))
    for page in range(1, COUNTED_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            image.seek(0)
            return str(page)
    image.seek(0)
    return f"more than {COUNTED_PAGES}"


def _to_8_bits(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Grey levels of 9 to 16 bits scaled to 0..255 by the smallest of 8, 12 and 16 bits that holds them."""
    peak = int(values.max(initial=0))
    bits = next(bits for bits in (8, 12, 16, 32) if peak < 2**bits)
    scaled = np.rint(np.clip(values.astype(np.float64), 0, None) * (255 / (2**bits - 1)))
    return scaled.astype(np.uint8), f"The image's {bits}-bit grey levels are scaled to 8 bits."


def _over_black(image: Image.Image) -> np.ndarray:
    rgba = np.asarray(image.convert("RGBA"))
    rgb, alpha = rgba[..., :3], rgba[..., 3:]
    if (alpha < 255).any():
        rgb = np.rint(rgb * (alpha / 255.0)).astype(np.uint8)
    grey = (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()
    return np.ascontiguousarray(rgb[..., 0] if grey else rgb)


def _stored_shape(image: Image.Image) -> float:
    """Width of a pixel over its height, from the densities of the file."""
    across, down = (
        image.info.get("aspect") or image.info.get("dpi") or image.info.get("jfif_density") or (1, 1)
    )
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    width, height = (across, down) if turned else (down, across)  # many pixels to an inch are narrow
    return pixel_shape(float(width), float(height))


class PngFolderWriter(FrameWriter):
    """frame_0000.png, frame_0001.png, ... in a folder that must be new or empty. Lossless."""

    folder: ClassVar[bool] = True
    pictures: ClassVar[bool] = True

    def _start(self, frame: np.ndarray) -> None:
        self._digits = max(4, len(str(self.like.frames - 1)))

    def _put(self, frame: np.ndarray) -> None:
        name = f"frame_{self.count:0{self._digits}d}.png"
        save_png(frame, self.part / name, self.options.enhancement, self.pixel_ratio)

    def _finish(self) -> None:
        """Every image is already complete."""

    def _abort(self) -> None:
        """No file is open between frames."""


class PngWriter(FrameWriter):
    """One frame as .png. Lossless. A second frame is refused."""

    pictures: ClassVar[bool] = True

    def _start(self, frame: np.ndarray) -> None:
        """The one frame comes next."""

    def _put(self, frame: np.ndarray) -> None:
        if self.count:
            raise OutputError("A PNG file holds one frame. Give a folder for the PNG files of a clip.")
        save_png(frame, self.part, self.options.enhancement, self.pixel_ratio)

    def _finish(self) -> None:
        """The image is already complete."""

    def _abort(self) -> None:
        """No file is open between frames."""


def save_png(frame: np.ndarray, path: Path, enhancement: Enhancement | None, ratio: Fraction) -> None:
    """Write uint8 (H, W) or (H, W, 3) as PNG, with what enhanced it as text and the shape of its pixels.

    ratio   width of a pixel over its height

    Raises OSError.
    """
    facts, file = PngInfo(), io.BytesIO()
    if enhancement is not None:
        facts.add_text("Title", MARK)
        facts.add_text("Comment", enhancement.comment)
    Image.fromarray(frame).save(file, format="PNG", compress_level=3, pnginfo=facts)
    data = file.getvalue()
    path.write_bytes(data[:IHDR_END] + _shape_chunk(ratio) + data[IHDR_END:])


def _shape_chunk(ratio: Fraction) -> bytes:
    """The chunk pHYs with the shape of a pixel and no size (PNG specification, 11.3.5.3); nothing for square ones."""
    if ratio == 1:
        return b""
    body = b"pHYs" + struct.pack(">IIB", ratio.denominator, ratio.numerator, 0)
    return struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
