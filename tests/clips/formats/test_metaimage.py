"""MetaImage: headers written by hand, pixels in the file or beside it, and nothing opened that lies elsewhere."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from drawn_echo import FAN, drawn_echo, overlap

from echogan.clips.clip import ClipLimits
from echogan.clips.files import open_clip
from echogan.clips.formats.metaimage import open_metaimage
from echogan.clips.sector.find_sector import find_sector
from echogan.core.errors import ClipTooLarge, UnreadableClip, UnsupportedClip

TYPES = {"uint8": "MET_UCHAR", "int16": "MET_SHORT", "uint16": "MET_USHORT", "float32": "MET_FLOAT"}


def written(
    path: Path, frames: np.ndarray, data: str = "LOCAL", packed: bool = False, **tags: object
) -> Path:
    """Frames (T, H, W) as MetaIO writes them, with `tags` instead of its own."""
    pixels = frames.tobytes()
    known = {
        "ObjectType": "Image",
        "NDims": frames.ndim,
        "BinaryData": True,
        "BinaryDataByteOrderMSB": False,
        "CompressedData": packed,
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "ElementSpacing": "0.3 0.3 1.54",
        "DimSize": " ".join(str(side) for side in reversed(frames.shape)),
        "ElementType": TYPES.get(frames.dtype.name, "?"),
        **tags,
        "ElementDataFile": data,
    }
    text = "".join(f"{name} = {value}\n" for name, value in known.items()).encode()
    body = zlib.compress(pixels) if packed else pixels
    path.write_bytes(text + (body if data == "LOCAL" else b""))
    if data not in ("LOCAL", "LIST", "..") and Path(data).name == data and "%" not in data:
        (path.parent / data).write_bytes(body)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("name", "data"), [("a.mha", "LOCAL"), ("a.mhd", "a.raw"), ("a.mhd", "other.zraw")])
def test_a_sequence_is_upright_and_bit_for_bit(tmp_path, packed, name, data):
    frames = drawn_echo()
    clip = open_clip(written(tmp_path / name, frames, data, packed))
    assert (clip.kind, clip.frames, clip.height, clip.width, clip.fps) == ("metaimage", 8, 180, 240, 30)
    assert np.array_equal(clip.read().frames, frames)
    assert clip.spacing_mm == pytest.approx((0.3, 0.3))
    assert overlap(find_sector(clip).mask, FAN.mask(180, 240)) > 0.95


def test_a_still_as_camus_stores_it(tmp_path):
    frame = drawn_echo(frames=1)
    clip = open_clip(written(tmp_path / "a.mhd", frame, "a.raw", ElementSpacing="0.308 0.154 1.54"))
    assert (clip.frames, clip.fps, clip.spacing_mm) == (1, None, (0.154, 0.308))
    assert clip.pixel_aspect == pytest.approx(2)
    assert not any("rate" in warning for warning in clip.warnings)


def test_a_fourth_axis_is_time(tmp_path):
    frames = drawn_echo()[:, None]
    clip = open_clip(written(tmp_path / "a.mha", frames, ElementSpacing="0.3 0.3 1 0.02"))
    assert (clip.frames, clip.fps) == (8, 50)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32])
def test_grey_levels_stay_whatever_the_type(tmp_path, dtype):
    frames = drawn_echo(frames=3)
    assert np.array_equal(open_clip(written(tmp_path / "a.mha", frames.astype(dtype))).read().frames, frames)


def test_big_endian_and_a_header_of_the_pixel_file(tmp_path):
    frames = drawn_echo(frames=2)
    swapped = frames.astype(">u2")
    path = written(
        tmp_path / "a.mhd",
        swapped,
        "a.raw",
        ElementType="MET_USHORT",
        BinaryDataByteOrderMSB=True,
        HeaderSize=-1,
    )
    (tmp_path / "a.raw").write_bytes(b"vendor header" + swapped.tobytes())
    assert np.array_equal(open_clip(path).read().frames, frames)


def test_a_header_alone_says_what_is_missing(tmp_path):
    path = written(tmp_path / "a.mhd", drawn_echo(), "a.raw")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(UnreadableClip, match=r"must lie beside it.*\.mha"):
        open_clip(path)


def test_both_files_under_one_new_name(tmp_path):
    frames = drawn_echo()
    path = written(tmp_path / "Quixote.mhd", frames, "Quixote.raw")
    (tmp_path / "Quixote.raw").rename(tmp_path / "clip_00002.raw")
    assert np.array_equal(open_clip(path.rename(tmp_path / "clip_00002.mhd")).read().frames, frames)


@pytest.mark.parametrize(
    "name", ["../secret.raw", "/etc/passwd", "sub/a.raw", "..\\secret.raw", "C:\\a.raw", ".."]
)
def test_pixels_elsewhere_are_never_opened(tmp_path, name):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path / "secret.raw", folder / "sub" / "a.raw"):
        place.write_bytes(drawn_echo().tobytes())
    with pytest.raises(UnreadableClip, match="another folder") as caught:
        open_clip(written(folder / "a.mhd", drawn_echo(), name))
    assert "secret" not in str(caught.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    path = written(folder / "a.mhd", drawn_echo(), "a.raw")
    (folder / "a.raw").rename(tmp_path / "secret.raw")
    (folder / "a.raw").symlink_to(tmp_path / "secret.raw")
    with pytest.raises(UnreadableClip, match="beside it"):
        open_clip(path)


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"data": "LIST"}, "many files"),
        ({"data": "a%03d.raw"}, "many files"),
        ({"ElementNumberOfChannels": 3}, "colour"),
        ({"ElementType": "MET_LONG_LONG"}, "rare way"),
        ({"BinaryData": False}, "rare way"),
        ({"DimSize": "240"}, "no picture"),
        ({"DimSize": "240 180 2 4"}, "volume"),
    ],
)
def test_what_is_not_read_is_said(tmp_path, tags, sentence):
    with pytest.raises(UnsupportedClip, match=sentence):
        open_clip(written(tmp_path / "a.mha", drawn_echo(), **tags))


@pytest.mark.parametrize(
    "tags", [{"DimSize": "x y"}, {"DimSize": "1e400 5 5"}, {"ElementSpacing": "a b"}, {"DimSize": "-3 5 5"}]
)
def test_damaged_headers_end_in_a_sentence(tmp_path, tags):
    with pytest.raises((UnreadableClip, UnsupportedClip), match=r"a\.mha"):
        open_clip(written(tmp_path / "a.mha", drawn_echo(), **tags))


def test_a_header_without_an_end(tmp_path):
    (tmp_path / "a.mha").write_bytes(b"ObjectType = Image\nNDims = 3\n" + b"Comment = x\n" * 9000)
    with pytest.raises(UnreadableClip, match="does not end"):
        open_clip(tmp_path / "a.mha")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_a_cut_file_is_refused(tmp_path, packed, share):
    whole = written(tmp_path / "a.mha", drawn_echo(), packed=packed).read_bytes()
    (tmp_path / "cut.mha").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableClip, match=r"cut\.mha"):
        open_clip(tmp_path / "cut.mha")


@pytest.mark.parametrize(
    "limits", [ClipLimits(max_pixels_per_frame=9), ClipLimits(max_frames=7), ClipLimits(max_decoded_bytes=9)]
)
def test_limits_hold_before_any_pixel_is_read(tmp_path, limits):
    path = written(tmp_path / "a.mha", drawn_echo())
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ClipTooLarge, match=r"a\.mha"):
        open_metaimage(path, limits)


def test_labels_are_refused(tmp_path):
    labels = np.zeros((1, 180, 240), np.uint8)
    labels[0, 40:90, 60:120] = 2
    with pytest.raises(UnsupportedClip, match="labels"):
        open_clip(written(tmp_path / "a_gt.mhd", labels, "a_gt.raw"))
