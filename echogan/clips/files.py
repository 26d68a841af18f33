"""Open and write clips: open_clip decides by the file's content, open_writer and write_clip by the name's suffix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.colour_noise import without_colour_noise
from echogan.clips.content import HEAD_BYTES, SMALLEST, SUPPORTED, check_limits, refusal, sniff
from echogan.clips.dicom.reader import looks_like_dicom, open_dicom
from echogan.clips.dicom.writer import DicomWriter
from echogan.clips.formats.gif import GifWriter, open_gif
from echogan.clips.formats.metaimage import open_metaimage
from echogan.clips.formats.nifti import open_nifti
from echogan.clips.formats.npz_writer import NpzWriter
from echogan.clips.formats.stills import PngFolderWriter, PngWriter, open_image
from echogan.clips.formats.video import open_video
from echogan.clips.formats.video_writer import Mp4Writer, WebmWriter
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import OutputError, UnreadableClip, UnsupportedClip
from echogan.core.geometry import Sector

OBLONG = (
    "The pixels are not square (width over height {:.2f}). Every output says so, but few viewers of GIF and PNG "
    "heed it: there the picture looks squeezed."
)


class ClipWriter(Protocol):
    """A context manager that takes frames; leaving it normally puts the whole output into place."""

    def __enter__(self) -> Self: ...

    def write(self, frame: np.ndarray, /) -> None:
        """Append one frame, uint8 (H, W) or (H, W, 3)."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


_WRITERS: dict[str, Callable[[Path, ClipFile, Sector | None, WriteOptions], ClipWriter]] = {
    ".mp4": Mp4Writer,
    ".webm": WebmWriter,
    ".gif": GifWriter,
    ".npz": NpzWriter,
    ".dcm": DicomWriter,
}


def open_clip(path: str | Path, limits: ClipLimits | None = None) -> ClipFile:
    """Read the facts in the file's header, whatever its name; frames are decoded later, on demand.

    Raises UnreadableClip (not a clip, damaged, cut off), UnsupportedClip (nothing in it can be
    enhanced) and ClipTooLarge (over one of the limits).
    """
    path, limits = Path(path), limits or ClipLimits()
    clip = without_colour_noise(_open(path, limits))
    across, down = max(1.0, clip.pixel_aspect), max(1.0, 1 / clip.pixel_aspect)
    check_limits(path, limits, 1, round(clip.height * down), round(clip.width * across), 1)  # as it is shown
    if clip.pixel_aspect != 1:
        clip = replace(clip, warnings=(*clip.warnings, OBLONG.format(clip.pixel_aspect)))
    if min(clip.height, clip.width) < SMALLEST:
        raise UnsupportedClip(
            f"'{path.name}' is {clip.width} x {clip.height} pixels, too small to be an echo: give {SMALLEST} or more."
        )
    return clip


def _open(path: Path, limits: ClipLimits) -> ClipFile:
    head = _head(path)
    content = sniff(head)
    if content == "dicom" or (content is None and looks_like_dicom(head)):
        return open_dicom(path, limits)
    if content is None:
        raise UnreadableClip(refusal(path.name, head))
    if content == "gif":
        return open_gif(path, limits)
    if content in ("mov", "avi", "matroska"):
        return open_video(path, limits, content)
    if content == "nifti":
        return open_nifti(path, limits)
    if content == "metaimage":
        return open_metaimage(path, limits)
    return open_image(path, limits, content)


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UnreadableClip(f"'{path.name}' is a folder: give one file of it ({SUPPORTED}).")
        if not path.exists():
            raise UnreadableClip(f"There is no file '{path.name}': check the path.")
        if not path.is_file():
            raise UnreadableClip(f"'{path.name}' is not a plain file: copy its content to one ({SUPPORTED}).")
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no valid path"
        raise UnreadableClip(
            f"'{path.name}' cannot be opened ({reason}): check the path and permissions."
        ) from None


def is_frame_folder(path: str | Path) -> bool:
    """Whether an output of this name becomes a folder of PNG frames."""
    return not Path(path).suffix or str(path).endswith(("/", os.sep)) or Path(path).is_dir()


def open_writer(
    path: str | Path, like: ClipFile, sector: Sector | None = None, options: WriteOptions | None = None
) -> ClipWriter:
    """A writer for .mp4, .webm, .gif, .npz, .dcm, a still's .png, or (no suffix, or a trailing slash) a folder of PNG.

    `like` gives timing, spacing and, for DICOM, the source object; the first frame gives the size.
    An .mp4 of odd size gains one column or row. Raises OutputError before anything is written.
    """
    target, suffix = Path(path), Path(path).suffix.lower()
    if target.exists() and like.path.exists() and target.samefile(like.path):
        raise OutputError(f"'{target.name}' is the input clip itself: give another name for the output.")
    writer = PngFolderWriter if is_frame_folder(path) else _WRITERS.get(suffix)
    if suffix == ".png" and like.frames == 1 and not is_frame_folder(path):
        writer = PngWriter
    if writer is None:
        wrong = (
            f"A .png holds one frame and the clip has {like.frames}"
            if suffix == ".png"
            else f"'{suffix}' is no known format"
        )
        raise OutputError(f"{wrong}: end the name in {', '.join(_WRITERS)}, or in nothing for a PNG folder.")
    return writer(target, like, sector, options or WriteOptions())


def write_clip(
    path: str | Path,
    frames: Iterable[np.ndarray],
    like: ClipFile,
    sector: Sector | None = None,
    options: WriteOptions | None = None,
) -> None:
    """Write frames as they come, uint8 (H, W) or (H, W, 3); see open_writer.

    Raises OutputError; on that or any other exception nothing is left behind.
    """
    with open_writer(path, like, sector, options) as writer:
        for frame in frames:
            writer.write(frame)
