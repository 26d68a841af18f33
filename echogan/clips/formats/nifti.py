"""Read NIfTI (.nii, .nii.gz): two-dimensional stills and clips, one frame at a time.

The first axis runs from left to right and the second downwards, as ITK writes pictures (CAMUS is stored so); the
patient's axes in the header mean nothing for an echo and are left alone.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import nibabel
import numpy as np

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.content import check_limits, check_packed, decoder_errors
from echogan.clips.formats.grey_values import GreyValues, grey_clip, known_spacing, step_seconds
from echogan.core.errors import UnreadableClip, UnsupportedClip

HEADERS = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
FARTHEST = 2**24  # bytes: where the pixels begin at the latest, behind extensions of the header
MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 1e-3}


def open_nifti(path: Path, limits: ClipLimits) -> ClipFile:
    """Open a NIfTI file, compressed or not.

    Raises UnreadableClip (damaged, cut off), UnsupportedClip (a volume, labels, colours) and ClipTooLarge, the last
    before any pixel is read.
    """
    with decoder_errors(path):
        header = _header(path)
        frames, timed = _frames(path, header.get_data_shape())
        width, height = (int(side) for side in header.get_data_shape()[:2])
        check_limits(path, limits, frames, height, width, 1)
        dtype = header.get_data_dtype()
        check_packed(path, frames * height * width * dtype.itemsize)
        if dtype.kind not in "iuf":
            raise UnsupportedClip(f"'{path.name}' holds colours or complex numbers: save it in grey.")
        start = int(header["vox_offset"])
        if not 0 <= start <= FARTHEST:
            raise UnreadableClip(f"'{path.name}' is damaged: its pixels begin nowhere. Export it again.")
        slope, inter = header.get_slope_inter()
        zooms = [float(zoom) for zoom in header.get_zooms()]
        space, time = (str(unit) for unit in header.get_xyzt_units())

    def values() -> Iterator[np.ndarray]:
        size = height * width * dtype.itemsize
        with _opened(path) as file:
            file.seek(max(start, header.sizeof_hdr))
            for index in range(frames):
                data = file.read(size)
                if len(data) < size:
                    raise UnreadableClip(
                        f"'{path.name}' is cut off after {index} of {frames} frames: copy or export it again."
                    )
                stored = np.frombuffer(data, dtype).reshape(height, width)
                plain = slope in (None, 1.0) and inter in (None, 0.0)
                yield stored if plain else stored * np.float64(slope or 1.0) + np.float64(inter or 0.0)

    to_mm = MILLIMETRES.get(space, 1.0)
    return grey_clip(
        GreyValues(
            path=path,
            kind="nifti",
            frames=frames,
            height=height,
            width=width,
            values=values,
            spacing_mm=known_spacing(zooms[1] * to_mm, zooms[0] * to_mm),
            step_s=step_seconds(zooms[3], None if time == "unknown" else time) if timed else None,
            timed=timed,
            third_mm=zooms[2] * to_mm if len(zooms) > 2 and not timed else None,
        )
    )


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _header(path: Path) -> nibabel.Nifti1Header:
    """The header alone: extensions may be of any size, and nothing here needs them."""
    with _opened(path) as file:
        block = file.read(max(HEADERS))
    size = int.from_bytes(block[:4], "little")
    size = size if size in HEADERS else int.from_bytes(block[:4], "big")
    if size not in HEADERS or len(block) < size:
        raise UnreadableClip(f"'{path.name}' is cut off or damaged: copy or export it again.")
    header = HEADERS[size](block[:size], check=False)
    if bytes(header["magic"])[:2] == b"ni":
        raise UnsupportedClip(
            f"'{path.name}' is the header of a NIfTI pair (.hdr and .img): save it as one .nii file."
        )
    return header


def _frames(path: Path, shape: tuple[int, ...]) -> tuple[int, bool]:
    """The number of frames, and whether they lie on the axis of time (the fourth)."""
    if len(shape) < 2 or min(shape) < 1:
        raise UnsupportedClip(f"'{path.name}' holds no picture: export it again.")
    third, fourth, *more = (*shape[2:], 1, 1)[: max(2, len(shape) - 2)]
    if any(side > 1 for side in more):
        raise UnsupportedClip(f"'{path.name}' holds several numbers for each pixel: save it in grey.")
    if third > 1 and fourth > 1:
        raise UnsupportedClip(
            f"'{path.name}' is a three-dimensional volume: export a two-dimensional clip of it."
        )
    return int(third * fourth), fourth > 1
