"""Open a video with FFmpeg: by the demuxer that its content calls for, with a list of codecs, from this file alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from echogan.clips.clip import ClipLimits
from echogan.clips.content import Content, check_limits
from echogan.core.errors import UnreadableClip

# All that FFmpeg may read with: what machines, archives and converters write. Its other 500 decoders stay closed.
DEMUXERS = "mov,avi,matroska"
CODECS = (
    "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,mpeg1video,mpeg2video,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,h263,"
    "wmv1,wmv2,wmv3,vc1,mjpeg,png,jpeg2000,ffv1,huffyuv,ffvhuff,utvideo,lagarith,rawvideo,prores,dvvideo,theora,"
    "cinepak,msvideo1,msrle,indeo3,indeo5,qtrle,v210"
)


@contextmanager
def opened(path: Path, content: Content, limits: ClipLimits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its first stream with moving pictures. Raises UnreadableClip, ClipTooLarge, FFmpeg's own errors."""
    # The demuxer is named, so that no playlist or script format is guessed; only local files are followed.
    # max_pixels keeps a hostile header from allocating (with room for the codec's padding to whole blocks).
    allowed = {"max_pixels": str(limits.max_pixels_per_frame * 2 + 65_536), "codec_whitelist": CODECS}
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS, **allowed}
    with av.open(
        str(path.absolute()), format=content, options=options, metadata_errors="ignore"
    ) as container:
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise UnreadableClip(f"'{path.name}' has no video in it: give a clip with moving pictures.")
        stream = streams[0]
        if stream.codec_context is None:
            raise UnreadableClip(
                f"'{path.name}' uses a video codec that is not known here: convert it to H.264."
            )
        if stream.codec_context.name not in CODECS.split(","):
            raise UnreadableClip(
                f"'{path.name}' uses a video codec that is not read here: convert it to H.264."
            )
        stream.codec_context.options = allowed
        check_limits(path, limits, stream.frames, stream.height, stream.width, 1)
        yield container, stream
