"""Grey values as shown: VOI and modality LUTs, no window, too few bits; and numbers with a decimal comma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_samples import moving, save, ultrasound
from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.display import CLIPPED, LUT_IGNORED, RANGE_FOUND
from echogan.clips.dicom.reader import open_dicom

GREY = moving()
DEEP = GREY.astype(np.uint16)


def opened(folder: Path, pixels: np.ndarray, photometric: str = "", **tags: Any) -> ClipFile:
    return open_dicom(save(ultrasound(pixels, photometric, **tags), folder / "a"))


def shown(clip: ClipFile) -> np.ndarray:
    return clip.read().frames


# --- no window ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", [{}, {"SmallestImagePixelValue": 0, "LargestImagePixelValue": 255}])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_eight_bits_in_sixteen_are_shown_as_they_are(tmp_path: Path, tags: dict, photometric: str):
    clip = opened(tmp_path, DEEP, photometric, **tags)
    assert np.array_equal(shown(clip), GREY if photometric == "MONOCHROME2" else 255 - GREY)
    assert clip.warnings == (RANGE_FOUND,)


@pytest.mark.parametrize("top", [1023, 4095, 20000])
@pytest.mark.parametrize("wrong", [{}, {"LargestImagePixelValue": 65535}, {"LargestImagePixelValue": 99}])
def test_the_bits_that_are_used(tmp_path: Path, top: int, wrong: dict):
    pixels = moving(top=top)
    used = 2 ** int(pixels.max()).bit_length() - 1
    clip = opened(tmp_path, pixels, **wrong)
    assert np.array_equal(shown(clip), np.rint(pixels / used * 255))
    assert clip.warnings == (RANGE_FOUND,)


def test_largest_and_smallest_value(tmp_path: Path):
    pixels = moving(top=2000) + 500
    clip = opened(tmp_path, pixels, SmallestImagePixelValue=400, LargestImagePixelValue=3000)
    assert np.abs(shown(clip) - (pixels - 400.0) / 2600 * 255).max() <= 0.5


def test_values_far_from_zero(tmp_path: Path):
    pixels = moving(top=2000) + 30_000
    low, high = int(pixels.min()), 2**15 - 1
    truth = (pixels - float(low)) / (high - low) * 255
    assert np.abs(shown(opened(tmp_path, pixels)) - truth.clip(0, 255)).max() <= 0.5


def test_signed_without_a_window(tmp_path: Path):
    pixels = moving(top=2000).astype(np.int16) - 1000
    truth = (pixels - float(pixels.min())) / (float(pixels.max()) - float(pixels.min())) * 255
    frames = shown(opened(tmp_path, pixels, RescaleSlope="2", RescaleIntercept="7"))
    assert frames.max() == 255
    assert np.abs(frames - truth).mean() < 10


def test_a_first_frame_that_is_black_does_not_set_the_range(tmp_path: Path):
    pixels = moving(5, top=4095)
    pixels[0] = 0
    assert np.array_equal(shown(opened(tmp_path, pixels)), np.rint(pixels / 4095 * 255))


# --- more bits than stated ----------------------------------------------------------------------------------


def test_too_few_bits_are_clipped(tmp_path: Path):
    clip = opened(tmp_path, GREY, BitsStored=7, HighBit=6)
    assert np.array_equal(shown(clip), np.rint(np.minimum(GREY, 127) / 127 * 255))
    assert clip.warnings == (CLIPPED,)


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless])
def test_too_few_of_sixteen_bits_are_clipped(tmp_path: Path, syntax: str):
    pixels = moving(top=9000)
    ds = ultrasound(pixels)
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    if syntax == uid.RLELossless:
        ds.compress(syntax)
    ds.BitsStored, ds.HighBit = 12, 11
    clip = open_dicom(save(ds, tmp_path / "a", syntax))
    assert np.array_equal(shown(clip), np.rint(np.minimum(pixels, 4095) / 4095 * 255))
    assert CLIPPED in clip.warnings


def test_an_overlay_in_the_upper_bits_is_not_part_of_the_value(tmp_path: Path):
    pixels = moving(top=4095)
    overlaid = pixels | (np.indices(pixels.shape).sum(0) % 2 << 12).astype(np.uint16)
    ds = ultrasound(overlaid, BitsStored=12, HighBit=11)
    ds.add_new(0x60000100, "US", 16)
    ds.add_new(0x60000102, "US", 12)
    clip = open_dicom(save(ds, tmp_path / "a"))
    assert np.array_equal(shown(clip), np.rint(pixels / 4095 * 255))
    assert clip.warnings == ()


# --- LUTs ---------------------------------------------------------------------------------------------------


def lut(table: np.ndarray, first: int = 0, bits: int = 8, vr: str = "US") -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(table) % 65536, first, bits]
    item["LUTDescriptor"].VR = "US"
    item.add_new(0x00283006, vr, table.astype("<u2").tobytes() if vr == "OW" else table.tolist())
    return item


RAMP = np.rint(255 * (np.arange(256) / 255) ** 2).astype(np.uint16)


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
@pytest.mark.parametrize("window", [{}, {"WindowCenter": "10", "WindowWidth": "5"}])
def test_voi_lut(tmp_path: Path, vr: str, syntax: str, window: dict):
    other = lut(RAMP[::-1], vr=vr)
    ds = ultrasound(GREY, VOILUTSequence=[lut(RAMP, vr=vr), other], **window)
    clip = open_dicom(save(ds, tmp_path / "a", syntax))
    assert np.array_equal(shown(clip), RAMP[GREY])
    assert clip.warnings == ()


def test_a_deep_voi_lut_that_starts_late(tmp_path: Path):
    pixels = moving(top=4095)
    table = np.linspace(0, 4095, 1001).astype(np.uint16)
    ds = ultrasound(pixels, "MONOCHROME1", BitsStored=12, HighBit=11, VOILUTSequence=[lut(table, 2000, 12)])
    truth = table[np.clip(pixels.astype(int) - 2000, 0, 1000)] / 4095 * 255
    assert np.abs(255.0 - shown(open_dicom(save(ds, tmp_path / "a"))) - truth).max() <= 0.5


def test_modality_lut(tmp_path: Path):
    table = np.arange(255, -1, -1).astype(np.uint16) * 16
    tags: dict[str, Any] = {"WindowCenter": "2040.5", "WindowWidth": "4081"}
    clip = opened(tmp_path, GREY, ModalityLUTSequence=[lut(table, bits=16)], **tags)
    assert np.abs(shown(clip) - (255.0 - GREY)).max() <= 1


@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
def test_a_damaged_lut_is_told(tmp_path: Path, name: str):
    clip = opened(tmp_path, GREY, **{name: [lut(RAMP, bits=99)]})
    assert np.array_equal(shown(clip), GREY)
    assert clip.warnings == (LUT_IGNORED,)


def test_the_first_of_several_windows(tmp_path: Path):
    clip = opened(tmp_path, GREY, WindowCenter=["64.5", "200"], WindowWidth=["128", "10"])
    truth = ((GREY - 64.0) / 127 + 0.5) * 255
    assert np.abs(shown(clip) - truth.clip(0, 255)).max() <= 0.5


# --- decimal commas -----------------------------------------------------------------------------------------


def with_commas(path: Path, *values: tuple[str, str]) -> Path:
    """The file with some of its texts replaced by others of the same length."""
    raw = path.read_bytes()
    for old, new in values:
        assert raw.count(old.encode()) == 1
        assert len(old) == len(new)
        raw = raw.replace(old.encode(), new.encode())
    path.write_bytes(raw)
    return path


def test_frame_time_with_a_comma(tmp_path: Path):
    path = save(ultrasound(GREY, FrameTime="12.500"), tmp_path / "a")
    clip = open_dicom(with_commas(path, ("12.500", "12,500")))
    assert (clip.fps, clip.warnings) == (80, ())


def test_frame_times_with_commas(tmp_path: Path):
    tags: dict[str, Any] = {
        "FrameTimeVector": ["0", "10.50", "30.25", "20.75"],
        "FrameIncrementPointer": 0x00181065,
    }
    path = save(ultrasound(GREY, **tags), tmp_path / "a")
    clip = open_dicom(with_commas(path, ("10.50\\30.25\\20.75", "10,50\\30,25\\20,75")))
    assert clip.durations_ms == (10.5, 30.25, 20.75, 20.5)
    assert clip.warnings == ()


def test_spacing_window_and_rescale_with_commas(tmp_path: Path):
    tags: dict[str, Any] = {
        "PixelSpacing": ["0.431", "0.329"], "WindowCenter": "127.75", "WindowWidth": "250.25", "RescaleSlope": "1.125"
    }  # fmt: skip
    path = save(ultrasound(GREY, **tags), tmp_path / "a")
    truth = shown(open_dicom(path))
    pairs = [(v, v.replace(".", ",")) for v in ("0.431\\0.329", "127.75", "250.25", "1.125")]
    clip = open_dicom(with_commas(path, *pairs))
    assert clip.spacing_mm == (0.431, 0.329)
    assert np.array_equal(shown(clip), truth)


def test_rates_and_counts_with_commas(tmp_path: Path):
    tags: dict[str, Any] = {
        "FrameTime": None, "FrameIncrementPointer": None, "CineRate": "4321"
    }  # fmt: skip
    path = save(ultrasound(GREY, **tags), tmp_path / "a")
    assert open_dicom(with_commas(path, ("4321", "43,2"))).fps == 43.2
