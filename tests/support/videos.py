"""Small videos for tests: drawn, written with PyAV alone or with our writers, and opened."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.content import HEAD_BYTES, sniff
from echogan.clips.formats.video import open_video
from echogan.clips.formats.video_writer import VideoWriter
from echogan.clips.write_options import WriteOptions


def opened(path: Path, limits: ClipLimits | None = None) -> ClipFile:
    content = sniff(path.read_bytes()[:HEAD_BYTES])
    assert content is not None
    return open_video(path, limits or ClipLimits(), content)


def speckle(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Log-compressed speckle that decorrelates slowly, with a black and a white square: uint8 (T, H, W)."""
    rng = np.random.default_rng(seed)
    field, frames = rng.normal(size=(2, height, width)), []
    for _ in range(count):
        field = np.cos(0.3) * field + np.sin(0.3) * rng.normal(size=field.shape)
        envelope = np.hypot(*(cv2.GaussianBlur(part, (0, 0), 1.4) for part in field))
        frame = np.clip(130 + 35 * np.log(envelope / envelope.mean() + 1e-3), 0, 255).astype(np.uint8)
        frame[:24, :24], frame[24:48, :24] = 0, 255
        frames.append(frame)
    return np.stack(frames)


def like(
    frames: np.ndarray, fps: float | None = 30.0, durations: tuple[float, ...] | None = None
) -> ClipFile:
    height, width = frames.shape[1:3]
    color = frames.ndim == 4
    decode = frames.__iter__
    return ClipFile(Path("source"), "video", len(frames), height, width, fps, color, decode, durations)


def save(
    writer: type[VideoWriter], path: Path, frames: np.ndarray, source: ClipFile, **options: object
) -> Path:
    with writer(path, source, None, WriteOptions(**options)) as out:  # pyright: ignore
        for frame in frames:
            out.write(frame)
    return path


def encode(
    path: Path,
    frames: np.ndarray,
    codec: str,
    pixels: str,
    pts: list[int] | None = None,
    aspect: Fraction | None = None,
    **options: str,
) -> Path:
    """Write a video with PyAV alone, 25 frames per second: what other programs would hand us."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        stream.codec_context.time_base = Fraction(1, 25)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for i, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(frame), format="gray" if frame.ndim == 2 else "rgb24"
            )
            picture = picture.reformat(format=pixels)
            picture.pts, picture.time_base = pts[i] if pts else i, Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def ramps(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Flat grey frames, each of its own level."""
    levels = np.linspace(10, 240, count).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None], (count, height, width)).copy()
