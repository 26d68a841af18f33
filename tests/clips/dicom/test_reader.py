"""DICOM in: every coding gives the right pixels, every fact the right number, every bad file its sentence."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from dicom_samples import NAME, jpeg, jpeg2000, moving, region, save, transcode, ultrasound, wrap
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import examples, uid
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from echogan.clips.clip import ClipLimits
from echogan.clips.dicom.header import DicomSource
from echogan.clips.dicom.reader import looks_like_dicom, open_dicom
from echogan.core.errors import ClipTooLarge, EchoGANError, UnreadableClip, UnsupportedClip

GREY, COLOR = moving(), moving(channels=3)


def test_the_real_cine(cine: Path):
    clip = open_dicom(cine)
    assert (clip.kind, clip.frames, clip.height, clip.width, clip.color) == ("dicom", 30, 240, 320, True)
    assert clip.fps == pytest.approx(30, abs=0.01)
    assert clip.regions == ((31, 84, 240, 320),)
    assert clip.spacing_mm is None
    assert any("rescaled" in w for w in clip.warnings)
    frames = clip.read().frames
    assert np.array_equal(frames, pydicom.dcmread(cine).pixel_array)
    assert np.array_equal(clip.sample(2), frames[[0, 29]])


def test_palette_becomes_color():
    path = Path(str(examples.get_path("palette_color")))
    ds = pydicom.dcmread(path)
    truth = apply_color_lut(ds.pixel_array, ds) >> 8
    clip = open_dicom(path)
    assert (clip.frames, clip.fps, clip.durations_ms, clip.color) == (1, None, None, True)
    assert np.array_equal(clip.read().frames[0], truth)


# --- every coding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
@pytest.mark.parametrize("pixels", [GREY, COLOR], ids=["grey", "color"])
def test_uncompressed(tmp_path: Path, syntax: str, pixels: np.ndarray):
    assert np.array_equal(open_dicom(save(ultrasound(pixels), tmp_path / "a", syntax)).read().frames, pixels)


def test_deflated(tmp_path: Path):
    path = save(ultrasound(COLOR), tmp_path / "a", uid.DeflatedExplicitVRLittleEndian)
    assert np.array_equal(open_dicom(path).read().frames, COLOR)


@pytest.mark.parametrize("rows", [24, 23])
def test_big_endian_bytes(tmp_path: Path, rows: int):
    pixels = moving(3, rows, 31)
    path = save(ultrasound(pixels), tmp_path / "a", uid.ExplicitVRBigEndian)
    assert np.array_equal(open_dicom(path).read().frames, pixels)


@pytest.mark.parametrize("rows", [24, 23])
def test_big_endian_bytes_stored_as_words(tmp_path: Path, rows: int):
    # Odd frame sizes: the second frame starts in the middle of a word.
    pixels = moving(3, rows, 31)
    raw = pixels.tobytes() + b"\0" * (pixels.size % 2)
    ds = ultrasound(pixels, PixelData=np.frombuffer(raw, "u2").byteswap().tobytes())
    ds["PixelData"].VR = "OW"
    assert np.array_equal(open_dicom(save(ds, tmp_path / "a", uid.ExplicitVRBigEndian)).read().frames, pixels)


def test_big_endian_words(tmp_path: Path):
    pixels = moving(top=65535)
    ds = ultrasound(pixels, PixelData=pixels.byteswap().tobytes())
    ds["PixelData"].VR = "OW"
    clip = open_dicom(save(ds, tmp_path / "a", uid.ExplicitVRBigEndian))
    assert np.array_equal(clip.read().frames, np.rint(pixels / 65535 * 255))


def test_planes_apart(tmp_path: Path):
    ds = ultrasound(COLOR, PlanarConfiguration=1, PixelData=np.moveaxis(COLOR, -1, 1).tobytes())
    assert np.array_equal(open_dicom(save(ds, tmp_path / "a")).read().frames, COLOR)


def test_ybr_full(tmp_path: Path):
    ybr = convert_color_space(COLOR, "RGB", "YBR_FULL")
    frames = open_dicom(save(ultrasound(ybr, "YBR_FULL"), tmp_path / "a")).read().frames
    assert np.abs(frames.astype(int) - COLOR).max() <= 2


def test_ybr_full_422_uncompressed(tmp_path: Path):
    ybr = convert_color_space(COLOR, "RGB", "YBR_FULL")
    ybr[:, :, 1::2, 1:] = ybr[:, :, ::2, 1:]
    shared = np.empty((*ybr.shape[:2], ybr.shape[2] // 2, 4), np.uint8)
    shared[..., 0], shared[..., 1] = ybr[:, :, ::2, 0], ybr[:, :, 1::2, 0]
    shared[..., 2], shared[..., 3] = ybr[:, :, ::2, 1], ybr[:, :, ::2, 2]
    ds = ultrasound(ybr, "YBR_FULL_422", PixelData=shared.tobytes())
    frames = open_dicom(save(ds, tmp_path / "a")).read().frames
    assert np.array_equal(frames, convert_color_space(ybr, "YBR_FULL", "RGB"))


def test_a_false_422_is_taken_for_full_chroma(tmp_path: Path):
    # Some devices decompress a file and leave YBR_FULL_422 standing over three bytes a pixel.
    ybr = convert_color_space(COLOR, "RGB", "YBR_FULL")
    frames = open_dicom(save(ultrasound(ybr, "YBR_FULL_422"), tmp_path / "a")).read().frames
    assert np.array_equal(frames, convert_color_space(ybr, "YBR_FULL", "RGB"))


@pytest.mark.parametrize("pixels", [GREY, COLOR], ids=["grey", "color"])
def test_run_length(tmp_path: Path, pixels: np.ndarray):
    ds = ultrasound(pixels)
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.compress(uid.RLELossless)
    assert np.array_equal(open_dicom(save(ds, tmp_path / "a", uid.RLELossless)).read().frames, pixels)


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit])
@pytest.mark.parametrize(("pixels", "photometric"), [(GREY, "MONOCHROME2"), (COLOR, "YBR_FULL_422")])
def test_jpeg(tmp_path: Path, syntax: str, pixels: np.ndarray, photometric: str):
    ds = ultrasound(pixels, photometric, PixelData=wrap([jpeg(f) for f in pixels]))
    frames = open_dicom(save(ds, tmp_path / "a", syntax)).read().frames
    assert np.abs(frames.astype(int) - pixels).mean() < 3


@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.JPEG2000])
@pytest.mark.parametrize(("pixels", "photometric"), [(GREY, "MONOCHROME2"), (COLOR, "YBR_RCT")])
def test_jpeg_2000(tmp_path: Path, syntax: str, pixels: np.ndarray, photometric: str):
    ds = ultrasound(pixels, photometric, PixelData=wrap([jpeg2000(f) for f in pixels]))
    assert np.array_equal(open_dicom(save(ds, tmp_path / "a", syntax)).read().frames, pixels)


@pytest.mark.parametrize(
    "syntax",
    [
        gdcm.TransferSyntax.JPEGLosslessProcess14,
        gdcm.TransferSyntax.JPEGLosslessProcess14_1,
        gdcm.TransferSyntax.JPEGLSLossless,
        gdcm.TransferSyntax.JPEG2000Lossless,
    ],
)
@pytest.mark.parametrize("pixels", [GREY, COLOR], ids=["grey", "color"])
def test_lossless_as_gdcm_writes_it(tmp_path: Path, syntax: int, pixels: np.ndarray):
    plain = save(ultrasound(pixels), tmp_path / "plain")
    clip = open_dicom(transcode(plain, tmp_path / "packed", syntax))
    assert pydicom.dcmread(tmp_path / "packed").file_meta.TransferSyntaxUID.is_encapsulated
    assert np.array_equal(clip.read().frames, pixels)


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless"])
@pytest.mark.parametrize("bits", [12, 16])
def test_deep_grey_as_gdcm_writes_it(tmp_path: Path, syntax: str, bits: int):
    pixels = moving(top=2**bits - 1)
    plain = save(ultrasound(pixels, BitsStored=bits, HighBit=bits - 1), tmp_path / "plain")
    path = transcode(plain, tmp_path / "packed", getattr(gdcm.TransferSyntax, syntax))
    assert np.array_equal(open_dicom(path).read().frames, np.rint(pixels / (2**bits - 1) * 255))


@pytest.mark.parametrize("end", ["os.abort()", "sys.stdout.write('x')", "time.sleep(60)"])
def test_a_decoder_that_dies_takes_nobody_along(tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch):
    # GDCM 3.2 calls abort() on some damaged JPEG frames.
    plain = save(ultrasound(GREY), tmp_path / "plain")
    path = transcode(plain, tmp_path / "packed", gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    worker = tmp_path / "gdcm_worker.py"
    worker.write_text(f"import os, sys, time\nsys.stdin.buffer.readline()\n{end}\n")
    monkeypatch.setattr("echogan.clips.dicom.gdcm_process.__file__", str(tmp_path / "gdcm_process.py"))
    monkeypatch.setattr("echogan.clips.dicom.gdcm_process.FRAME_SECONDS", 2.0)
    with pytest.raises(UnreadableClip, match="damaged"):
        open_dicom(path)


@pytest.mark.parametrize("offsets", [True, False])
@pytest.mark.parametrize("pieces", [1, 3])
def test_fragments_with_and_without_offsets(tmp_path: Path, pieces: int, offsets: bool):
    coded = wrap([jpeg2000(f) for f in GREY], pieces, offsets)
    path = save(ultrasound(GREY, PixelData=coded), tmp_path / "a", uid.JPEG2000Lossless)
    assert np.array_equal(open_dicom(path).read().frames, GREY)


def test_wrong_offsets_are_not_believed(tmp_path: Path):
    coded = bytearray(wrap([jpeg2000(f) for f in GREY]))
    coded[8:24] = struct.pack("<4I", 0, 3, 5, 7)
    path = save(ultrasound(GREY, PixelData=bytes(coded)), tmp_path / "a", uid.JPEG2000Lossless)
    assert np.array_equal(open_dicom(path).read().frames, GREY)


def test_extended_offsets(tmp_path: Path):
    ds = ultrasound(GREY)
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.compress(uid.RLELossless, encapsulate_ext=True)
    assert "ExtendedOffsetTable" in ds
    assert np.array_equal(open_dicom(save(ds, tmp_path / "a", uid.RLELossless)).read().frames, GREY)


def test_without_preamble(tmp_path: Path):
    for syntax in (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian):
        path = save(ultrasound(GREY), tmp_path / "a", syntax)
        whole = path.read_bytes()
        start = 144 + struct.unpack_from("<I", whole, 140)[0]
        path.write_bytes(whole[start:])
        assert looks_like_dicom(whole[start : start + 200])
        assert np.array_equal(open_dicom(path).read().frames, GREY)
        path.write_bytes(whole[132:])
        assert looks_like_dicom(whole[132:400])
        assert np.array_equal(open_dicom(path).read().frames, GREY)


@pytest.mark.parametrize(
    "head", [b"", b"GIF89a" + b"\0" * 200, b"\0\0\0\x20ftypisom" + b"\0" * 200, b"text " * 60]
)
def test_what_is_not_dicom(head: bytes):
    assert not looks_like_dicom(head)


# --- grey values --------------------------------------------------------------------------------------------


def test_monochrome1_is_turned_round(tmp_path: Path):
    assert np.array_equal(
        open_dicom(save(ultrasound(GREY, "MONOCHROME1"), tmp_path / "a")).read().frames, 255 - GREY
    )


def test_twelve_bits_by_full_range(tmp_path: Path):
    pixels = moving(top=4095)
    ds = ultrasound(pixels | 0x8000, BitsStored=12, HighBit=11)  # rubbish above the stored bits
    assert np.array_equal(open_dicom(save(ds, tmp_path / "a")).read().frames, np.rint(pixels / 4095 * 255))


def test_window(tmp_path: Path):
    pixels = moving(top=4095)
    ds = ultrasound(pixels, BitsStored=12, HighBit=11, WindowCenter=["1000", "5"], WindowWidth=["500", "9"])
    # PS3.3, C.11.2.1.2.1
    truth = np.clip(((pixels - 999.5) / 499 + 0.5) * 255, 0, 255)
    assert np.abs(open_dicom(save(ds, tmp_path / "a")).read().frames - truth).max() <= 0.5


def test_signed_and_rescaled(tmp_path: Path):
    pixels = moving(top=2000).astype(np.int16) - 1000
    ds = ultrasound(
        pixels, RescaleSlope="0.5", RescaleIntercept="100", WindowCenter="100.5", WindowWidth="1001"
    )
    truth = np.clip((pixels * 0.5 + 100 - 100) / 1000 + 0.5, 0, 1) * 255
    assert np.abs(open_dicom(save(ds, tmp_path / "a")).read().frames - truth).max() <= 0.5


def test_grey_palette_stays_grey(tmp_path: Path):
    ds = ultrasound(GREY, "PALETTE COLOR")
    ramp = np.arange(256, dtype=np.uint16)[::-1]
    for color in ("Red", "Green", "Blue"):
        setattr(ds, f"{color}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{color}PaletteColorLookupTableData", (ramp * 257).tobytes())
    clip = open_dicom(save(ds, tmp_path / "a"))
    assert not clip.color
    assert np.array_equal(clip.read().frames, 255 - GREY)


# --- time and space -----------------------------------------------------------------------------------------


def test_frame_time_vector(tmp_path: Path):
    vector = ["0", "10", "30", "20"]
    path = save(ultrasound(GREY, FrameTimeVector=vector, FrameIncrementPointer=0x00181065), tmp_path / "a")
    clip = open_dicom(path)
    assert clip.durations_ms == (10, 30, 20, 20)
    assert clip.fps == pytest.approx(50)


def test_even_vector_is_a_rate(tmp_path: Path):
    ds = ultrasound(
        GREY, FrameTimeVector=["0", "25", "25", "25"], FrameTime=None, FrameIncrementPointer=0x00181065
    )
    clip = open_dicom(save(ds, tmp_path / "a"))
    assert (clip.fps, clip.durations_ms) == (40, None)


@pytest.mark.parametrize(
    ("tags", "fps"),
    [
        ({"CineRate": 40}, 40),
        ({"RecommendedDisplayFrameRate": 25}, 25),
        ({"CineRate": 0}, 30),
        ({"FrameTime": "0"}, 30),
    ],
)
def test_rate_fallbacks(tmp_path: Path, tags: dict, fps: float):
    none: dict[str, Any] = {"FrameTime": None, "FrameIncrementPointer": None}
    clip = open_dicom(save(ultrasound(GREY, **(none | tags)), tmp_path / "a"))
    assert clip.fps == fps
    assert any("no frame rate" in w for w in clip.warnings) == (fps == 30)


@pytest.mark.parametrize(("center", "width", "told"), [(32768, 65536, True), (128, 256, False)])
def test_a_picture_in_a_corner_of_its_window_is_told(tmp_path: Path, center: int, width: int, told: bool):
    window: dict[str, Any] = {"WindowCenter": center, "WindowWidth": width}
    clip = open_dicom(save(ultrasound(GREY.astype(np.uint16), **window), tmp_path / "a"))
    assert any("nearly black" in warning for warning in clip.warnings) == told


@pytest.mark.parametrize("vector", [["0", "0.033", "0.033", "0.033"], ["0", "33", "1e9", "33"]])
def test_a_vector_out_of_range_is_ignored(tmp_path: Path, vector):
    clip = open_dicom(
        save(ultrasound(GREY, FrameTimeVector=vector, FrameIncrementPointer=0x00181065), tmp_path / "a")
    )
    assert (clip.fps, clip.durations_ms) == (50, None)
    assert any("Vector" in w for w in clip.warnings)


def test_a_vector_that_does_not_fit(tmp_path: Path):
    ds = ultrasound(GREY, FrameTimeVector=["0", "10"], FrameIncrementPointer=0x00181065)
    clip = open_dicom(save(ds, tmp_path / "a"))
    assert clip.fps == 50
    assert clip.durations_ms is None
    assert any("Vector" in w for w in clip.warnings)


def test_region_and_spacing(tmp_path: Path):
    ds = ultrasound(GREY, SequenceOfUltrasoundRegions=[region((2, 3, 20, 30)), region((0, 0, 1, 31), 4, 10)])
    clip = open_dicom(save(ds, tmp_path / "a"))
    assert clip.regions == ((2, 3, 21, 31),)
    assert clip.spacing_mm == pytest.approx((1.0, 0.5))


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing"])
def test_spacing_without_region(tmp_path: Path, keyword: str):
    tags: dict[str, Any] = {keyword: ["0.4", "0.3"]}
    assert open_dicom(save(ultrasound(GREY, **tags), tmp_path / "a")).spacing_mm == (0.4, 0.3)


def test_a_region_past_the_image_gives_no_spacing(tmp_path: Path):
    ds = ultrasound(GREY, SequenceOfUltrasoundRegions=[region((2, 3, 60, 90))], PixelSpacing=["0.4", "0.3"])
    clip = open_dicom(save(ds, tmp_path / "a"))
    assert clip.regions == ((2, 3, 24, 32),)
    assert clip.spacing_mm is None
    assert any("rescaled" in w for w in clip.warnings)


@pytest.mark.parametrize("spatial", [2, 3, 4])
def test_traces_beside_tissue_are_accepted(tmp_path: Path, spatial: int):
    ds = ultrasound(
        GREY, SequenceOfUltrasoundRegions=[region((0, 0, 10, 31)), region((12, 0, 23, 31), spatial, 3)]
    )
    assert open_dicom(save(ds, tmp_path / "a")).regions == ((0, 0, 11, 32),)


def test_secondary_capture_is_accepted_with_a_warning(tmp_path: Path):
    clip = open_dicom(save(ultrasound(GREY, SOPClassUID="1.2.840.10008.5.1.4.1.1.7"), tmp_path / "a"))
    assert any("secondary capture" in w for w in clip.warnings)


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.3", "1.2.840.10008.5.1.4.1.1.6.1"])
def test_other_ultrasound_classes(tmp_path: Path, sop_class: str):
    assert open_dicom(save(ultrasound(GREY, SOPClassUID=sop_class), tmp_path / "a")).warnings == ()


# --- refusals -----------------------------------------------------------------------------------------------


def broken(ds: Dataset) -> Callable[[Path], Path]:
    return lambda folder: save(ds, folder / "a")


def coded(syntax: str, data: bytes, pixels: np.ndarray = GREY, **tags) -> Callable[[Path], Path]:
    return lambda folder: save(ultrasound(pixels, PixelData=data, **tags), folder / "a", syntax)


def cut(path_of: Callable[[Path], Path], keep: float) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = path_of(folder)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        return path

    return make


BIG_JPEG = jpeg(moving(1, 48, 64)[0])
REFUSED = {
    "color Doppler": (
        broken(ultrasound(COLOR, SequenceOfUltrasoundRegions=[region((0, 0, 9, 9), 1, 2)])),
        UnsupportedClip,
        "colour Doppler",
    ),
    "color box in tissue": (
        broken(
            ultrasound(
                COLOR, SequenceOfUltrasoundRegions=[region((0, 0, 23, 31)), region((5, 5, 15, 15), 1, 2)]
            )
        ),
        UnsupportedClip,
        "colour Doppler",
    ),
    "M-mode": (
        broken(ultrasound(GREY, SequenceOfUltrasoundRegions=[region((0, 0, 9, 9), 2, 1)])),
        UnsupportedClip,
        "M-mode",
    ),
    "spectral": (
        broken(ultrasound(GREY, SequenceOfUltrasoundRegions=[region((0, 0, 9, 9), 3, 3)])),
        UnsupportedClip,
        "spectral Doppler",
    ),
    "waveform": (
        broken(ultrasound(GREY, SequenceOfUltrasoundRegions=[region((0, 0, 9, 9), 4, 10)])),
        UnsupportedClip,
        "a waveform",
    ),
    "other modality": (broken(ultrasound(GREY, Modality="CT")), UnsupportedClip, "not ultrasound"),
    "volume": (
        broken(ultrasound(GREY, SOPClassUID="1.2.840.10008.5.1.4.1.1.6.2")),
        UnsupportedClip,
        "3-D ultrasound",
    ),
    "no pixels": (broken(ultrasound(GREY, PixelData=None)), UnreadableClip, "no pixel data"),
    "report": (
        broken(ultrasound(GREY, PixelData=None, Rows=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.66")),
        UnsupportedClip,
        "no pixel data",
    ),
    "zero frames": (broken(ultrasound(GREY, PixelData=b"")), UnreadableClip, "zero frames"),
    "zero rows": (broken(ultrasound(GREY, Rows=0)), UnreadableClip, "zero frames"),
    "less than a frame": (broken(ultrasound(GREY, PixelData=bytes(700))), UnreadableClip, "cut short"),
    "truncated": (cut(broken(ultrasound(GREY)), 0.8), UnreadableClip, "cut short"),
    "truncated header": (cut(broken(ultrasound(GREY)), 0.15), UnreadableClip, "no pixel data|damaged"),
    "truncated JPEG": (
        cut(coded(uid.JPEGBaseline8Bit, wrap([jpeg(f) for f in GREY])), 0.8),
        UnreadableClip,
        "cut short",
    ),
    "no JPEG": (coded(uid.JPEGBaseline8Bit, wrap([bytes(9)] * 4)), UnreadableClip, "damaged"),
    "bad JPEG": (coded(uid.JPEGBaseline8Bit, wrap([b"\xff\xd8 no picture"] * 4)), UnreadableClip, "damaged"),
    "bomb": (coded(uid.JPEGBaseline8Bit, wrap([BIG_JPEG] * 4)), UnreadableClip, "does not agree"),
    "video": (coded(uid.MPEG4HP41, wrap([b"ftyp" * 8])), UnsupportedClip, "MPEG"),
    "unknown syntax": (coded(uid.HTJ2KLossless, wrap([b"0000"] * 4)), UnsupportedClip, "encrypted"),
    "deep color": (
        broken(ultrasound(moving(channels=3, top=4095))),
        UnsupportedClip,
        "bit depth",
    ),
    "one bit": (broken(ultrasound(GREY, BitsAllocated=1, BitsStored=1)), UnsupportedClip, "bit depth"),
    "HSV": (broken(ultrasound(COLOR, "HSV")), UnsupportedClip, "unusual way"),
    "absent": (lambda folder: folder / "absent", UnreadableClip, "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_refused_with_a_sentence(tmp_path: Path, name: str):
    make, error, words = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(error, match=words) as caught:
        open_dicom(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert NAME not in message


def test_a_deep_jpeg_is_refused(tmp_path: Path):
    deep = bytearray(jpeg(GREY[0]))
    frame_header = deep.index(b"\xff\xc0")
    deep[frame_header + 1], deep[frame_header + 4] = 0xC1, 12
    ds = ultrasound(GREY, BitsAllocated=16, BitsStored=12, HighBit=11, PixelData=wrap([bytes(deep)] * 4))
    with pytest.raises(UnsupportedClip, match="bit depth"):
        open_dicom(save(ds, tmp_path / "a", uid.JPEGExtended12Bit))


@pytest.mark.parametrize(
    "limits",
    [
        ClipLimits(max_pixels_per_frame=767),
        ClipLimits(max_frames=3),
        ClipLimits(max_decoded_bytes=4 * 768 * 3 - 1),
    ],
)
def test_limits_come_before_decoding(tmp_path: Path, limits: ClipLimits, monkeypatch: pytest.MonkeyPatch):
    path = save(ultrasound(COLOR), tmp_path / "a")
    assert open_dicom(path, ClipLimits(768, 4, 4 * 768 * 3)).frames == 4
    monkeypatch.setattr("echogan.clips.dicom.reader.read_frame", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ClipTooLarge):
        open_dicom(path, limits)


def test_a_deflated_file_is_inflated_only_so_far(tmp_path: Path):
    ds = ultrasound(GREY, DataSetTrailingPadding=b"\0" * 3_000_000)
    path = save(ds, tmp_path / "a", uid.DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 20_000
    with DicomSource.of(path).open(5000) as inflated:
        assert inflated.seek(0, 2) == 5000
    assert np.array_equal(open_dicom(path).read().frames, GREY)


def test_frames_come_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # One frame's bytes are read from the file for each frame taken, never the rest.
    import echogan.clips.dicom.reader as dicom

    seen, original = [], dicom.read_frame
    clip = open_dicom(save(ultrasound(moving(50)), tmp_path / "a"))
    monkeypatch.setattr(
        dicom, "read_frame", lambda file, spans, *rest: seen.append(spans) or original(file, spans, *rest)
    )
    frames = clip.iter_frames()
    next(frames)
    next(frames)
    assert [sum(length for _, length in spans) for spans in seen] == [24 * 32] * 2


def test_damage_in_a_later_frame_ends_in_a_sentence(tmp_path: Path):
    packed = [jpeg2000(f) for f in GREY]
    packed[2] = packed[2][:60] + bytes(len(packed[2]) - 60)
    clip = open_dicom(save(ultrasound(GREY, PixelData=wrap(packed)), tmp_path / "a", uid.JPEG2000Lossless))
    with pytest.raises(UnreadableClip):
        list(clip.iter_frames())


def test_nothing_of_the_patient_is_printed(tmp_path: Path, caplog, capfd):
    ds = ultrasound(GREY)
    path = save(ds, tmp_path / "a")
    # A name where a number belongs makes pydicom warn and log the value.
    raw = path.read_bytes().replace(b"20200102", b"QUIXOTE^").replace(b"US", b"QX", 1)
    path.write_bytes(raw)
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with suppress(EchoGANError):
            open_dicom(path).read()
    output = capfd.readouterr()
    assert "QUIXOTE" not in output.out + output.err + caplog.text + "".join(str(w.message) for w in caught)


# --- fuzz ---------------------------------------------------------------------------------------------------


def outcome(path: Path) -> None:
    """Open and decode; anything but EchoGANError passes through and fails the test."""
    with suppress(EchoGANError):
        clip = open_dicom(path, ClipLimits(10**6, 100, 10**8))
        for frame in islice(clip.iter_frames(), 4):
            assert frame.dtype == np.uint8
            assert frame.shape[:2] == (clip.height, clip.width)


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def damage(whole: bytes, path: Path, data: st.DataObject, header: int) -> None:
    """Flip up to twelve bits, half of them in the header, and cut the end off now and then."""
    raw = bytearray(whole)
    where = st.integers(0, header) | st.integers(0, len(raw) - 1)
    for position in data.draw(st.lists(where, max_size=12)):
        raw[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))])


@FUZZ
@given(data=st.data())
def test_fuzz_the_real_cine(cine: Path, tmp_path: Path, data: st.DataObject):
    damage(cine.read_bytes(), tmp_path / "fuzzed", data, header=1800)
    outcome(tmp_path / "fuzzed")


@pytest.fixture(scope="module", params=["JPEGLosslessProcess14_1", "JPEGLSLossless"])
def packed_by_gdcm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("gdcm")
    plain = save(ultrasound(GREY), folder / "plain")
    return transcode(plain, folder / "packed", getattr(gdcm.TransferSyntax, request.param)).read_bytes()


@settings(FUZZ, max_examples=15)
@given(data=st.data())
def test_fuzz_what_gdcm_decodes(packed_by_gdcm: bytes, tmp_path: Path, data: st.DataObject):
    damage(packed_by_gdcm, tmp_path / "fuzzed", data, header=700)
    outcome(tmp_path / "fuzzed")
