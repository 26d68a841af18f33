"""Exports of a stored result: what `enhance_file` writes at that strength, under telling names, marked."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pydicom
import pytest
import torch
from dicom_samples import save, ultrasound
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle, whole_sector
from PIL import Image

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import Cancelled, SettingsError
from echogan.core.geometry import Sector
from echogan.core.notice import MARK
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.exports import ExportKind, ExportRequest, export_kinds, make_export
from echogan.enhance.outputs import Outputs
from echogan.enhance.result_stages import store_result
from echogan.enhance.stored_result import StoredResult

torch.set_num_threads(1)
MODEL = checkpoint(Scale(0.6, -0.1), Scale(1.4))
SETTINGS = EnhanceSettings(device="cpu", working_size=64, batch_size=4)
FRAMES = 9


def frames_of(count: int = FRAMES, color: bool = False) -> np.ndarray:
    frames = np.where(fan_sector().mask, speckle(count), 0).astype(np.uint8)
    frames[:, 2:8, 2:8] = 200  # something outside the sector
    return np.stack([frames, frames // 2 + 9, np.roll(frames, 3, 2)], -1) if color else frames


def store(folder: Path, clip: ClipFile, sector: Sector | None = None) -> StoredResult:
    enhancer = Enhancer(MODEL, SETTINGS)
    folder.mkdir()
    return store_result(enhancer, enhancer.prepare(clip, sector or fan_sector()), folder)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> ClipFile:
    """A DICOM of colour frames, of 9 unequal durations."""
    data = ultrasound(frames_of(color=True), PixelSpacing=["0.4", "0.3"])
    data.FrameTimeVector, data.FrameIncrementPointer = [0, *range(20, 20 + 8)], 0x00181065
    return open_clip(save(data, tmp_path_factory.mktemp("clip") / "in.dcm"))


@pytest.fixture(scope="module")
def stored(clip, tmp_path_factory) -> StoredResult:
    return store(tmp_path_factory.mktemp("stored") / "r", clip)


def asked(stored: StoredResult, kind: ExportKind, strength: float = 0.4, **given) -> ExportRequest:
    return ExportRequest(stored, kind, strength, **({"mark": True, "blackout": False, "stem": "a4c"} | given))


def video_frames(path: Path) -> np.ndarray:
    with av.open(str(path)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])


@pytest.mark.parametrize("blackout", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.35, 1.0])
def test_arrays_are_those_of_enhance_file(stored, tmp_path, strength, blackout):
    made = make_export(asked(stored, "npz", strength, blackout=blackout), tmp_path)
    settings, write = replace(SETTINGS, strength=strength), WriteOptions(blackout=blackout)
    outputs = Outputs(arrays=tmp_path / "direct.npz")
    enhance_file(stored.clip, outputs, MODEL, settings, fan_sector(), write=write)
    with np.load(made) as ours, np.load(tmp_path / "direct.npz") as direct:
        assert ours.files == direct.files
        for name in ours.files:
            if name == "difference":
                np.testing.assert_allclose(ours[name].astype(float), direct[name].astype(float), atol=0.07)
            else:
                np.testing.assert_array_equal(ours[name], direct[name])
        assert (ours["enhanced"][:, ~fan_sector().tissue_mask].max() == 0) == blackout
        np.testing.assert_allclose(ours["frame_times_s"], np.cumsum([0, *range(20, 28)]) / 1000)
        assert ours["spacing_mm"].tolist() == [0.4, 0.3]
        assert ours["strength"] == strength


@pytest.mark.parametrize("strength", [0.35, 1.0])
def test_dicom_is_that_of_enhance_file(stored, tmp_path, strength):
    made = pydicom.dcmread(make_export(asked(stored, "dicom", strength), tmp_path))
    settings = replace(SETTINGS, strength=strength)
    enhance_file(stored.clip, Outputs(clips=[tmp_path / "d.dcm"]), MODEL, settings, fan_sector())
    direct = pydicom.dcmread(tmp_path / "d.dcm")
    np.testing.assert_array_equal(made.pixel_array, direct.pixel_array)
    assert made.DerivationDescription == direct.DerivationDescription
    assert f"strength {strength:g}" in made.DerivationDescription
    assert MODEL.sha256[:12] in made.DerivationDescription
    assert made.SeriesDescription.startswith("AI-enhanced")


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_pictures_are_those_of_enhance_file(stored, tmp_path, kind):
    made = make_export(asked(stored, kind, 0.5), tmp_path)
    settings, write = replace(SETTINGS, strength=0.5), WriteOptions(strip=True)
    direct = tmp_path / f"direct.{kind}"
    enhance_file(stored.clip, Outputs(clips=[direct]), MODEL, settings, fan_sector(), write=write)
    assert made.read_bytes() == direct.read_bytes()


@pytest.mark.parametrize(
    "kind", ["mp4", "side_by_side", "gif", "dicom", "npz", "report", "figure", "card_page", "card_pdf"]
)
def test_names_tell_what_the_file_is(stored, tmp_path, kind):
    names = {
        "mp4": "a4c_enhanced_fake.mp4", "side_by_side": "a4c_side_by_side_fake.mp4", "gif": "a4c_enhanced_fake.gif",
        "dicom": "a4c_enhanced_fake.dcm", "npz": "a4c_enhanced_fake.npz", "report": "a4c_report_fake.json",
        "figure": "a4c_maps_fake.png", "card_page": "a4c_trust_card_fake.html", "card_pdf": "a4c_trust_card_fake.pdf",
    }  # fmt: skip
    assert make_export(asked(stored, kind), tmp_path).name == names[kind]
    assert [path.name for path in tmp_path.iterdir()] == [names[kind]]


@pytest.mark.parametrize("blackout", [False, True])
def test_side_by_side(stored, tmp_path, blackout):
    path = make_export(asked(stored, "side_by_side", 1.0, blackout=blackout), tmp_path)
    tissue = fan_sector().tissue_mask
    with av.open(str(path)) as video:
        assert video.metadata["title"] == MARK
        assert "strength 1," in video.metadata["comment"]
        times = [float(frame.pts * frame.time_base) for frame in video.decode(video=0)]
    np.testing.assert_allclose(times, np.cumsum([0, *range(20, 28)]) / 1000, atol=1e-4)
    frames = video_frames(path)[..., 0].astype(int)
    for (original, enhanced), shown in zip(stored.frames(1.0), frames, strict=True):
        for pane, want in ((shown[-96:, :120], original), (shown[-96:, -120:], enhanced)):
            want = np.where(tissue, want[..., 0], 0 if blackout else want[..., 0])
            assert np.abs(pane - want).mean() < 8  # lossy, and colour at half resolution
            if blackout:
                assert pane[~tissue].mean() < 4
    assert frames[:, :-96, -120:].max() > 150


def test_the_mark_is_drawn_and_can_be_left_out(stored, tmp_path):
    kernel = np.ones((7, 7), np.uint8)  # a lossy codec blurs the sector's border
    outside = cv2.dilate(fan_sector().mask.astype(np.uint8), kernel) == 0
    with_mark = video_frames(make_export(asked(stored, "mp4", blackout=True), tmp_path))
    without = video_frames(make_export(asked(stored, "mp4", blackout=True, mark=False, stem="b"), tmp_path))
    assert without.shape[1:3] == (96, 120)
    assert without[:, outside].max() < 40
    assert with_mark.max(axis=(0, 3))[outside if with_mark.shape[1] == 96 else np.s_[96:]].max() > 120


def test_a_clip_without_borders_gets_a_strip(tmp_path):
    stored = store(tmp_path / "r", clip_of(speckle(3)), whole_sector(96, 120))
    frames = video_frames(make_export(asked(stored, "mp4"), tmp_path))
    assert frames.shape[1] > 96
    assert frames[:, 96:].max() > 120
    assert video_frames(make_export(asked(stored, "mp4", mark=False), tmp_path)).shape[1] == 96


def test_the_report_says_where_nothing_could_be_made_black(tmp_path):
    stored = store(tmp_path / "r", clip_of(speckle(2)), whole_sector(96, 120))
    texts = [
        make_export(asked(stored, "report", blackout=black), tmp_path).read_text() for black in (True, False)
    ]
    assert ["names in the picture remain" in text for text in texts] == [True, False]


def test_a_still_gives_png(tmp_path):
    stored = store(tmp_path / "r", replace(clip_of(frames_of(1)), kind="image", fps=None))
    assert export_kinds(stored)[:2] == ["png", "side_by_side"]
    path = make_export(asked(stored, "png", 0.5), tmp_path)
    assert path.name == "a4c_enhanced_fake.png"
    _, enhanced = next(stored.frames(0.5))
    with Image.open(path) as image:
        assert image.info["Title"] == MARK
        assert "strength 0.5" in image.info["Comment"]
        pixels = np.asarray(image)[:96]
    inside = fan_sector().mask
    np.testing.assert_array_equal(pixels[inside], enhanced[inside])
    beside = make_export(asked(stored, "side_by_side"), tmp_path)
    assert beside.name == "a4c_side_by_side_fake.png"
    with Image.open(beside) as image:
        assert image.info["Title"] == MARK
    for kind in ("mp4", "gif"):
        with pytest.raises(SettingsError, match="Choose PNG"):
            make_export(asked(stored, kind), tmp_path)


def test_report_and_figure_follow_the_strength(stored, tmp_path):
    reports = [json.loads(make_export(asked(stored, "report", s), tmp_path).read_text()) for s in (0.5, 1.0)]
    half, full = (report["diagnostics"] for report in reports)
    assert [report["strength"] for report in reports] == [0.5, 1.0]
    assert half["difference"]["mean"] == pytest.approx(full["difference"]["mean"] / 2, abs=1e-3)
    assert half["cycle_error"] == full["cycle_error"]
    with Image.open(make_export(asked(stored, "figure", 0.5), tmp_path)) as image:
        assert image.info["Title"] == MARK
        assert "strength 0.5" in image.info["Comment"]


@pytest.mark.parametrize("kind", ["mp4", "side_by_side", "gif", "dicom", "npz"])
def test_progress_is_told_and_a_stop_leaves_nothing(stored, tmp_path, kind):
    told = []
    make_export(asked(stored, kind), tmp_path / "whole", lambda *now: told.append(now))
    assert told == [(done, FRAMES) for done in range(1, FRAMES + 1)]
    stop = threading.Event()

    def stop_at_4(done: int, total: int) -> None:
        if done == 4:
            stop.set()

    (tmp_path / "stopped").mkdir()
    with pytest.raises(Cancelled):
        make_export(asked(stored, kind), tmp_path / "stopped", stop_at_4, stop)
    assert list((tmp_path / "stopped").iterdir()) == []


def test_an_older_file_stays_after_a_stop(stored, tmp_path):
    path = make_export(asked(stored, "gif", 1.0), tmp_path)
    before, stop = path.read_bytes(), threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        make_export(asked(stored, "gif", 0.2), tmp_path, cancel=stop)
    assert path.read_bytes() == before


def test_what_cannot_be_asked_for(stored, tmp_path):
    with pytest.raises(SettingsError, match="from 0 to 1"):
        make_export(asked(stored, "mp4", 1.2), tmp_path)
    with pytest.raises(SettingsError, match="no export 'avi'"):
        make_export(asked(stored, "avi"), tmp_path)  # pyright: ignore
    with pytest.raises(SettingsError, match="one frame"):
        make_export(asked(stored, "png"), tmp_path)
    long = replace(stored, clip=replace(stored.clip, frames=200_000))
    assert "dicom" not in export_kinds(long)
    with pytest.raises(SettingsError, match="4 GiB"):
        make_export(asked(long, "dicom"), tmp_path)
