"""Videos whose end is wrong play with a warning; what is cut in the middle is still refused."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from videos import encode, opened, ramps, save, speckle
from videos import like as source_of

from echogan.clips.formats.container_ends import TOO_LONG, TRAILING
from echogan.clips.formats.video import BROKEN_END
from echogan.clips.formats.video_writer import Mp4Writer
from echogan.core.errors import UnreadableClip

KINDS = [
    ("a.mp4", "libx264", "yuv420p"),
    ("a.mov", "mjpeg", "yuvj420p"),
    ("a.mkv", "libx264", "yuv420p"),
    ("a.webm", "libvpx-vp9", "yuv420p"),
    ("a.avi", "mjpeg", "yuvj420p"),
    ("b.avi", "mpeg4", "yuv420p"),
]
AVIS = [kind for kind in KINDS if kind[0].endswith("avi")]


def video(folder: Path, name: str, codec: str, pixels: str) -> Path:
    frames = np.repeat(speckle(12, 64, 64)[..., None], 3, -1)
    return encode(folder / name, frames, codec, pixels)


@pytest.mark.parametrize(("name", "codec", "pixels"), KINDS)
@pytest.mark.parametrize("junk", [b"Exported by a viewer.\n" * 40, bytes(700), b"\xff\x10\x80" * 99, b"ab"])
def test_bytes_after_the_end_do_not_matter(tmp_path, name, codec, pixels, junk):
    path = video(tmp_path, name, codec, pixels)
    frames = opened(path).read().frames
    path.write_bytes(path.read_bytes() + junk)
    assert np.array_equal(opened(path).read().frames, frames)


@pytest.mark.parametrize(("name", "codec", "pixels"), [KINDS[0], KINDS[4]])
def test_text_after_the_end_is_told(tmp_path, name, codec, pixels):
    path = video(tmp_path, name, codec, pixels)
    assert not opened(path).warnings
    path.write_bytes(path.read_bytes() + b"text after the last box\n" * 20)
    assert opened(path).warnings == (TRAILING,)


@pytest.mark.parametrize(("name", "codec", "pixels"), AVIS)
@pytest.mark.parametrize("more", [1, 992, 4_000_000])
@pytest.mark.parametrize("movi", [False, True])
def test_sizes_of_riff_that_are_too_large(tmp_path, name, codec, pixels, more, movi):
    path = video(tmp_path, name, codec, pixels)
    frames, data = opened(path).read().frames, bytearray(path.read_bytes())
    for at in (4, data.index(b"movi") - 4) if movi else (4,):
        data[at : at + 4] = struct.pack("<I", struct.unpack("<I", data[at : at + 4])[0] + more)
    path.write_bytes(data)
    clip = opened(path)
    assert np.array_equal(clip.read().frames, frames)
    assert clip.warnings == (TOO_LONG,)


def test_a_segment_of_matroska_that_is_too_large(tmp_path):
    path = video(tmp_path, *KINDS[2])
    frames, data = opened(path).read().frames, bytearray(path.read_bytes())
    at = data.index(b"\x18S\x80g\x01") + 5
    size = int.from_bytes(data[at : at + 7], "big")
    data[at : at + 7] = (size + 5000).to_bytes(7, "big")
    path.write_bytes(data)
    clip = opened(path)
    assert np.array_equal(clip.read().frames, frames)
    assert clip.warnings == (TOO_LONG,)


def test_a_box_of_pixels_that_says_too_much(tmp_path):
    frames = ramps(20)
    path = save(Mp4Writer, tmp_path / "a.mp4", frames, source_of(frames))
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    assert at + size == len(data)
    data[at : at + 4] = (size + 3000).to_bytes(4, "big")
    path.write_bytes(data)
    clip = opened(path)
    assert (clip.frames, len(clip.read().frames), clip.warnings) == (20, 20, (TOO_LONG,))
    path.write_bytes(data[:-20])  # but here a frame is really cut
    with pytest.raises(UnreadableClip, match="cut off"):
        opened(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_a_cut_within_a_frame_is_refused_even_with_a_wrong_size(tmp_path, name):
    path = video(tmp_path, *next(kind for kind in KINDS if kind[0] == name))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableClip, match="cut off"):
        opened(path)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [*KINDS[:2], *AVIS, ("p.mov", "prores_ks", "yuv422p10le")],
)
@pytest.mark.parametrize("left", [0.0, 0.4])
def test_a_broken_last_frame_is_left_out(tmp_path, name, codec, pixels, left):
    path = video(tmp_path, name, codec, pixels)
    with av.open(str(path)) as container:
        at, size = max((packet.pos, packet.size) for packet in container.demux(video=0) if packet.size)
    frames, data = opened(path).read().frames, path.read_bytes()
    kept = int(left * size)
    path.write_bytes(data[: at + kept] + bytes(size - kept) + data[at + size :])
    clip = opened(path)
    shown = clip.read().frames
    assert clip.frames == len(shown) == 11
    assert BROKEN_END in clip.warnings
    whole = [np.array_equal(frame, other) for frame, other in zip(shown, frames, strict=False)]
    assert sum(whole) >= 8  # those before the broken one in the file's order are as they were


def test_a_broken_frame_in_the_middle_is_refused(tmp_path):
    path = video(tmp_path, *KINDS[1])
    with av.open(str(path)) as container:
        packets = sorted((packet.pos, packet.size) for packet in container.demux(video=0) if packet.size)
    at, size = packets[5]
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes(size) + data[at + size :])
    with pytest.raises(UnreadableClip, match="damaged at frame 5"):
        opened(path).read()
