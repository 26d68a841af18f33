"""Every export keeps the original where the result is flagged, where that is asked for, and says so."""

import json
from dataclasses import replace

import av
import numpy as np
import pydicom
import pytest
import torch
from dicom_samples import save, ultrasound
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle
from fake_flagger import Spots
from PIL import Image

from echogan.clips.files import open_clip
from echogan.core.errors import SettingsError
from echogan.enhance import file_stages
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.exports import ExportKind, ExportRequest, export_kinds, make_export
from echogan.enhance.outputs import Outputs
from echogan.enhance.result_stages import store_result
from echogan.enhance.stored_result import StoredResult

torch.set_num_threads(1)
SAID = "original kept where flagged"


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> StoredResult:
    folder = tmp_path_factory.mktemp("stored")
    frames = np.where(fan_sector().mask, speckle(9), 0).astype(np.uint8)
    clip = open_clip(save(ultrasound(frames, FrameTime=40), folder / "in.dcm"))
    enhancer = Enhancer(checkpoint(Scale(0.6, -0.1)), EnhanceSettings(device="cpu", working_size=64))
    return store_result(enhancer, enhancer.prepare(clip, fan_sector()), folder, flagger=Spots())


def asked(stored: StoredResult, kind: ExportKind, keep: bool = True) -> ExportRequest:
    return ExportRequest(stored, kind, 0.5, mark=True, blackout=False, stem="a4c", keep=keep)


def kept_frames(stored: StoredResult) -> np.ndarray:
    return np.stack([shown for _, shown in stored.frames(0.5, keep=True)])


def test_arrays_and_dicom_hold_the_kept_frames(stored, tmp_path):
    inside = fan_sector().tissue_mask
    with np.load(make_export(asked(stored, "npz"), tmp_path)) as arrays:
        assert np.array_equal(arrays["enhanced"], kept_frames(stored))
        assert arrays["original_kept_where_flagged"]
    made = pydicom.dcmread(make_export(asked(stored, "dicom"), tmp_path))
    assert np.array_equal(made.pixel_array[:, inside], kept_frames(stored)[:, inside])
    assert SAID in made.DerivationDescription


def test_arrays_hold_what_is_flagged_whether_the_original_is_kept_or_not(stored, tmp_path):
    x = np.zeros((9, *stored.space.size), np.float32)
    removed, invented = Spots()(x, x)
    for keep in (True, False):
        with np.load(make_export(asked(stored, "npz", keep), tmp_path / str(keep))) as arrays:
            assert (arrays["amber"], arrays["red"]) == (Spots.amber, Spots.red)
            found = (arrays["flagged"].astype(float) - 128) / 127
            assert np.abs(found - (invented - removed)).max() < 0.01
            assert arrays["hidden_walls"].shape == found.shape
            assert not arrays["hidden_walls"][:, ~arrays["working_mask"]].any()


def test_arrays_of_a_model_without_calibration_hold_no_flags(stored, tmp_path):
    with np.load(make_export(asked(replace(stored, flags=None), "npz", keep=False), tmp_path)) as arrays:
        assert not {"amber", "red", "flagged", "hidden_walls"} & set(arrays.files)


@pytest.mark.parametrize("kind", ["mp4", "side_by_side"])
def test_videos_show_them_and_say_so(stored, tmp_path, kind):
    path = make_export(asked(stored, kind), tmp_path)
    with av.open(str(path)) as video:
        assert SAID in video.metadata["comment"]
    plain = make_export(asked(stored, kind, keep=False), tmp_path / "plain")
    with av.open(str(plain)) as video:
        assert SAID not in video.metadata["comment"]
    assert path.read_bytes() != plain.read_bytes()


def test_report_and_figure_say_so(stored, tmp_path):
    report = json.loads(make_export(asked(stored, "report"), tmp_path).read_text())
    assert report["settings"]["keep_original"]
    assert any("original was kept" in warning for warning in report["warnings"])
    with Image.open(make_export(asked(stored, "figure"), tmp_path)) as image:
        assert image.height > 100


def test_no_kind_of_export_is_the_same_with_and_without(stored, tmp_path):
    for kind in export_kinds(stored):
        kept = make_export(asked(stored, kind), tmp_path / "kept")
        plain = make_export(asked(stored, kind, keep=False), tmp_path / "plain")
        assert kept.read_bytes() != plain.read_bytes(), kind


def test_without_flags_there_is_nothing_to_keep(stored, tmp_path):
    with pytest.raises(SettingsError, match="no calibration"):
        make_export(asked(replace(stored, flags=None), "report"), tmp_path)


KEPT = EnhanceSettings(device="cpu", working_size=64, strength=0.5, keep_original=True)


def test_one_file_is_the_same_as_the_export_of_the_page(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(file_stages, "flagger_for", lambda enhancer, prepared: Spots())
    outputs = Outputs([tmp_path / "out.dcm"], tmp_path / "out.npz", trust_card=tmp_path / "card.html")
    model = checkpoint(Scale(0.6, -0.1))
    report = enhance_file(stored.clip, outputs, model, KEPT, fan_sector())
    with (
        np.load(make_export(asked(stored, "npz"), tmp_path)) as expected,
        np.load(tmp_path / "out.npz") as got,
    ):
        assert np.array_equal(got["enhanced"], expected["enhanced"])
        assert got["original_kept_where_flagged"]
        for name in ("difference", "removed_added", "cycle_error"):
            np.testing.assert_allclose(got[name], expected[name], rtol=2e-3, atol=0.05)
        assert got.files == expected.files
        for name in ("amber", "red", "flagged", "hidden_walls"):
            np.testing.assert_array_equal(got[name], expected[name])
    page = stored.report_at(0.5, keep=True)
    assert report.settings["keep_original"] is True
    assert report.warnings == page.warnings
    mean = page.diagnostics["difference"]["mean"]
    assert report.diagnostics["difference"]["mean"] == pytest.approx(mean, abs=1e-2)
    assert SAID in pydicom.dcmread(tmp_path / "out.dcm").DerivationDescription
    assert "original was kept" in (tmp_path / "card.html").read_text()


def test_a_file_without_calibration_is_refused_before_anything_is_written(stored, tmp_path):
    with pytest.raises(SettingsError, match="has no calibration"):
        enhance_file(stored.clip, Outputs([tmp_path / "out.mp4"]), checkpoint(Scale(0.6)), KEPT, fan_sector())
    assert not list(tmp_path.iterdir())
