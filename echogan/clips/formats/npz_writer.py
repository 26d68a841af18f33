"""NPZ files that grow frame by frame in bounded memory, and a clip written as one with the facts that go with it."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from echogan.clips.clip import ClipFile
from echogan.clips.formats.frame_writer import FrameWriter
from echogan.clips.write_options import WriteOptions
from echogan.core.atomic import Unfinished, output_errors
from echogan.core.geometry import Sector
from echogan.core.notice import IN_FULL, MARK

_COPY_BYTES = 1 << 18


class NpzArray:
    """One array of an NpzStream that grows along its first axis."""

    def __init__(
        self, name: str, shape: Sequence[int], dtype: DTypeLike, spool: IO[bytes], target: Path
    ) -> None:
        self.name, self.shape, self.dtype = name, tuple(shape), np.dtype(dtype)
        assert not self.dtype.hasobject, "an array of objects would need pickle to load"
        self.count = 0
        self._spool, self._target = spool, target

    def append(self, values: ArrayLike) -> None:
        """Add one item of `shape`, or a block (n, *shape) of them. Raises OutputError on a full disk."""
        block = np.asarray(values, self.dtype)
        if block.shape == self.shape:
            block = block[None]
        assert block.shape[1:] == self.shape, (block.shape, self.shape)
        with output_errors(self._target):
            self._spool.write(np.ascontiguousarray(block).data)
        self.count += len(block)

    def copy_to(self, member: IO[bytes]) -> None:
        """Write the .npy header, now that the count is known, and the items; then free the spool."""
        head = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(member, {**head, "shape": (self.count, *self.shape)})
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, member, _COPY_BYTES)
        self._spool.close()

    def close(self) -> None:
        self._spool.close()


class NpzStream:
    """An .npz written piece by piece; np.load reads it without pickle. A context manager.

    A zip has one open member at a time, so every growing array is spooled to a nameless file beside
    the target and copied into the zip at the end. Leaving by an exception leaves nothing behind.

        with NpzStream(path) as out:
            frames = out.array("frames", (height, width), np.uint8)
            frames.append(frame)        # (height, width) or (n, height, width)
            out.put("fps", 30.0)
    """

    def __init__(self, path: Path, told_as: Path | None = None) -> None:
        self.path = Path(path)
        self._told_as = told_as or self.path  # what an error message names, if `path` is a temporary name
        self._unfinished = Unfinished(self.path)
        self._arrays: list[NpzArray] = []
        self._values: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> NpzArray:
        """A growing array (count, *shape); `shape` is that of one item."""
        self._check_new(name)
        with output_errors(self._told_as):
            spool = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 (closed by copy_to or discard)
        self._arrays.append(NpzArray(name, shape, dtype, spool, self._told_as))
        return self._arrays[-1]

    def put(self, name: str, value: ArrayLike) -> None:
        """A whole array or a number, kept in memory until the end."""
        self._check_new(name)
        self._values[name] = np.array(value)
        assert not self._values[name].dtype.hasobject, "an array of objects would need pickle to load"

    def _check_new(self, name: str) -> None:
        names = [*self._values, *(array.name for array in self._arrays)]
        assert name not in names, f"{name} is there already"

    def close(self) -> None:
        """Assemble the zip and rename it into place. Raises OutputError."""
        try:
            with output_errors(self._told_as):
                self._assemble()
            self._unfinished.keep()
        except BaseException:
            self.discard()
            raise

    def _assemble(self) -> None:
        # Stored, as np.savez does: speckle hardly shrinks, and deflating it costs more than enhancing it.
        with zipfile.ZipFile(self._unfinished.path, "w") as file:
            for array in self._arrays:
                with file.open(_member(array.name), "w", force_zip64=True) as member:
                    array.copy_to(member)
            for name, value in self._values.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, value, allow_pickle=False)
                file.writestr(_member(name), content.getvalue())

    def discard(self) -> None:
        """Discard the output: nothing is left on the disk."""
        for array in self._arrays:
            with suppress(OSError):
                array.close()
        self._unfinished.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def _member(name: str) -> zipfile.ZipInfo:
    """An entry without the time of writing, so that the same arrays give the same file."""
    entry = zipfile.ZipInfo(f"{name}.npy")
    entry.external_attr = 0o644 << 16
    return entry


class NpzWriter(FrameWriter):
    """A clip as .npz: frames uint8 (T, H, W) or (T, H, W, 3), and its `clip_facts`."""

    def _start(self, frame: np.ndarray) -> None:
        self._stream = NpzStream(self.part, told_as=self.path)
        self._frames = self._stream.array("frames", frame.shape, np.uint8)

    def _put(self, frame: np.ndarray) -> None:
        self._frames.append(frame)

    def _finish(self) -> None:
        for name, value in clip_facts(self.like, self._sector, self.options, self.count).items():
            self._stream.put(name, value)
        self._stream.close()

    def _abort(self) -> None:
        self._stream.discard()


def clip_facts(
    like: ClipFile, sector: Sector | None, options: WriteOptions, frames: int
) -> dict[str, ArrayLike]:
    """What belongs beside the arrays of so many frames.

    fps            frames per second, NaN if unknown; the mean rate where frame durations differ
    frame_times_s  (T,): when each frame begins, in seconds from the first; 0 for a still
    durations_ms   (T,): how long each frame lasts, only where durations differ
    spacing_mm     (row, column) size of a pixel, NaN if unknown
    pixel_aspect   width of a pixel over its height, 1 where it is unknown
    crop_box       (top, left, bottom, right) of the sector in pixels, ends exclusive; the frame where it is unknown

    Of enhanced frames also model, model_sha256, strength (0 to 1), software_version, mark and notice.
    """
    fps = options.fps or like.fps
    own = like.durations_ms if options.fps is None else None
    step = 1000 / fps if fps else 0.0
    durations = [own[i] if own is not None and i < len(own) else step for i in range(frames)]
    facts: dict[str, ArrayLike] = {
        "fps": np.nan if fps is None else fps,
        "frame_times_s": np.cumsum([0.0, *durations[:-1]]) / 1000,
        "spacing_mm": like.spacing_mm or (np.nan, np.nan),
        "pixel_aspect": like.pixel_aspect,
        "crop_box": sector.box if sector is not None else (0, 0, like.height, like.width),
    }
    if own is not None:
        facts["durations_ms"] = durations
    if (made_by := options.enhancement) is not None:
        facts |= {"model": made_by.model, "model_sha256": made_by.sha256, "strength": made_by.strength}
        facts |= {"software_version": made_by.version, "mark": MARK, "notice": IN_FULL}
        facts |= {"original_kept_where_flagged": True} if made_by.kept else {}
    return facts
