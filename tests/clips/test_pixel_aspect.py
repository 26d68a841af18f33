"""The shape of pixels: read from every format that states it, and written into every output."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from dicom_samples import moving, region, ultrasound
from dicom_samples import save as save_dicom
from drawn_echo import FAN, clip_of, drawn_echo
from PIL import Image
from pydicom import dcmread
from videos import encode, ramps

from echogan.clips.clip import ClipLimits, pixel_shape
from echogan.clips.files import open_clip, write_clip
from echogan.core.geometry import Sector
from echogan.curation.npz_clip import open_npz


@pytest.mark.parametrize(
    ("sides", "shape"),
    [((4, 3), 4 / 3), ((1, 2), 0.5), ((0.308, 0.307), 1), ((1, 0), 1), ((0, 1), 1), ((50, 1), 1)],
)
def test_shapes_that_make_no_sense_or_hardly_differ_are_square(sides, shape):
    assert pixel_shape(*sides) == pytest.approx(shape)
    assert pixel_shape(float("nan"), 1.0) == 1


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.mkv", "libx264", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
    ],
)
@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(8, 9), Fraction(1)])
def test_videos(tmp_path, name, codec, pixels, aspect):
    clip = open_clip(encode(tmp_path / name, ramps(4), codec, pixels, aspect=aspect))
    assert clip.pixel_aspect == pytest.approx(float(aspect), rel=1e-3)
    assert any("not square" in warning for warning in clip.warnings) == (aspect != 1)


def test_a_turned_video_turns_its_pixels(tmp_path):
    path = encode(tmp_path / "r.mp4", ramps(4), "libx264", "yuv420p", aspect=Fraction(4, 3))
    one, zero, unit = (1 << 16).to_bytes(4, "big"), bytes(4), (1 << 30).to_bytes(4, "big")
    minus = (0x1_0000_0000 - (1 << 16)).to_bytes(4, "big")
    upright = one + zero * 3 + one + zero * 3 + unit
    data = path.read_bytes()
    at = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:at] + zero + one + zero + minus + zero * 4 + unit + data[at + 36 :])
    clip = open_clip(path)
    assert (clip.height, clip.width) == (64, 48)
    assert clip.pixel_aspect == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("tags", "aspect"),
    [
        ({"PixelAspectRatio": ["3", "4"]}, 4 / 3),
        ({"PixelAspectRatio": ["4", "3"]}, 3 / 4),
        ({"PixelAspectRatio": ["1", "1"]}, 1),
        ({"PixelAspectRatio": ["0", "4"]}, 1),
        ({"PixelSpacing": ["0.3", "0.6"]}, 2),
        ({"PixelSpacing": ["0.3", "0.3"], "PixelAspectRatio": ["3", "4"]}, 1),  # sizes are measured
        ({"SequenceOfUltrasoundRegions": [region((2, 2, 20, 28))]}, 0.5),
    ],
)
def test_dicom(tmp_path, tags, aspect):
    clip = open_clip(save_dicom(ultrasound(moving(), **tags), tmp_path / "a.dcm"))
    assert clip.pixel_aspect == pytest.approx(aspect)


@pytest.mark.parametrize(("suffix", "options"), [("png", {"dpi": (100, 200)}), ("jpg", {"dpi": (100, 200)})])
def test_stills(tmp_path, suffix, options):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(ramps(1)[0]).save(path, **options)
    assert open_clip(path).pixel_aspect == pytest.approx(
        2, rel=0.01
    )  # half as many pixels across: twice as wide


def stored_shape(path: Path) -> float:
    """Width of a pixel over its height by other readers than ours."""
    if path.suffix == ".dcm":
        height, width = dcmread(path).PixelAspectRatio
        return float(width) / float(height)
    if path.suffix == ".npz":
        return float(np.load(path)["pixel_aspect"])
    if path.is_dir():
        with Image.open(path / "frame_0000.png") as image:
            across, down = image.info["aspect"]
            return down / across
    with av.open(str(path)) as container:
        return float(container.streams.video[0].sample_aspect_ratio)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.npz", "a.dcm", "frames"])
@pytest.mark.parametrize("aspect", [4 / 3, 0.5, 2.0])
def test_every_output_carries_it(tmp_path, name, aspect):
    source = clip_of(drawn_echo(frames=3, height=91, width=120), pixel_aspect=aspect)
    mask = np.ones((91, 120), bool)
    sector = Sector("rectangle", mask, ~mask, 1.0)
    write_clip(tmp_path / name, source.iter_frames(), source, sector)
    assert stored_shape(tmp_path / name) == pytest.approx(aspect, rel=0.02)
    if name == "a.npz":
        again = open_npz(tmp_path / name, ClipLimits())
    else:
        path = tmp_path / name / "frame_0000.png" if name == "frames" else tmp_path / name
        again = open_clip(path)
        assert again.frames == len(again.read().frames) == (1 if name == "frames" else 3)
    assert again.pixel_aspect == pytest.approx(aspect, rel=0.02)


def test_square_pixels_are_not_spoken_of(tmp_path):
    source = clip_of(drawn_echo(frames=3))
    for name in ("a.mp4", "a.webm", "a.gif", "a.npz"):
        write_clip(tmp_path / name, source.iter_frames(), source)
    assert np.load(tmp_path / "a.npz")["pixel_aspect"] == 1
    for name in ("a.mp4", "a.webm", "a.gif"):
        clip = open_clip(tmp_path / name)
        assert (clip.pixel_aspect, clip.warnings) == (1, ())


def test_a_dicom_of_a_clip_with_a_pixel_size_has_both(tmp_path):
    source = replace(clip_of(drawn_echo(frames=2)), pixel_aspect=2.0, spacing_mm=(0.3, 0.6))
    mask = FAN.mask(180, 240)
    sector = Sector("fan", mask, np.zeros_like(mask), 1.0, FAN)
    write_clip(tmp_path / "a.dcm", source.iter_frames(), source, sector)
    made = dcmread(tmp_path / "a.dcm")
    assert list(made.PixelAspectRatio) == [1, 2]
    assert [float(side) for side in made.PixelSpacing] == [0.3, 0.6]
