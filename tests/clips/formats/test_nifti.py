"""NIfTI: upright and bit for bit, its spacing and rate, against nibabel; hostile headers and volumes are refused."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from drawn_echo import FAN, drawn_echo, overlap

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.files import open_clip, write_clip
from echogan.clips.formats.nifti import open_nifti
from echogan.clips.sector.find_sector import find_sector
from echogan.core.errors import ClipTooLarge, UnreadableClip, UnsupportedClip


def stored(
    path: Path,
    array: np.ndarray,
    zooms: tuple[float, ...] | None = None,
    units: tuple[str, str] | None = None,
    kind: type = nibabel.Nifti1Image,
) -> Path:
    """Save an array whose axes are (x, y, ...) as CAMUS does."""
    image = kind(array, np.diag([-1.0, -1.0, 1.0, 1.0]))
    if zooms is not None:
        image.header.set_zooms(zooms)
    if units is not None:
        image.header.set_xyzt_units(*units)
    nibabel.save(image, path)
    return path


def transposed(frames: np.ndarray) -> np.ndarray:
    """Frames (T, H, W) as an array (x, y, t)."""
    return np.ascontiguousarray(frames.T)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "renamed.dat"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_sequence_is_upright_and_bit_for_bit(tmp_path, name, kind):
    frames = drawn_echo()
    path = stored(tmp_path / ("a.nii.gz" if name == "renamed.dat" else name), transposed(frames), kind=kind)
    path = path.rename(tmp_path / name)
    clip = open_clip(path)
    assert (clip.kind, clip.frames, clip.height, clip.width, clip.color) == ("nifti", 8, 180, 240, False)
    assert np.array_equal(clip.read().frames, frames)
    assert clip.fps == 30
    assert any("no frame rate" in warning for warning in clip.warnings)
    sector = find_sector(clip)
    assert overlap(sector.mask, FAN.mask(180, 240)) > 0.95  # so the apex is on top


def test_a_still_with_its_spacing_as_camus_stores_it(tmp_path):
    frame = drawn_echo(frames=1)[0]
    path = stored(tmp_path / "a.nii.gz", frame.T[..., None], (0.308, 0.154, 1.54), ("mm", "sec"))
    clip = open_clip(path)
    assert (clip.frames, clip.fps) == (1, None)
    assert clip.spacing_mm == pytest.approx((0.154, 0.308))
    assert clip.pixel_aspect == pytest.approx(2)
    assert np.array_equal(clip.read().frames[0], frame)


@pytest.mark.parametrize(
    ("step", "unit", "fps"),
    [(0.02, "sec", 50), (20.0, "msec", 50), (20_000.0, "usec", 50), (0.04, "unknown", 25), (1.0, "sec", 30)],
)
def test_the_time_step_is_the_fourth_spacing(tmp_path, step, unit, fps):
    array = transposed(drawn_echo())[:, :, None, :]
    clip = open_clip(stored(tmp_path / "a.nii", array, (0.3, 0.3, 1.0, step), ("mm", unit)))
    assert clip.frames == 8
    assert clip.fps == pytest.approx(fps)
    assert clip.spacing_mm == pytest.approx((0.3, 0.3))
    assert bool(clip.warnings) == (step == 1)


@pytest.mark.parametrize(("space", "mm"), [("meter", 300.0), ("micron", 3e-4), ("unknown", 0.3)])
def test_units_of_space(tmp_path, space, mm):
    clip = open_clip(stored(tmp_path / "a.nii", drawn_echo(frames=1)[0].T, (0.3, 0.3), (space, "unknown")))
    assert clip.spacing_mm == pytest.approx((mm, mm))


def test_a_spacing_of_one_is_none(tmp_path):
    assert open_clip(stored(tmp_path / "a.nii", transposed(drawn_echo()))).spacing_mm is None


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_grey_levels_stay_whatever_the_type(tmp_path, dtype):
    frames = drawn_echo(frames=3)
    clip = open_clip(stored(tmp_path / "a.nii", transposed(frames).astype(dtype)))
    assert np.array_equal(clip.read().frames, frames)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-60.0, 0.0), (0.0, 4095.0), (-1024.0, 1024.0), (0.0, 1e-3)]
)
def test_other_values_fill_the_grey_levels(tmp_path, low, high):
    frames = drawn_echo(frames=3)
    frames[0, 0, 0] = 255
    values = low + (high - low) * transposed(frames).astype(np.float32) / 255
    shown = open_clip(stored(tmp_path / "a.nii", values)).read().frames
    if high == 1e-3:  # in 0 to 1: dark, but not guessed
        assert shown.max() == 0
        return
    assert np.abs(shown.astype(int) - frames).max() <= 1


def test_slope_and_intercept_are_applied(tmp_path):
    frames = drawn_echo(frames=2)
    image = nibabel.Nifti1Image(transposed(frames).astype(np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    data = image.to_bytes()
    data = data[:112] + struct.pack("<ff", 0.5, 10.0) + data[120:]
    (tmp_path / "a.nii").write_bytes(data)
    shown = open_clip(tmp_path / "a.nii").read().frames
    assert np.abs(shown - (frames * 0.5 + 10)).max() <= 0.5


def test_big_endian(tmp_path):
    frames = drawn_echo(frames=3)
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.uint16)
    image = nibabel.Nifti1Image(transposed(frames).astype(">u2"), np.eye(4), header)
    nibabel.save(image, tmp_path / "a.nii")
    assert (tmp_path / "a.nii").read_bytes()[:4] == b"\0\0\1\x5c"
    assert np.array_equal(open_clip(tmp_path / "a.nii").read().frames, frames)


def cone(size: int = 48) -> np.ndarray:
    """A three-dimensional volume: a cone of echoes, uint8 (x, y, z)."""
    x, y, z = np.mgrid[0:size, 0:size, 0:size].astype(float)
    across = np.hypot(x - size / 2, z - size / 2)
    inside = (across < 0.6 * y) & (np.hypot(across, y) < 0.95 * size)
    return (inside * np.random.default_rng(0).integers(40, 250, inside.shape)).astype(np.uint8)


@pytest.mark.parametrize("zooms", [None, (0.7, 0.7, 0.7), (0.7, 0.7, 1.1)])
def test_a_volume_is_refused(tmp_path, zooms):
    with pytest.raises(UnsupportedClip, match=r"'v\.nii' is a three-dimensional volume"):
        open_clip(stored(tmp_path / "v.nii", cone(), zooms))


def test_a_full_volume_with_equal_distances_and_one_over_time_are_refused(tmp_path):
    full = np.random.default_rng(0).integers(30, 255, (32, 32, 20), dtype=np.uint8)
    with pytest.raises(UnsupportedClip, match="volume"):
        open_clip(stored(tmp_path / "a.nii", full, (0.5, 0.5, 0.5)))
    with pytest.raises(UnsupportedClip, match="volume"):
        open_clip(stored(tmp_path / "b.nii", np.stack([full] * 3, -1)))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_segmentation_is_refused(tmp_path, dtype):
    labels = np.zeros((240, 180), dtype)
    labels[60:120, 40:90], labels[70:100, 50:80] = 1, 3
    with pytest.raises(UnsupportedClip, match="labels"):
        open_clip(stored(tmp_path / "a_gt.nii.gz", labels))


def test_colours_complex_numbers_and_pairs_are_refused(tmp_path):
    rgb = np.zeros((40, 30), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(UnsupportedClip, match="grey"):
        open_clip(stored(tmp_path / "a.nii", rgb))
    with pytest.raises(UnsupportedClip, match="grey"):
        open_clip(stored(tmp_path / "b.nii", np.ones((40, 30), np.complex64)))
    nibabel.save(nibabel.Nifti1Pair(np.ones((40, 30), np.uint8), np.eye(4)), tmp_path / "c.hdr")
    with pytest.raises(UnsupportedClip, match="pair"):
        open_clip(tmp_path / "c.hdr")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_a_cut_file_is_refused(tmp_path, name, share):
    whole = stored(tmp_path / name, transposed(drawn_echo())).read_bytes()
    (tmp_path / f"cut_{name}").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableClip, match=f"cut_{name}"):
        open_clip(tmp_path / f"cut_{name}")


@pytest.mark.parametrize(
    "limits",
    [
        ClipLimits(max_pixels_per_frame=43_199),
        ClipLimits(max_frames=7),
        ClipLimits(max_decoded_bytes=345_599),
    ],
)
def test_limits(tmp_path, limits):
    path = stored(tmp_path / "a.nii", transposed(drawn_echo()))
    with pytest.raises(ClipTooLarge, match=r"a\.nii"):
        open_nifti(path, limits)
    assert open_nifti(path, ClipLimits(43_200, 8, 345_600)).frames == 8


@pytest.mark.parametrize(
    "changes",
    [
        {40: struct.pack("<8h", 3, 32767, 32767, 32767, 1, 1, 1, 1)},
        {40: struct.pack("<8h", 3, -5, 100, 2, 1, 1, 1, 1)},
        {40: struct.pack("<8h", 99, 100, 100, 2, 1, 1, 1, 1)},
        {70: struct.pack("<h", 9999)},
        {108: struct.pack("<f", 3e9)},
        {108: struct.pack("<f", float("nan"))},
        {123: b"\xff"},
    ],
)
def test_hostile_headers_end_in_a_sentence(tmp_path, changes):
    data = bytearray(stored(tmp_path / "a.nii", transposed(drawn_echo())).read_bytes())
    for at, new in changes.items():
        data[at : at + len(new)] = new
    (tmp_path / "b.nii").write_bytes(data)
    with pytest.raises((UnreadableClip, UnsupportedClip, ClipTooLarge), match=r"b\.nii"):
        open_clip(tmp_path / "b.nii").read()


BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from echogan.clips.files import open_clip
from echogan.core.errors import EchoGANError
try:
    open_clip(sys.argv[1])
except EchoGANError as error:
    print("refused")
"""


def test_a_gzip_bomb_costs_no_memory(tmp_path):
    whole = stored(tmp_path / "a.nii", transposed(drawn_echo(frames=1))[:, :, 0]).read_bytes()
    extended = bytearray(whole[:348]) + b"\1\0\0\0" + struct.pack("<ii", 2**31 - 16, 4)
    extended[108:112] = struct.pack("<f", 2.0**31)
    with gzip.open(tmp_path / "bomb.nii.gz", "wb", compresslevel=1) as file:
        file.write(extended)
        for _ in range(64):
            file.write(bytes(1 << 22))

    done = subprocess.run(
        [sys.executable, "-c", BOMB, tmp_path / "bomb.nii.gz"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "refused", done.stderr


def test_other_gzip_files_are_refused_with_advice(tmp_path):
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(b"text " * 500)
    with pytest.raises(UnreadableClip, match="unpack it"):
        open_clip(tmp_path / "a.gz")


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.dcm"])
def test_it_goes_out_in_other_formats(tmp_path, name):
    clip: ClipFile = open_clip(stored(tmp_path / "a.nii", transposed(drawn_echo()), (0.3, 0.2, 1.0)))
    write_clip(tmp_path / name, clip.iter_frames(), clip, find_sector(clip))
    again = open_clip(tmp_path / name)
    assert (again.frames, again.height, again.width) == (8, 180, 240)
    assert again.pixel_aspect == pytest.approx(1.5, rel=0.01)
