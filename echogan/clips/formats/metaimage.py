"""Read MetaImage (.mha, or .mhd with its .raw or .zraw): two-dimensional stills and clips, one frame at a time.

An own reader, because ITK would add 270 MB for a few lines of text, and would open any file that a header names.
https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.content import check_limits, check_packed, decoder_errors
from echogan.clips.formats.grey_values import GreyValues, grey_clip, known_spacing, step_seconds
from echogan.core.errors import UnreadableClip, UnsupportedClip

HEADER_BYTES = 65_536
BLOCK = 1 << 16
TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


@dataclass(frozen=True)
class _Header:
    """The tags by name, and where the pixels begin if they follow in the same file."""

    tags: dict[str, str]
    end: int

    def on(self, name: str) -> bool:
        return self.tags.get(name, "").strip().lower() in ("true", "1")

    def numbers(self, name: str) -> list[float]:
        return [float(part) for part in self.tags.get(name, "").split()]


def open_metaimage(path: Path, limits: ClipLimits) -> ClipFile:
    """Open a MetaImage.

    Raises UnreadableClip (damaged, cut off, its pixel file not beside it), UnsupportedClip (a volume, labels,
    colours, pixels in several files or as text) and ClipTooLarge, the last before any pixel is read.
    """
    with decoder_errors(path):
        header = _read_header(path)
        sides = [int(side) for side in header.numbers("DimSize")]
        frames, height, width, timed = _sides(path, sides)
        check_limits(path, limits, frames, height, width, 1)
        dtype = _type(path, header)
        stored = frames * height * width * dtype.itemsize
        data, start = _pixels(path, header, stored)
        check_packed(data, stored)
        spacing = header.numbers("ElementSpacing") or header.numbers("ElementSize")
    spacing += [1.0] * (len(sides) - len(spacing))
    size, packed = height * width * dtype.itemsize, header.on("CompressedData")

    def values() -> Iterator[np.ndarray]:
        with data.open("rb") as file:
            file.seek(start)
            read = _inflating(file.read) if packed else file.read
            for index in range(frames):
                frame = read(size)
                if len(frame) < size:
                    raise UnreadableClip(
                        f"'{path.name}' is cut off after {index} of {frames} frames: copy or export it again."
                    )
                yield np.frombuffer(frame, dtype).reshape(height, width)

    return grey_clip(
        GreyValues(
            path=path,
            kind="metaimage",
            frames=frames,
            height=height,
            width=width,
            values=values,
            spacing_mm=known_spacing(spacing[1], spacing[0]),
            step_s=step_seconds(spacing[3], None) if timed else None,
            timed=timed,
            third_mm=spacing[2] if len(sides) > 2 and not timed else None,
        )
    )


def _read_header(path: Path) -> _Header:
    """The lines `name = value` up to ElementDataFile, which is the last."""
    tags: dict[str, str] = {}
    with path.open("rb") as file:
        while file.tell() < HEADER_BYTES:
            name, equals, value = file.readline(HEADER_BYTES).decode("latin-1").partition("=")
            if not equals:
                break
            tags[name.strip()] = value.strip()
            if name.strip() == "ElementDataFile":
                return _Header(tags, file.tell())
    raise UnreadableClip(f"'{path.name}' has a MetaImage header that does not end: export it again.")


def _sides(path: Path, sides: list[int]) -> tuple[int, int, int, bool]:
    """(frames, height, width, whether the frames lie on a fourth axis, which is time)."""
    if len(sides) < 2 or min(sides) < 1:
        raise UnsupportedClip(f"'{path.name}' holds no picture: export it again.")
    width, height, third, fourth, *more = (*sides, 1, 1)[: max(4, len(sides))]
    if (third > 1 and fourth > 1) or any(side > 1 for side in more):
        raise UnsupportedClip(
            f"'{path.name}' is a three-dimensional volume: export a two-dimensional clip of it."
        )
    return third * fourth, height, width, fourth > 1


def _type(path: Path, header: _Header) -> np.dtype:
    if header.tags.get("ElementNumberOfChannels", "1").strip() != "1":
        raise UnsupportedClip(f"'{path.name}' is in colour: save it in grey.")
    code = TYPES.get(header.tags.get("ElementType", ""))
    if code is None or header.tags.get("BinaryData", "True").strip().lower() in ("false", "0"):
        raise UnsupportedClip(
            f"'{path.name}' stores its pixels in a rare way: save it as 8- or 16-bit binary."
        )
    most_first = header.on("BinaryDataByteOrderMSB") or header.on("ElementByteOrderMSB")
    return np.dtype(code).newbyteorder(">" if most_first else "<")


def _pixels(path: Path, header: _Header, size: int) -> tuple[Path, int]:
    """The file with the pixels, and where they begin in it. Only a file beside the header is opened."""
    name = header.tags["ElementDataFile"]
    if name.upper() == "LOCAL":
        return path, header.end
    if name.upper().startswith("LIST") or "%" in name:
        raise UnsupportedClip(f"'{path.name}' has its pixels in many files: save it as one .mha file.")
    plain = name == PurePosixPath(name).name == PureWindowsPath(name).name and name not in ("", ".", "..")
    if not plain or "\0" in name:
        raise UnreadableClip(
            f"'{path.name}' names a pixel file in another folder: put both into one, or save it as one .mha file."
        )
    data = path.parent / name
    if not data.is_file():  # unpacked under a neutral name, as the header was
        data = path.with_suffix(PurePosixPath(name).suffix or ".raw")
    beside = data.is_file() and data.resolve().parent in (path.parent.resolve(), path.resolve().parent)
    if not beside:
        raise UnreadableClip(
            f"'{path.name}' is only the header of a MetaImage; its pixels (.raw or .zraw) must lie beside it: give "
            "both in one folder or zip, or save it as one .mha file."
        )
    skip = int(header.tags.get("HeaderSize", "0"))
    return data, max(0, data.stat().st_size - size) if skip == -1 else max(0, skip)


def _inflating(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A reader of exactly so many inflated bytes, less at the end; it never holds more than it was asked for."""
    inflater, waiting = zlib.decompressobj(), b""

    def inflate(size: int) -> bytes:
        nonlocal waiting
        parts, missing = [], size
        while missing > 0 and not inflater.eof:
            waiting = waiting or read(BLOCK)
            if not waiting:
                break
            part = inflater.decompress(waiting, missing)
            waiting = inflater.unconsumed_tail
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    return inflate
