"""The one door: content decides on the way in, the suffix on the way out; every refusal has its sentence."""

import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip, open_writer, write_clip
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import ClipError, OutputError, UnreadableClip, UnsupportedClip
from echogan.core.geometry import Sector

OUTPUTS = ["a.mp4", "a.webm", "a.gif", "a.npz", "a.dcm", "frames"]


def clip(frames: int = 6, height: int = 40, width: int = 48) -> ClipFile:
    """A moving grey ramp."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = [((x * 4 + y + 9 * i) % 200 + 40).astype(np.uint8) for i in range(frames)]
    return ClipFile(Path("ramp"), "video", frames, height, width, 20.0, False, lambda: iter(pixels))


def half(source: ClipFile) -> Sector:
    """A sector over the left half of the frame."""
    mask = np.zeros((source.height, source.width), bool)
    mask[:, : source.width // 2] = True
    return Sector("rectangle", mask, np.zeros_like(mask), 1.0)


def read_back(path: Path) -> np.ndarray:
    """Frames uint8 (T, H, W) by other readers than ours."""
    if path.is_dir():
        return np.stack([np.asarray(Image.open(p).convert("L")) for p in sorted(path.iterdir())])
    if path.suffix == ".npz":
        return np.load(path)["frames"]
    if path.suffix == ".dcm":
        from pydicom import dcmread

        return dcmread(path).pixel_array
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="gray") for f in container.decode(video=0)])


# --- In


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.dcm"])
def test_content_decides_not_the_name(tmp_path, name):
    source = clip()
    write_clip(tmp_path / name, source.iter_frames(), source, half(source))
    for other in ("renamed.txt", "renamed.png", "renamed"):
        os.replace(tmp_path / name, tmp_path / other)
        opened = open_clip(tmp_path / other)
        assert (opened.frames, opened.height, opened.width) == (6, 40, 48)
        assert opened.fps == pytest.approx(20)
        assert len(opened.read().frames) == 6
        os.replace(tmp_path / other, tmp_path / name)


def test_what_is_too_small_to_be_an_echo_is_refused(tmp_path):
    path = tmp_path / "tiny.png"
    cv2.imwrite(str(path), np.zeros((50, 3), np.uint8))
    with pytest.raises(UnsupportedClip, match="3 x 50 pixels, too small"):
        open_clip(path)


def test_images_and_the_dicom_cine(tmp_path, cine):
    for suffix in ("png", "jpg", "bmp", "tif"):
        Image.fromarray(np.full((19, 18), 77, np.uint8)).save(tmp_path / f"a.{suffix}")
        assert open_clip(str(tmp_path / f"a.{suffix}")).kind == "image"
    opened = open_clip(cine)
    assert (opened.kind, opened.frames, opened.width, opened.height) == ("dicom", 30, 320, 240)


def test_refusals(tmp_path):
    files = {
        "text.mp4": (b"This is a text file, not a film.\n" * 50, "not a clip"),
        "empty.dcm": (b"", "is empty"),
        "page.gif": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
        "short.mp4": (b"\0\0\0\x18ftypisom", "short.mp4"),
        "magic.gif": (b"GIF89a", "magic.gif"),
        "magic.png": (b"\x89PNG\r\n\x1a\n", "magic.png"),
        "magic.webm": (b"\x1aE\xdf\xa3", "magic.webm"),
        "magic.avi": (b"RIFF\x10\0\0\0AVI LIST", "magic.avi"),
        "magic.dcm": (bytes(128) + b"DICM", "DICOM"),
        "playlist.mp4": (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n", "not a clip"),
        "list.mp4": (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a clip"),
        "pickle.npz": (b"\x80\x04\x95", "not a clip"),
        "sound.wav": (b"RIFF\x10\0\0\0WAVEfmt ", "not a clip"),
        "noise": (np.random.default_rng(0).bytes(5000), "not a clip"),
    }
    for name, (data, sentence) in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableClip) as caught:
            open_clip(tmp_path / name).read()
        message = str(caught.value)
        assert sentence in message, message
        assert name in message or name == "magic.dcm"
        assert str(tmp_path) not in message
        assert message.endswith((".", ")"))


def test_refused_places(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("clip.txt", "x")
    np.savez(tmp_path / "a.npz", frames=np.zeros((1, 20, 20), np.uint8))
    places = {
        tmp_path / "a.zip": "zip archive",
        tmp_path / "a.npz": "an output only",
        tmp_path: "is a folder",
        tmp_path / "none.mp4": "no file",
        tmp_path / "a.zip" / "b.mp4": "b.mp4",
        Path("nul\0byte.mp4"): "byte.mp4",
        tmp_path / ("x" * 300): "xxx",
    }
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        places[tmp_path / "pipe.mp4"] = "not a plain file"
    for path, sentence in places.items():
        with pytest.raises(UnreadableClip, match=sentence):
            open_clip(path)


# --- Out


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("blackout", [False, True])
def test_every_format_keeps_frames_and_blacks_out_on_request(tmp_path, name, blackout):
    source = clip()
    frames, sector = source.read().frames, half(source)
    options = WriteOptions(blackout=blackout)
    write_clip(tmp_path / "new" / name, source.iter_frames(), source, sector, options)
    written = read_back(tmp_path / "new" / name)
    lossless = name not in ("a.mp4", "a.webm")
    assert written.shape == frames.shape
    # Away from the edge of the mask, where lossy formats smear.
    inside, outside = written[..., :16].astype(int), written[..., 32:].astype(int)
    assert np.abs(inside - frames[..., :16]).mean() < (0.01 if lossless else 4)
    if blackout or name == "a.dcm":
        assert outside.max() <= (0 if lossless else 3)
    else:
        assert np.abs(outside - frames[..., 32:]).mean() < (0.01 if lossless else 4)
    assert [p.name for p in (tmp_path / "new").iterdir()] == [name]


def test_blackout_without_a_sector_is_refused(tmp_path):
    for name in OUTPUTS:
        with pytest.raises(OutputError, match="sector"):
            write_clip(tmp_path / name, clip().iter_frames(), clip(), None, WriteOptions(blackout=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_failing_source_leaves_nothing(tmp_path, name):
    source = clip()

    def failing():
        yield from list(source.iter_frames())[:3]
        raise UnreadableClip("'x' is damaged at frame 3: export it again.")

    with pytest.raises(ClipError, match="damaged"):
        write_clip(tmp_path / "new" / name, failing(), source, half(source))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*OUTPUTS, "frames/"])
def test_no_frames_at_all_leaves_nothing(tmp_path, name):
    source = clip()
    with pytest.raises(OutputError):
        write_clip(f"{tmp_path}/{name}", iter(()), source, half(source))
    assert not list(tmp_path.iterdir())


def test_names_that_cannot_be_written(tmp_path):
    source = clip()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "filled").mkdir()
    (tmp_path / "filled" / "keep.txt").write_bytes(b"x")
    for name, sentence in {
        "a.avi": "no known format",
        "a.png": "holds one frame and the clip has 6",
        "file/a.mp4": "a.mp4",
        "file": "is a file",
        "filled": "not empty",
    }.items():
        with pytest.raises(OutputError, match=sentence):
            write_clip(tmp_path / name, source.iter_frames(), source)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "filled", "keep.txt"]


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="root may write anywhere",
)
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="permissions"):
        write_clip(tmp_path / "locked" / "a.mp4", clip().iter_frames(), clip())


def test_the_input_is_never_overwritten(tmp_path):
    source = clip()
    write_clip(tmp_path / "in.mp4", source.iter_frames(), source)
    before = (tmp_path / "in.mp4").read_bytes()
    opened = open_clip(tmp_path / "in.mp4")
    with pytest.raises(OutputError, match="input clip itself"):
        write_clip(tmp_path / "." / "in.mp4", opened.iter_frames(), opened)
    assert (tmp_path / "in.mp4").read_bytes() == before


def test_an_older_output_is_replaced_only_when_the_new_one_is_whole(tmp_path):
    source = clip()
    (tmp_path / "a.gif").write_bytes(b"older")
    with open_writer(tmp_path / "a.gif", source) as writer:
        for frame in source.iter_frames():
            writer.write(frame)
            assert (tmp_path / "a.gif").read_bytes() == b"older"
    assert open_clip(tmp_path / "a.gif").frames == 6


def test_a_colour_clip_and_a_trailing_slash(tmp_path):
    source = clip()
    color = replace(source, color=True)
    write_clip(
        f"{tmp_path}/frames.v2/", (np.repeat(f[..., None], 3, -1) for f in source.iter_frames()), color
    )
    images = sorted((tmp_path / "frames.v2").iterdir())
    assert [p.name for p in images] == [f"frame_{i:04d}.png" for i in range(6)]
    assert open_clip(images[0]).color is False


def test_the_cine_goes_out_as_video_with_its_timing(tmp_path, cine):
    source = open_clip(cine)
    write_clip(tmp_path / "cine.mp4", source.iter_frames(), source)
    with av.open(str(tmp_path / "cine.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.frames, stream.width, stream.height, stream.average_rate) == (30, 320, 240, 30)
        assert stream.codec_context.name == "h264"
    original, back = source.read().frames.astype(int), open_clip(tmp_path / "cine.mp4").read().frames
    assert np.abs(back - original).mean() < 2
