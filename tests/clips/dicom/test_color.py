"""The codestream and the picture outrank the colour label, both ways round, and true labels keep working."""

from __future__ import annotations

import io
from pathlib import Path

import gdcm
import numpy as np
import pytest
from dicom_samples import echo, jpeg, jpeg_as_stored, moving, save, transcode, ultrasound, wrap
from PIL import Image
from pydicom import uid
from pydicom.pixels.processing import convert_color_space

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.dicom.color import OVERRULED, grey_share, space_by_content
from echogan.clips.dicom.reader import open_dicom
from echogan.core.errors import ClipTooLarge

RGB = echo()
YBR = convert_color_space(RGB, "RGB", "YBR_FULL")
LABELS = ["RGB", "YBR_FULL", "YBR_FULL_422"]


def shared_chroma(ybr: np.ndarray) -> bytes:
    """YBR_FULL_422: two pixels' luma, then the first one's chroma."""
    pairs = [ybr[:, :, ::2, :1], ybr[:, :, 1::2, :1], ybr[:, :, ::2, 1:]]
    return np.concatenate(pairs, axis=-1).tobytes()


def opened(
    folder: Path, label: str, data: bytes, syntax: str = uid.ExplicitVRLittleEndian, **tags
) -> ClipFile:
    return open_dicom(save(ultrasound(RGB, label, PixelData=data, **tags), folder / "a", syntax))


def shows(clip: ClipFile, truth: np.ndarray = RGB, by: float = 3) -> bool:
    return bool(np.abs(clip.read().frames.astype(int) - truth).mean() < by)


# --- uncompressed and run-length ----------------------------------------------------------------------------


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(("stored", "space"), [(RGB, "RGB"), (YBR, "YBR_FULL")])
@pytest.mark.parametrize("frames", [1, 2])
def test_three_bytes_a_pixel(tmp_path: Path, label: str, stored: np.ndarray, space: str, frames: int):
    clip = opened(tmp_path, label, stored[:frames].tobytes(), NumberOfFrames=frames)
    assert clip.frames == frames
    assert shows(clip, RGB[:frames], 1)
    assert (OVERRULED in clip.warnings) == (label != space)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("counted", [2, None])
def test_two_bytes_a_pixel(tmp_path: Path, label: str, counted: int | None):
    clip = opened(tmp_path, label, shared_chroma(YBR), NumberOfFrames=counted)
    assert clip.frames == 2
    assert shows(clip)
    assert (OVERRULED in clip.warnings) == (label != "YBR_FULL_422")


@pytest.mark.parametrize("label", LABELS)
def test_length_alone_tells_where_the_picture_does_not(tmp_path: Path, label: str):
    colours = moving(channels=3)
    ds = ultrasound(colours, label, PixelData=shared_chroma(colours))
    assert open_dicom(save(ds, tmp_path / "a")).frames == 4
    full = open_dicom(save(ultrasound(colours, label), tmp_path / "b"))
    truth = colours if label == "RGB" else convert_color_space(colours, "YBR_FULL", "RGB")
    assert np.array_equal(full.read().frames, truth)


@pytest.mark.parametrize("stored", [RGB, YBR])
def test_a_count_that_fits_the_wrong_sharing(tmp_path: Path, stored: np.ndarray):
    # Two frames of three bytes a pixel are as long as the three of two bytes that the header counts.
    clip = opened(tmp_path, "RGB", stored.tobytes(), NumberOfFrames=3)
    assert clip.frames == 2
    assert shows(clip, by=1)


def test_planes_apart(tmp_path: Path):
    clip = opened(tmp_path, "RGB", np.moveaxis(YBR, -1, 1).tobytes(), PlanarConfiguration=1)
    assert shows(clip, by=1)
    assert OVERRULED in clip.warnings


@pytest.mark.parametrize("label", LABELS[:2])
@pytest.mark.parametrize("stored", [RGB, YBR])
def test_run_length(tmp_path: Path, label: str, stored: np.ndarray):
    ds = ultrasound(stored)
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.compress(uid.RLELossless)
    ds.PhotometricInterpretation = label
    assert shows(open_dicom(save(ds, tmp_path / "a", uid.RLELossless)), by=1)


# --- JPEG ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [*LABELS, "", "MONOCHROME2", "YBR_PARTIAL_420"])
@pytest.mark.parametrize("ids", [b"\1\2\3", b"\0\1\2", b"RGB"])
@pytest.mark.parametrize("adobe", [None, 0, 1])
@pytest.mark.parametrize("stored", [RGB, YBR], ids=["RGB", "YBR"])
def test_jpeg_whatever_its_marks_and_label(
    tmp_path: Path, label: str, ids: bytes, adobe: int | None, stored: np.ndarray
):
    data = wrap([jpeg_as_stored(frame, ids, adobe) for frame in stored])
    tags = {"PhotometricInterpretation": label or None}
    clip = opened(tmp_path, label, data, uid.JPEGBaseline8Bit, **tags)
    assert shows(clip)
    space = "RGB" if stored is RGB else "YBR_FULL"
    if label in LABELS:
        assert (OVERRULED in clip.warnings) == (("YBR" in label) != ("YBR" in space))
    else:
        assert clip.warnings


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("subsampling", [0, 2])
def test_jfif(tmp_path: Path, label: str, subsampling: int):
    def coded(frame: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=95, subsampling=subsampling)
        return buffer.getvalue()

    clip = opened(tmp_path, label, wrap([coded(f) for f in RGB]), uid.JPEGBaseline8Bit)
    assert shows(clip, by=5 if subsampling else 3)
    assert (OVERRULED in clip.warnings) == (label == "RGB")


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(("adobe", "ids"), [(0, b"\1\2\3"), (None, b"RGB")])
def test_the_codestream_decides_where_the_picture_does_not(
    tmp_path: Path, label: str, adobe: int | None, ids: bytes
):
    colours = moving(channels=3)
    data = wrap([jpeg_as_stored(f, ids, adobe) for f in colours])
    clip = open_dicom(save(ultrasound(colours, label, PixelData=data), tmp_path / "a", uid.JPEGBaseline8Bit))
    assert shows(clip, colours)


def test_the_label_decides_where_nothing_else_does(tmp_path: Path):
    colours = moving(channels=3)
    data = wrap([jpeg_as_stored(f) for f in colours])
    for label, truth in (("RGB", colours), ("YBR_FULL", convert_color_space(colours, "YBR_FULL", "RGB"))):
        ds = ultrasound(colours, label, PixelData=data)
        clip = open_dicom(save(ds, tmp_path / "a", uid.JPEGBaseline8Bit))
        assert shows(clip, truth)
        assert clip.warnings == ()


def test_a_jpeg_that_nobody_describes_is_ybr(tmp_path: Path):
    colours = moving(channels=3)
    data = wrap([jpeg_as_stored(f) for f in colours])
    ds = ultrasound(colours, PixelData=data, PhotometricInterpretation=None)
    clip = open_dicom(save(ds, tmp_path / "a", uid.JPEGBaseline8Bit))
    assert shows(clip, convert_color_space(colours, "YBR_FULL", "RGB"))


def test_noise_in_the_chroma(tmp_path: Path):
    noisy = YBR.astype(int)
    noisy[..., 1:] += np.random.default_rng(0).integers(-20, 21, noisy[..., 1:].shape)
    stored = noisy.clip(0, 255).astype(np.uint8)
    clip = opened(tmp_path, "RGB", stored.tobytes())
    assert OVERRULED in clip.warnings
    assert np.array_equal(clip.read().frames, convert_color_space(stored, "YBR_FULL", "RGB"))


@pytest.mark.parametrize("photometric", ["MONOCHROME2", None])
def test_three_components_under_a_grey_header(tmp_path: Path, photometric: str | None):
    ds = ultrasound(
        RGB[..., 0], PixelData=wrap([jpeg(f) for f in RGB]), PhotometricInterpretation=photometric
    )
    clip = open_dicom(save(ds, tmp_path / "a", uid.JPEGBaseline8Bit))
    assert clip.color
    assert shows(clip, by=5)
    assert clip.warnings


def test_colours_under_a_grey_header_count_three_times(tmp_path: Path):
    path = save(
        ultrasound(RGB[..., 0], PixelData=wrap([jpeg(f) for f in RGB])), tmp_path / "a", uid.JPEGBaseline8Bit
    )
    assert open_dicom(path, ClipLimits(max_decoded_bytes=RGB.size)).color
    with pytest.raises(ClipTooLarge):
        open_dicom(path, ClipLimits(max_decoded_bytes=RGB.size - 1))


def test_one_component_under_a_colour_header(tmp_path: Path):
    grey = RGB[..., 0]
    data = wrap([jpeg(f) for f in grey])
    clip = opened(tmp_path, "YBR_FULL_422", data, uid.JPEGBaseline8Bit)
    assert not clip.color
    assert shows(clip, grey)
    assert OVERRULED in clip.warnings


# --- other codings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [*LABELS, "YBR_RCT", "YBR_ICT"])
@pytest.mark.parametrize("transform", [True, False])
@pytest.mark.parametrize("stored", [RGB, YBR], ids=["RGB", "YBR"])
def test_jpeg_2000(tmp_path: Path, label: str, transform: bool, stored: np.ndarray):
    def coded(frame: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG2000", no_jp2=True, irreversible=False, mct=int(transform))
        return buffer.getvalue()

    clip = opened(tmp_path, label, wrap([coded(f) for f in stored]), uid.JPEG2000Lossless)
    assert shows(clip, by=1)


@pytest.mark.parametrize("label", LABELS[:2])
@pytest.mark.parametrize("stored", [RGB, YBR], ids=["RGB", "YBR"])
@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_lossless_by_gdcm(tmp_path: Path, label: str, stored: np.ndarray, syntax: str):
    plain = save(ultrasound(stored), tmp_path / "plain")
    packed = transcode(plain, tmp_path / "packed", getattr(gdcm.TransferSyntax, syntax))
    raw = packed.read_bytes().replace(b"CS\x04\0RGB ", b"CS\x08\0" + label.ljust(8).encode(), 1)
    assert raw.count(label.encode()) == 1
    packed.write_bytes(raw)
    clip = open_dicom(packed)
    assert shows(clip, by=1)
    assert (OVERRULED in clip.warnings) == ((label == "RGB") != (stored is RGB))


def test_no_label_on_grey(tmp_path: Path):
    clip = open_dicom(save(ultrasound(moving(), PhotometricInterpretation=None), tmp_path / "a"))
    assert np.array_equal(clip.read().frames, moving())
    assert clip.warnings


# --- the measure itself -------------------------------------------------------------------------------------


def test_grey_share():
    assert grey_share(np.full((4, 4, 3), 200, np.uint8), "RGB") == 1
    assert grey_share(np.full((4, 4, 3), 200, np.uint8), "YBR_FULL") == 0
    assert grey_share(YBR, "YBR_FULL") > 0.9 > 0.2 > grey_share(YBR, "RGB")


def test_a_tinted_picture_keeps_its_label():
    tinted = np.rint(RGB[..., :1] * np.array([1, 0.8, 0.55])).astype(np.uint8)
    assert space_by_content(tinted, "RGB") == "RGB"
    assert space_by_content(convert_color_space(tinted, "RGB", "YBR_FULL"), "YBR_FULL") == "YBR_FULL"


def test_a_black_picture_is_black_in_either_space():
    assert space_by_content(np.zeros((1, 8, 8, 3), np.uint8), "YBR_FULL") == "RGB"
    assert space_by_content(np.full((1, 8, 8, 3), [0, 128, 128], np.uint8), "RGB") == "YBR_FULL"
