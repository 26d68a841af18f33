"""Read a clip from .npz: frames uint8 (T, H, W) or (T, H, W, 3), one at a time, and fps and spacing_mm if present."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from echogan.clips.clip import ClipFile, ClipLimits, pixel_shape
from echogan.clips.content import check_limits, decoder_errors
from echogan.core.errors import UnreadableClip


def looks_like_npz(path: Path) -> bool:
    """Whether the file is a zip that holds an array called frames."""
    try:
        with zipfile.ZipFile(path) as file:
            return "frames.npy" in file.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def open_npz(path: Path, limits: ClipLimits) -> ClipFile:
    """Read the facts of a clip in .npz, as `write_clip` writes it. Raises UnreadableClip and ClipTooLarge."""
    with decoder_errors(path):
        with _member(path) as (_, shape):
            pass
        count, height, width = shape[:3]
        check_limits(path, limits, count, height, width, 3 if len(shape) == 4 else 1)
        fps, spacing = _number(path, "fps", 1), _number(path, "spacing_mm", 2)
        aspect = _number(path, "pixel_aspect", 1)
    known = spacing is not None and bool(np.isfinite(spacing).all()) and min(spacing) > 0
    rate = float(fps[0]) if fps is not None and np.isfinite(fps[0]) and fps[0] > 0 else None
    return ClipFile(
        path=path,
        kind="video",
        frames=count,
        height=height,
        width=width,
        fps=rate,
        color=len(shape) == 4,
        decode=lambda: _decode(path),
        spacing_mm=(float(spacing[0]), float(spacing[1])) if known and spacing is not None else None,
        pixel_aspect=1.0 if aspect is None else pixel_shape(float(aspect[0]), 1.0),
    )


def _decode(path: Path) -> Iterator[np.ndarray]:
    with decoder_errors(path), _member(path) as (file, shape):
        size = int(np.prod(shape[1:]))
        for _ in range(shape[0]):
            data = file.read(size)
            if len(data) < size:
                raise UnreadableClip(f"'{path.name}' ends too early: export it again.")
            yield np.frombuffer(data, np.uint8).reshape(shape[1:])


@contextmanager
def _member(path: Path) -> Iterator[tuple[IO[bytes], tuple[int, ...]]]:
    """The open member at its first frame, and its shape."""
    with zipfile.ZipFile(path) as archive, archive.open("frames.npy") as file:
        shape, fortran, dtype = _header(file)
        colour = len(shape) == 4 and shape[3] == 3
        if fortran or dtype != np.uint8 or not (len(shape) == 3 or colour) or min(shape) < 1:
            raise UnreadableClip(
                f"'{path.name}' holds no clip: frames must be uint8, (T, height, width) or (T, height, width, 3)."
            )
        yield file, shape


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _number(path: Path, name: str, count: int) -> np.ndarray | None:
    """A small array of the file, None if it is missing or of another size."""
    with zipfile.ZipFile(path) as archive:
        if f"{name}.npy" not in archive.namelist() or archive.getinfo(f"{name}.npy").file_size > 4096:
            return None
    with np.load(path, allow_pickle=False) as file:
        value = np.asarray(file[name]).ravel()
    return value if value.size == count and value.dtype.kind in "fiu" else None
