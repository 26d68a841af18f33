"""Animated GIF in and out: facts from its blocks without decoding, composited frames, a duration for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

from echogan.clips.clip import ClipFile, ClipLimits, pixel_shape
from echogan.clips.content import check_limits, decoder_errors
from echogan.clips.formats.frame_writer import FrameWriter
from echogan.core.atomic import replacing
from echogan.core.errors import UnreadableClip

DEFAULT_DELAY_MS = 100.0  # what browsers show for a delay of 0 or 1
LEAST_DELAY = 2  # hundredths of a second
ALIKE = 1.5  # longest over shortest delay of a clip with one rate: 30 frames per second are delays of 3 and 4

NO_TRAILER = "The GIF ends without its closing mark; the frames that are there are used."
SOME_DELAYS = "Some frames of the GIF gave no duration; they last as long as the others."


@dataclass
class _Blocks:
    """The facts in a GIF's blocks; `reach` is the (height, width) that a decoder needs for all its frames.

    delays    hundredths of a second, one for each frame
    end       how the file ends: "whole" with its trailer, "between" two blocks, "open" within the last frame but
              after one of its sub-blocks, or "cut" elsewhere
    """

    width: int
    height: int
    reach: tuple[int, int]
    pixel_aspect: float = 1.0
    delays: list[int] = field(default_factory=list)
    color: bool = False
    end: Literal["whole", "between", "open", "cut"] = "cut"


def open_gif(path: Path, limits: ClipLimits) -> ClipFile:
    """Read the facts of a GIF; a single frame is a still (fps None). Raises UnreadableClip and ClipTooLarge."""
    with decoder_errors(path), path.open("rb") as file:
        blocks = _read_blocks(file, limits)
    count, (height, width), color = len(blocks.delays), blocks.reach, blocks.color
    check_limits(path, limits, count, height, width, 3 if color else 1)
    if not _ends_well(path, blocks):
        frames = count - 1 if blocks.end == "open" else count
        raise UnreadableClip(f"'{path.name}' is cut off after {frames} frames: copy or export it again.")
    if not count or not blocks.width or not blocks.height:
        raise UnreadableClip(f"'{path.name}' has no frames: export it again.")
    delays, notes = shown_delays(blocks.delays)
    notes += () if blocks.end == "whole" else (NO_TRAILER,)
    fps = 1000 * count / sum(delays) if count > 1 else None
    durations = delays if count > 1 and len(set(delays)) > 1 else None

    def decode() -> Iterator[np.ndarray]:
        return _decode(path, blocks)

    facts = ClipFile(path, "gif", count, blocks.height, blocks.width, fps, color, decode, durations)
    return replace(facts, warnings=notes, pixel_aspect=blocks.pixel_aspect)


def shown_delays(hundredths: Sequence[int]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Milliseconds that each frame is shown, one for each delay, and notes for the reader.

    Browsers show a delay of 0 or 1 as 100 ms. Where all the other delays are alike, that would be a stop in a clip
    that has none, so the frame lasts as long as the others.
    """
    given = [delay for delay in hundredths if delay >= LEAST_DELAY]
    alike = bool(given) and max(given) <= ALIKE * min(given)
    usual = 10.0 * float(np.median(given)) if alike else DEFAULT_DELAY_MS
    shown = tuple(10.0 * delay if delay >= LEAST_DELAY else usual for delay in hundredths)
    return shown, (SOME_DELAYS,) if alike and len(given) < len(hundredths) > 1 else ()


def _read_blocks(file: BinaryIO, limits: ClipLimits) -> _Blocks:
    """Walk the blocks (GIF89a specification, sections 17 to 27), skipping the compressed pixels."""
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(13)
    width, height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    blocks = _Blocks(width, height, (height, width))
    if head[12]:
        blocks.pixel_aspect = pixel_shape(head[12] + 15, 64)
    blocks.color = _coloured_palette(file, head[10])
    delay = 0
    while (kind := file.read(1)) and len(blocks.delays) <= limits.max_frames:
        if kind == b";":
            blocks.end = "whole"
            return blocks
        if kind == b"!":
            if file.read(1) == b"\xf9":
                delay = int.from_bytes(file.read(5)[2:4], "little")
            if not _skip(file):
                return blocks
        elif kind == b",":
            left, top, w, h = np.frombuffer(file.read(8), "<u2").tolist()
            blocks.reach = max(blocks.reach[0], top + h), max(blocks.reach[1], left + w)
            blocks.color |= _coloured_palette(file, file.read(1)[0])
            file.seek(1, 1)  # the width of the first code
            if _skip(file):
                blocks.delays.append(delay)
            elif file.tell() == size:
                blocks.delays.append(delay)
                blocks.end = "open"
                return blocks
            delay = 0
    blocks.end = "between" if file.tell() == size else "cut"
    return blocks


def _ends_well(path: Path, blocks: _Blocks) -> bool:
    """Whether all the frames found are whole; where the file ends within one, decoding it tells."""
    if blocks.end != "open":
        return blocks.end == "whole" or (blocks.end == "between" and bool(blocks.delays))
    try:
        return sum(1 for _ in _decode(path, blocks)) > 0
    except UnreadableClip:
        return False


def _coloured_palette(file: BinaryIO, flags: int) -> bool:
    """Read the palette that follows if `flags` declare one; True if an entry is not grey."""
    if not flags & 0x80:
        return False
    palette = file.read(3 * 2 ** ((flags & 7) + 1))
    return palette[0::3] != palette[1::3] or palette[1::3] != palette[2::3]


def _skip(file: BinaryIO) -> bool:
    """Skip a chain of sub-blocks; False if the file ends inside it."""
    while size := file.read(1):
        if not size[0]:
            return True
        file.seek(size[0], 1)
    return False


def _decode(path: Path, blocks: _Blocks) -> Iterator[np.ndarray]:
    with decoder_errors(path), Image.open(path, formats=["GIF"]) as image:
        for index in range(len(blocks.delays)):
            image.seek(index)
            rgba = np.asarray(image.convert("RGBA"))[: blocks.height, : blocks.width]
            rgb = rgba[..., :3] * (rgba[..., 3:] > 0)  # transparent pixels become black
            yield rgb if blocks.color else np.ascontiguousarray(rgb[..., 0])


class GifWriter(FrameWriter):
    """Animated GIF, looping. Grey frames are exact; each colour frame is reduced to its best 256 colours.

    Delays are in hundredths of a second. They are rounded so that errors do not add up, and are at least 2, because
    browsers show a delay of 1 as 10. So above 50 frames per second the GIF plays slower than the clip. A comment names
    what enhanced the frames.
    """

    pictures: ClassVar[bool] = True

    def _start(self, frame: np.ndarray) -> None:
        last = max(LEAST_DELAY, round(self.duration_ms(max(0, self.like.frames - 1)) / 10))
        options = {"fflags": "+bitexact", "loop": "0", "final_delay": str(min(last, 65_535))}
        self._output = av.open(str(self.part.absolute()), "w", format="gif", options=options)
        stream = self._output.add_stream("gif", rate=100)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = frame.shape[:2]
        stream.pix_fmt = "gray" if frame.ndim == 2 else "pal8"
        stream.codec_context.time_base = Fraction(1, 100)
        if self.pixel_ratio != 1:
            stream.codec_context.sample_aspect_ratio = self.pixel_ratio
        self._stream, self._elapsed_ms, self._pts = stream, 0.0, 0

    def _put(self, frame: np.ndarray) -> None:
        grey = frame.ndim == 2
        picture = av.VideoFrame.from_ndarray(frame, format="gray") if grey else _quantized(frame)
        picture.pts, picture.time_base = self._pts, Fraction(1, 100)
        self._elapsed_ms += self.duration_ms(self.count)
        self._pts = max(self._pts + LEAST_DELAY, round(self._elapsed_ms / 10))
        self._encode(picture)

    def _encode(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            self._output.mux(packet)

    def _finish(self) -> None:
        self._encode(None)
        self._output.close()
        if self.options.enhancement is not None:
            _add_comment(self.part, self.options.enhancement.comment)

    def _abort(self) -> None:
        self._output.close()


def _add_comment(path: Path, comment: str) -> None:
    """Put a Comment Extension before the first frame (GIF89a specification, section 24)."""
    text = comment.encode("ascii", "replace")
    parts = [text[i : i + 255] for i in range(0, len(text), 255)]
    with replacing(path) as commented, path.open("rb") as source, commented.open("wb") as target:
        head = source.read(13)
        palette = 3 * 2 ** ((head[10] & 7) + 1) if head[10] & 0x80 else 0
        target.write(head + source.read(palette))
        target.write(b"!\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0")
        shutil.copyfileobj(source, target, 1 << 20)


def _quantized(frame: np.ndarray) -> av.VideoFrame:
    """The frame, uint8 (H, W, 3), reduced to its best 256 colours."""
    image = Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE)
    colors = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0] = 255
    palette[: len(colors), 1:] = colors
    # PyAV takes indices and palette as a pair, which its type hints leave out.
    return av.VideoFrame.from_ndarray((np.asarray(image), palette), format="pal8")  # pyright: ignore
