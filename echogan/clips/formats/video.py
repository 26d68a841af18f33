"""Read MP4, MOV, AVI, MKV and WEBM: facts from headers and packets, frames decoded on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import InvalidDataError
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from echogan.clips.clip import ClipFile, ClipLimits, pixel_shape
from echogan.clips.content import Content, check_limits, decoder_errors
from echogan.clips.formats.container_ends import End, check_end
from echogan.clips.formats.video_input import opened
from echogan.clips.formats.video_timing import Times, timing
from echogan.core.errors import UnreadableClip

BROKEN_END = "The last frame in the file is damaged; it was left out."
# Codecs in which every packet is one displayed frame, if the first packet is a key frame.
_ONE_FRAME_PER_PACKET = {"h264", "hevc", "vp9", "libdav1d", "mjpeg", "png", "ffv1", "rawvideo", "prores"}
# Without these flags libswscale rounds grey levels off by up to 2 and tints neutral pixels.
ACCURATE = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


@dataclass(frozen=True)
class _Look:
    """How one stream is shown: decoded size, quarter turns to the left, grey or colour, nominal rate, pixel aspect."""

    width: int
    height: int
    quarter_turns: int
    color: bool
    fps: float | None
    pixel_aspect: float

    @property
    def shown(self) -> tuple[int, int]:
        """Height and width after the turn."""
        return (self.width, self.height) if self.quarter_turns % 2 else (self.height, self.width)


def open_video(path: Path, limits: ClipLimits, content: Content) -> ClipFile:
    """Read the facts of a video; `content` is "mov", "avi" or "matroska".

    Raises UnreadableClip (damaged, cut off, no picture) and ClipTooLarge.
    """
    with decoder_errors(path):
        end = check_end(path, content)
        look, warnings = _first_look(path, content, limits)
        count, times, broken = _count_packets(path, content, limits, end)
        if count is None:
            count, times, broken = _count_frames(path, content, limits, look)
        if not count:
            raise UnreadableClip(f"'{path.name}' has no frames: export it again.")
        height, width = look.shown
        check_limits(path, limits, count, height, width, 3 if look.color else 1)
        fps, durations, notes = timing(times, count, look.fps)
        notes += tuple(note for note in (end.note, BROKEN_END if broken else None) if note)

    def decode() -> Iterator[np.ndarray]:
        return _decode(path, content, limits, look, count, broken)

    facts = ClipFile(path, "video", count, height, width, fps, look.color, decode, durations)
    return replace(facts, warnings=warnings + notes, pixel_aspect=look.pixel_aspect)


def _first_look(path: Path, content: Content, limits: ClipLimits) -> tuple[_Look, tuple[str, ...]]:
    with opened(path, content, limits) as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise UnreadableClip(f"'{path.name}' has no frames: export it again.")
        warnings = []
        mirrored = _is_mirrored(first)
        if mirrored or first.rotation % 90:
            wish = "mirrored" if mirrored else f"turned by {first.rotation} degrees"
            warnings.append(f"The video asks to be {wish}; it is shown as stored.")
        if any(component.bits > 8 for component in first.format.components):
            warnings.append("The video has more than 8 bits per sample; it is reduced to 8.")
        turns = 0 if mirrored or first.rotation % 90 else first.rotation // 90 % 4
        grey = first.format.name.startswith(("gray", "ya8", "ya16", "mono"))
        rate = stream.average_rate or stream.base_rate or stream.guessed_rate
        fps = float(rate) if rate else None
        aspect = float(stream.sample_aspect_ratio or 1)
        shape = pixel_shape(1, aspect) if turns % 2 else pixel_shape(aspect, 1)
        return _Look(first.width, first.height, turns, not grey, fps, shape), tuple(warnings)


def _is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether the display matrix turns left into right: the 2 x 2 part has a negative determinant."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False
    (a, b), (c, d) = np.frombuffer(data, "<i4").reshape(3, 3)[:2, :2].astype(float)
    return a * d - b * c < 0


def _count_packets(
    path: Path, content: Content, limits: ClipLimits, end_of_file: End
) -> tuple[int | None, Times, bool]:
    """Frames, their times, and whether one more at the end is broken, by decoding that alone.

    The count is None if packets may not match frames one to one.
    """
    starts: list[int] = []
    sure, end = True, None
    with opened(path, content, limits) as (container, stream):
        sure = stream.codec_context.name.removeprefix("lib") in _ONE_FRAME_PER_PACKET
        for packet in container.demux(stream):
            if packet.dts is None and not packet.size:  # the flush packet at the end
                continue
            if packet.is_corrupt:
                raise UnreadableClip(f"'{path.name}' is damaged or cut off: export it again.")
            if (
                packet.pts is None
                or packet.is_discard
                or not packet.size
                or not (starts or packet.is_keyframe)
            ):
                sure = False
                break
            starts.append(packet.pts)
            end = max(end or 0, packet.pts + (packet.duration or 0))
            if len(starts) > limits.max_frames:
                check_limits(path, limits, len(starts), stream.height, stream.width, 1)
        sure = sure and bool(starts) and min(starts) == starts[0] and len(set(starts)) == len(starts)
        if end_of_file.unsure and len(starts) < stream.frames:
            raise UnreadableClip(f"'{path.name}' is cut off: copy or export it again.")
        times = _seconds(starts, end, container, stream, content)
    if not sure:
        return None, times, False
    broken = _broken_at_end(path, content, limits, starts)
    if broken is None:
        return len(starts), times, False
    return len(starts) - 1, times.without(sorted(starts).index(broken)), True


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame | None]:
    """The decoded frames, None for a broken one."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except InvalidDataError:
            yield None
            continue
        yield from (None if frame.is_corrupt else frame for frame in frames)


def _broken_at_end(path: Path, content: Content, limits: ClipLimits, starts: list[int]) -> int | None:
    """The time stamp of the one frame after the last key frame that cannot be decoded, None if there is no such."""
    last = max(starts)
    with opened(path, content, limits) as (container, stream):
        container.seek(last, stream=stream)
        decoded = {frame.pts for frame in _frames(container, stream) if frame is not None}
    first = min((pts for pts in decoded if pts is not None), default=last)
    missing = {pts for pts in starts if pts >= first} - decoded
    return missing.pop() if len(missing) == 1 and missing <= {last, starts[-1]} else None


def _count_frames(path: Path, content: Content, limits: ClipLimits, look: _Look) -> tuple[int, Times, bool]:
    """As _count_packets, by decoding everything: slow, but right for every file."""
    starts: list[int | None] = []
    broken: list[int] = []
    with opened(path, content, limits) as (container, stream):
        for frame in _frames(container, stream):
            if frame is None:
                broken.append(len(starts))
                continue
            starts.append(frame.pts)
            check_limits(path, limits, len(starts), frame.height, frame.width, 3 if look.color else 1)
        known = [pts for pts in starts if pts is not None]
        if len(known) < len(starts) or len(set(known)) < len(known):
            known = []
        # A decoder gives frames late, so a few may still come after the broken last one.
        if len(broken) > 1 or (broken and broken[0] < len(starts) - stream.codec_context.has_b_frames):
            raise UnreadableClip(f"'{path.name}' is damaged at frame {broken[0]}: export it again.")
        return len(starts), _seconds(known, None, container, stream, content), bool(broken)


def _seconds(
    starts: list[int], end: int | None, container: InputContainer, stream: VideoStream, content: Content
) -> Times:
    tick = float(stream.time_base or 0)
    end_s = end * tick if end is not None else None
    if content == "matroska" and container.duration:  # its packets carry a nominal duration, not their own
        end_s = container.duration / 1e6
    return Times(tuple(pts * tick for pts in sorted(starts)), end_s, tick)


def _decode(
    path: Path, content: Content, limits: ClipLimits, look: _Look, count: int, broken_end: bool
) -> Iterator[np.ndarray]:
    to_array = _converter(look)
    done = 0
    with decoder_errors(path), opened(path, content, limits) as (container, stream):
        for frame in _frames(container, stream):
            if done == count:
                break
            if frame is None:
                if broken_end:
                    continue
                raise UnreadableClip(f"'{path.name}' is damaged at frame {done}: export it again.")
            if (frame.width, frame.height) != (look.width, look.height):
                raise UnreadableClip(f"'{path.name}' changes its size at frame {done}: cut it there.")
            yield to_array(frame)
            done += 1
    if done < count:
        raise UnreadableClip(f"'{path.name}' ends after {done} of {count} frames: copy or export it again.")


def _converter(look: _Look) -> Callable[[av.VideoFrame], np.ndarray]:
    """Frame to uint8 (H, W) or (H, W, 3), full range, turned upright."""
    reformat = VideoReformatter().reformat  # one for all frames: it keeps libswscale's tables
    target = "rgb24" if look.color else "gray"

    def convert(frame: av.VideoFrame) -> np.ndarray:
        array = reformat(frame, format=target, interpolation=ACCURATE).to_ndarray()
        if not look.color and frame.color_range == ColorRange.MPEG:
            # libswscale takes every grey format for full range, whatever its flag says.
            array = np.clip(np.rint((array.astype(np.float32) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.rot90(array, look.quarter_turns)) if look.quarter_turns else array

    return convert
