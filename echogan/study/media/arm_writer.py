"""WebM files whose bytes tell nothing about the arm but what the coded pictures themselves hold.

VP9, lossless. A picture that is easier to code takes fewer bytes, which the container's tables and the file's size
would tell. So frame n is as long in all files of a clip: the shorter ones are followed by zero bytes, which decoders
skip (VP9 bitstream specification, 9.2.3, `padding_bit`; libvpx `decoder_decode`, "suboptimal termination").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import av

from echogan.clips.clip import ClipFile
from echogan.clips.formats.video_writer import WebmWriter
from echogan.clips.write_options import WriteOptions

ENCODING: Mapping[str, Any] = {
    "codec": "VP9 lossless in WebM, 8-bit grey as 4:2:0, BT.709 limited range",
    "padding": "frame n is padded with zero bytes to the longest frame n of the clip's stimuli of its kind",
    "border": "black outside the tissue, both arms under the mask of the original",
}
"""What holds for every stimulus, for the record."""


class _Coded(NamedTuple):
    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    key: bool


class ArmWriter(WebmWriter):
    """Keeps the coded frames until the sizes of the other arm's are known."""

    def __init__(self, path: Path, like: ClipFile) -> None:
        super().__init__(path, replace(like, pixel_aspect=1.0), None, WriteOptions(mark=False))
        self._coded: list[_Coded] = []
        self._sizes: Sequence[int] = ()

    def codec_options(self) -> dict[str, str]:
        # No frames that are not shown: those make superframes, which padding would break.
        quick = {"deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0", "auto-alt-ref": "0"}
        return {"lossless": "1", "g": "12", **quick}

    def _encode(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            ticks = self._durations.popleft()
            self._packet_base = packet.time_base
            self._coded.append(_Coded(bytes(packet), packet.pts, packet.dts, ticks, packet.is_keyframe))

    def flush(self) -> list[int]:
        """End the encoding: the size of every coded frame in bytes."""
        self._encode(None)
        return [len(coded.data) for coded in self._coded]

    def pad(self, sizes: Sequence[int]) -> None:
        """Say how long each frame is to be, at least its own size."""
        self._sizes = sizes

    def _finish(self) -> None:
        for coded, size in zip(self._coded, self._sizes, strict=True):
            packet = av.Packet(coded.data.ljust(size, b"\0"))
            packet.stream, packet.time_base = self._stream, self._packet_base
            packet.pts, packet.dts, packet.duration = coded.pts, coded.dts, coded.duration
            packet.is_keyframe = coded.key
            self._output.mux(packet)
        self._output.close()
