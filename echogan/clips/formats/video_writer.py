"""Write clips as video: H.264 in MP4, and VP9 in WebM, which needs no patent licence."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from fractions import Fraction
from typing import ClassVar

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from echogan.clips.formats.frame_writer import FrameWriter
from echogan.clips.formats.video import ACCURATE
from echogan.clips.formats.webm_shape import set_display_size
from echogan.core.notice import MARK

_CLOCK = Fraction(1, 90_000)


class VideoWriter(FrameWriter):
    """One video stream, 8-bit 4:2:0, BT.709 limited range and flagged so; no audio. The metadata name what
    enhanced the frames, and nothing else.

    Limited range, because players that ignore the range flag assume it, and would show a full-range
    file with the wrong contrast. It costs 0.2 grey levels of mean error. No B-frames: frame n is packet n, and
    the first one is at time 0.
    """

    container: ClassVar[str]
    codec: ClassVar[str]
    container_options: ClassVar[dict[str, str]]
    even: ClassVar[bool]
    pictures: ClassVar[bool] = True

    @abstractmethod
    def codec_options(self) -> dict[str, str]:
        """Quality and speed, as options of the codec."""

    def _start(self, frame: np.ndarray) -> None:
        options = {"fflags": "+bitexact", **self.container_options}
        self._output = av.open(str(self.part.absolute()), "w", format=self.container, options=options)
        if self.options.enhancement is not None:
            self._output.metadata.update(title=MARK, comment=self.options.enhancement.comment)
        rate = Fraction(self.fps).limit_denominator(1001) or Fraction(1, 1001)
        stream = self._output.add_stream(self.codec, rate=rate, options=self.codec_options())
        assert isinstance(stream, VideoStream)
        height, width = frame.shape[:2]
        self._padding = (height % 2, width % 2) if self.even else (0, 0)
        stream.height, stream.width = height + self._padding[0], width + self._padding[1]
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = _CLOCK if self.variable else 1 / rate
        if self.pixel_ratio != 1:
            context.sample_aspect_ratio = self.pixel_ratio
        context.color_range, context.colorspace = int(ColorRange.MPEG), int(Colorspace.ITU709)
        context.color_primaries, context.color_trc = int(ColorPrimaries.BT709), int(ColorTrc.BT709)
        self._reformatter = VideoReformatter()  # one for all frames: it keeps libswscale's tables
        self._stream, self._time_base = stream, context.time_base
        self._elapsed_ms, self._pts = 0.0, 0
        self._durations: deque[int] = deque()

    def _put(self, frame: np.ndarray) -> None:
        self._encode(self._picture(frame))

    def _picture(self, frame: np.ndarray) -> av.VideoFrame:
        down, right = self._padding
        if down or right:
            frame = np.pad(frame, ((0, down), (0, right), (0, 0))[: frame.ndim], mode="edge")
        picture = av.VideoFrame.from_ndarray(frame, format="gray" if frame.ndim == 2 else "rgb24")
        picture = self._reformatter.reformat(
            picture,
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            dst_colorspace=Colorspace.ITU709,
            interpolation=ACCURATE,
        )
        picture.pts, picture.time_base = self._pts, self._time_base
        ticks = self._ticks()
        self._durations.append(ticks)
        self._pts += ticks
        return picture

    def _ticks(self) -> int:
        """How long this frame lasts in units of the time base; rounded so that errors do not add up."""
        if not self.variable:
            return 1
        self._elapsed_ms += self.duration_ms(self.count)
        return max(1, round(self._elapsed_ms / 1000 / self._time_base) - self._pts)

    def _encode(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            packet.duration = self._durations.popleft()
            self._output.mux(packet)

    def _finish(self) -> None:
        self._encode(None)
        self._output.close()

    def _abort(self) -> None:
        self._output.close()


class Mp4Writer(VideoWriter):
    """H.264 for the download. 4:2:0 H.264 can only crop in steps of two pixels, so an odd width or height
    gains one column or row at the right or bottom, a copy of its neighbour.
    """

    container, codec, even = "mp4", "libx264", True
    container_options: ClassVar[dict[str, str]] = {"movflags": "+faststart"}

    def codec_options(self) -> dict[str, str]:
        # "psnr" switches the psychovisual tricks off: they trade true grey levels for a crisper look. The encoder looks
        # few frames ahead: what it still holds at the clip's end is encoded when nothing else is left to do. It has one
        # thread, as other stages use the other cores; so a file is the same on every machine.
        speed = {"rc-lookahead": "10", "threads": "1"}
        return {"crf": str(self.options.crf), "preset": "fast", "tune": "psnr", "bf": "0", "g": "30", **speed}


class WebmWriter(VideoWriter):
    """VP9 for browsers: quick to encode, any size, a key frame every 12 frames for scrubbing."""

    container, codec, even = "webm", "libvpx-vp9", False
    container_options: ClassVar[dict[str, str]] = {}

    def _finish(self) -> None:
        super()._finish()
        if self.pixel_ratio != 1:
            height, width = self._stream.height, self._stream.width
            wide, high = max(self.pixel_ratio, Fraction(1)), max(1 / self.pixel_ratio, Fraction(1))
            set_display_size(self.part, round(width * wide), round(height * high))

    def codec_options(self) -> dict[str, str]:
        # VP9 counts quality to 63, x264 to 51: add six for a similar picture.
        crf = min(63, self.options.crf + 6)
        speed = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "lag-in-frames": "0"}
        return {"crf": str(crf), "b": "0", "g": "12", **speed}
