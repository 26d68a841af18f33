"""The pipeline: every output of one pass, the report, the arrays; and nothing left after a failure."""

import json
import os
import stat
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from counted_clips import count_clips
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle

import echogan
from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip, write_clip
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import Cancelled, OutputError, SettingsError, UnreadableClip
from echogan.core.geometry import Fan, Sector
from echogan.core.notice import IN_FULL
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.working_space import WorkingSpace
from echogan.trust.map_styles import MAP_STYLES

torch.set_num_threads(1)
CPU = EnhanceSettings(device="cpu", batch_size=4, working_size=64)
HALVE = checkpoint(Scale(0.5), Scale(1.5))


@pytest.fixture(scope="module")
def moving() -> np.ndarray:
    """Texture in a fan, a bright mark outside it: uint8 (10, 96, 120)."""
    frames = np.where(fan_sector().mask, speckle(10), 0).astype(np.uint8)
    frames[:, 2:8, 2:8] = 255
    return frames


@pytest.fixture(scope="module")
def source(moving, tmp_path_factory):
    """A lossless clip on disk: a GIF of grey frames."""
    path = tmp_path_factory.mktemp("source") / "Doe^Jane 1970.gif"
    like = ClipFile(path, "video", 10, 96, 120, 25.0, False, lambda: iter(moving))
    write_clip(path, moving, like)
    return path


def every_output(folder) -> Outputs:
    return Outputs(
        clips=[folder / name for name in ("a.mp4", "a.webm", "a.gif", "a.npz", "a.dcm", "frames")],
        arrays=folder / "arrays.npz",
        report=folder / "report.json",
        figure=folder / "figure.png",
    )


@pytest.fixture(scope="module")
def done(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    counted = []
    enhance_file(source, every_output(folder), HALVE, CPU, fan_sector(), lambda *now: counted.append(now))
    assert counted[-1] == (10, 10)
    return folder


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif"])
def test_clips_keep_count_size_and_rate(done, name):
    clip = open_clip(done / name)
    assert (clip.frames, clip.height, clip.width) == (10, 96, 120)
    assert clip.fps == pytest.approx(25, rel=0.01)


def test_every_output_is_there_and_nothing_else(done):
    assert len(list((done / "frames").glob("*.png"))) == 10
    expected = {path.name for path in every_output(done).paths()}
    assert {path.name for path in done.iterdir()} == expected


def test_arrays(done, moving):
    with np.load(done / "arrays.npz") as arrays:
        mask = fan_sector().tissue_mask
        np.testing.assert_array_equal(arrays["tissue_mask"], mask)
        np.testing.assert_array_equal(arrays["original"], moving)
        assert arrays["enhanced"].dtype == np.uint8
        np.testing.assert_array_equal(arrays["enhanced"][:, ~mask], moving[:, ~mask])
        changed = np.abs(arrays["enhanced"].astype(int) - moving)[:, mask].mean()
        shape = (10, *arrays["working_mask"].shape)
        for name in ("difference", "cycle_error"):
            assert arrays[name].dtype == np.float16
            assert arrays[name].shape == shape
            assert not arrays[name][:, ~arrays["working_mask"]].any()
        inside = np.abs(arrays["difference"].astype(float))[:, arrays["working_mask"]].mean()
        assert changed == pytest.approx(inside, rel=0.1)


def test_report_agrees_with_the_arrays(done):
    report = json.loads((done / "report.json").read_text())
    with np.load(done / "arrays.npz") as arrays:
        inside = {name: np.abs(arrays[name].astype(float))[:, arrays["working_mask"]] for name in MAP_STYLES}
        signed = arrays["difference"].astype(float)[:, arrays["working_mask"]].mean()
    for name, values in inside.items():
        # Halving is a change of tone, so one map is nearly zero: its numbers are as exact as they are rounded.
        rounding, half_step = 5e-5, 0.5 * 255 / 4080 + 1e-4
        assert report["diagnostics"][name]["mean"] == pytest.approx(values.mean(), rel=2e-3, abs=rounding)
        p99 = np.percentile(values, 99)
        assert report["diagnostics"][name]["p99"] == pytest.approx(p99, rel=0.02, abs=half_step)
        np.testing.assert_allclose(report["per_frame"][name], values.mean(1), rtol=2e-3, atol=rounding)
    assert report["diagnostics"]["difference"]["signed_mean"] == pytest.approx(signed, rel=2e-3)


def test_halving_gives_closed_form_numbers(done):
    # y = x / 2 and to_low(y) = 3 x / 4, so |y - x| = |x| / 2 and |x - cycled| = |x| / 4 at every pixel.
    report = json.loads((done / "report.json").read_text())
    difference, cycle = report["diagnostics"]["difference"], report["diagnostics"]["cycle_error"]
    assert difference["mean"] == pytest.approx(2 * cycle["mean"], rel=1e-3)
    assert difference["p99"] == pytest.approx(2 * cycle["p99"], rel=0.02)
    assert 5 < difference["mean"] < 64


def test_report_has_everything(done):
    text = (done / "report.json").read_text()
    report = json.loads(text)
    assert report["input"] == {
        "kind": "gif", "frames": 10, "fps": 25.0, "width": 120, "height": 96, "spacing_mm": None
    }  # fmt: skip
    assert report["sector"]["kind"] == "fan"
    assert report["sector"]["confidence"] == 0.95
    assert report["sector"]["coverage"] == pytest.approx(fan_sector().coverage, abs=1e-4)
    assert report["sector"]["fan"]["right_deg"] == 38
    assert report["model"] == {
        "name": "fake",
        "sha256": "ab" * 32,
        "source": "fake",
        "revision": None,
        "license": "MIT",
        "gain": 1.0,
        "haze_gain": 0.0,
        "caution": 0.0,
        "dark_level": 0.0,
        "keep_walls": 0.0,
    }
    assert (report["device"], report["backend"], report["strength"]) == ("cpu", "torch", 1.0)
    assert report["settings"]["working_size"] == 64
    for name in ("decode_s", "enhance_s", "diagnose_s", "encode_s", "frames_per_s"):
        assert report["timing"][name] > 0
    parts = [
        report["timing"][f"{name}_s"]
        for name in ("decode", "enhance", "diagnose", "trust", "encode", "prepare")
    ]
    assert max(parts) < report["timing"]["total_s"]
    assert sum(parts) > 0.7 * report["timing"]["total_s"], "at every moment one part at least goes on"
    assert report["version"] == echogan.__version__
    assert report["notice"] == IN_FULL
    assert isinstance(report["warnings"], list)
    assert "Doe" not in text


def test_half_strength_halves_the_difference_and_leaves_the_cycle_error(source):
    full = enhance_file(source, Outputs(), HALVE, CPU, fan_sector()).diagnostics
    settings = EnhanceSettings(strength=0.5, device="cpu", working_size=64)
    half = enhance_file(source, Outputs(), HALVE, settings, fan_sector()).diagnostics
    assert half["difference"]["mean"] == pytest.approx(full["difference"]["mean"] / 2, rel=1e-3)
    assert half["cycle_error"]["mean"] == pytest.approx(full["cycle_error"]["mean"], rel=1e-3)


def test_same_input_same_files(source, done, tmp_path):
    again = Outputs(clips=[tmp_path / "a.mp4"], arrays=tmp_path / "a.npz", figure=tmp_path / "a.png")
    enhance_file(source, again, HALVE, CPU, fan_sector())
    assert (tmp_path / "a.mp4").read_bytes() == (done / "a.mp4").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (done / "figure.png").read_bytes()
    with np.load(tmp_path / "a.npz") as one, np.load(done / "arrays.npz") as two:
        for name in one.files:
            np.testing.assert_array_equal(one[name], two[name])


def test_blackout_holds_for_clips_and_arrays(source, tmp_path):
    outputs = Outputs(clips=[tmp_path / "a.gif"], arrays=tmp_path / "a.npz")
    enhance_file(source, outputs, HALVE, CPU, fan_sector(), write=WriteOptions(blackout=True))
    outside = ~fan_sector().tissue_mask
    assert not open_clip(tmp_path / "a.gif").read().frames[:, outside].any()
    with np.load(tmp_path / "a.npz") as arrays:
        assert not arrays["original"][:, outside].any()
        assert not arrays["enhanced"][:, outside].any()


def test_a_fan_by_hand_is_used(source):
    report = enhance_file(source, Outputs(), HALVE, CPU, Fan((60, 2), -20, 20, 5, 70))
    assert report.sector["fan"]["right_deg"] == 20
    assert report.sector["fan"]["r_max"] == 70


def test_the_sector_is_found_where_none_is_given(source):
    report = enhance_file(source, Outputs(), HALVE, CPU)
    assert report.sector["kind"] in ("fan", "rectangle", "whole")
    assert report.sector["coverage"] > 0.2


@pytest.mark.parametrize("why", ["cancel", "error"])
def test_nothing_is_left_when_it_does_not_end(source, tmp_path, why):
    cancel = threading.Event()

    def after_one_batch(now: int, total: int) -> None:
        if why == "error":
            raise RuntimeError("from the caller")
        cancel.set()

    with pytest.raises(Cancelled if why == "cancel" else RuntimeError):
        enhance_file(source, every_output(tmp_path), HALVE, CPU, fan_sector(), after_one_batch, cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_input_leaves_nothing(tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a clip")
    with pytest.raises(UnreadableClip):
        enhance_file(bad, Outputs(clips=[tmp_path / "a.mp4"], report=tmp_path / "r.json"), HALVE, CPU)
    assert list(tmp_path.iterdir()) == [bad]


def test_outputs_that_would_overwrite_each_other_are_refused(source, tmp_path):
    with pytest.raises(OutputError, match="is the input"):
        enhance_file(source, Outputs(clips=[source]), HALVE, CPU)
    twice = Outputs(clips=[tmp_path / "a.npz"], arrays=tmp_path / "." / "a.npz")
    with pytest.raises(OutputError, match="asked for twice"):
        enhance_file(source, twice, HALVE, CPU)


def test_an_output_inside_a_folder_of_frames_is_refused(source, tmp_path):
    outputs = Outputs(clips=[tmp_path / "frames"], arrays=tmp_path / "frames" / "a.npz")
    with pytest.raises(OutputError, match="lies inside the PNG folder"):
        enhance_file(source, outputs, HALVE, CPU, fan_sector())
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_file_is_not_replaced(source, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="no plain file"):
        enhance_file(source, Outputs(report=pipe), HALVE, CPU, fan_sector())
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_blackout_without_a_sector_says_that_nothing_was_black(source, tmp_path):
    whole = np.ones((96, 120), bool)
    sector = Sector("whole", whole, np.zeros_like(whole), 0.0)
    report = enhance_file(source, Outputs(), HALVE, CPU, sector, write=WriteOptions(blackout=True))
    assert any("nothing was made black" in warning for warning in report.warnings)
    report = enhance_file(source, Outputs(), HALVE, CPU, fan_sector(), write=WriteOptions(blackout=True))
    assert not any("nothing was made black" in warning for warning in report.warnings)


def test_a_dicom_without_a_sector_says_that_names_remain(source, tmp_path):
    whole = np.ones((96, 120), bool)
    sector, outputs = Sector("whole", whole, np.zeros_like(whole), 0.0), Outputs(clips=[tmp_path / "a.dcm"])
    report = enhance_file(source, outputs, HALVE, CPU, sector)
    assert any("names in the picture remain" in warning for warning in report.warnings)
    write = WriteOptions(keep_identity=True)  # on purpose
    report = enhance_file(source, Outputs(clips=[tmp_path / "b.dcm"]), HALVE, CPU, sector, write=write)
    assert not any("names in the picture remain" in warning for warning in report.warnings)


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_a_full_memory_is_a_sentence_and_leaves_nothing(source, tmp_path, error):
    class Greedy(Scale):
        def forward(self, x):
            raise error

    with pytest.raises(SettingsError, match="memory did not suffice"):
        enhance_file(source, Outputs(clips=[tmp_path / "a.mp4"]), checkpoint(Greedy(0.5)), CPU, fan_sector())
    assert list(tmp_path.iterdir()) == []


def test_a_clip_is_opened_once_and_decoded_for_its_sector_and_for_its_enhancing(source, monkeypatch):
    built = []
    really = WorkingSpace.__init__
    monkeypatch.setattr(WorkingSpace, "__init__", lambda self, *given: built.append(really(self, *given)))
    counts = count_clips(monkeypatch)
    enhance_file(source, Outputs(), HALVE, CPU)
    assert counts == {"opened": 1, "decoded": 2}
    assert len(built) == 1
    clip = open_clip(source)
    counts.clear()
    enhance_file(clip, Outputs(), HALVE, CPU, fan_sector())
    assert counts == {"decoded": 1}
    # A sector made by hand knows no grey levels: one sample, for the grey curve and the report together.
    counts.clear()
    enhance_file(
        clip, Outputs(), replace(HALVE, config=replace(HALVE.config, canonical_grey=True)), CPU, fan_sector()
    )
    assert counts == {"decoded": 2}
