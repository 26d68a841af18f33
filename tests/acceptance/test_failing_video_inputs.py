"""Videos, GIFs and pixel shapes that once failed: each file of ../shared/failing gives the right value of its table."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint
from PIL import Image
from pydicom import dcmread

from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.clips.write_options import WriteOptions
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs

FAILING = Path(__file__).resolve().parents[3] / "shared" / "failing"
torch.set_num_threads(1)


@pytest.fixture
def failing():
    def path(start: str) -> Path:
        found = sorted(FAILING.glob(f"{start}_*"))
        if not found:
            pytest.skip(f"no ../shared/failing/{start}_* beside the project")
        return found[0]

    return path


def enhanced(source: Path, folder: Path, *names: str) -> dict:
    """Enhance into these clips, arrays.npz and report.json, as the command line does; the report."""
    outputs = Outputs(
        clips=[folder / name for name in names], arrays=folder / "arrays.npz", report=folder / "report.json"
    )
    settings = EnhanceSettings(device="cpu", working_size=64)
    enhance_file(source, outputs, checkpoint(Scale(0.5)), settings, write=WriteOptions())
    return json.loads((folder / "report.json").read_text())


def test_f05_a_grey_gif_in_332_colours_is_enhanced_as_a_grey_clip(failing, tmp_path):
    path = failing("f05")
    clip = open_clip(path)
    assert not clip.color
    assert any("noise" in warning for warning in clip.warnings)
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB")).astype(float)
    luma = np.rint(rgb @ [0.299, 0.587, 0.114])
    assert np.abs(next(iter(clip.iter_frames())) - luma).max() <= 1
    report = enhanced(path, tmp_path, "a.mp4")
    lit = float((clip.read().frames.mean(0) > 8).mean())
    assert report["sector"]["kind"] == "fan"
    assert report["sector"]["coverage"] == pytest.approx(lit, abs=0.05)  # 1.4 % before


@pytest.mark.parametrize("start", ["f10", "f10b"])
def test_f10_the_shape_of_pixels_is_kept(failing, tmp_path, start):
    path = failing(start)
    clip = open_clip(path)
    assert clip.pixel_aspect == pytest.approx(4 / 3)
    sector = find_sector(clip)
    assert sector.fan is not None
    assert sector.fan.aspect == pytest.approx(4 / 3, rel=0.02)
    report = enhanced(path, tmp_path, "a.mp4", "a.webm", "a.gif", "a.npz", "a.dcm", "frames")
    assert report["input"]["pixel_aspect"] == pytest.approx(4 / 3, abs=1e-3)
    for name in ("a.mp4", "a.webm", "a.gif"):
        with av.open(str(tmp_path / name)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == (clip.width, clip.height)
            assert float(stream.sample_aspect_ratio) == pytest.approx(4 / 3, rel=0.01)
    assert [int(side) for side in dcmread(tmp_path / "a.dcm").PixelAspectRatio] == [3, 4]
    assert open_clip(tmp_path / "a.dcm").spacing_mm == clip.spacing_mm
    for name in ("a.npz", "arrays.npz"):
        assert float(np.load(tmp_path / name)["pixel_aspect"]) == pytest.approx(4 / 3)
    assert open_clip(tmp_path / "frames" / "frame_0000.png").pixel_aspect == pytest.approx(4 / 3)


@pytest.mark.parametrize(("start", "frames"), [("f16", 16), ("f17", 8), ("f17b", 8)])
def test_f16_f17_a_wrong_end_plays_with_a_warning(failing, tmp_path, start, frames):
    clip = open_clip(failing(start))
    assert (clip.frames, len(clip.read().frames), clip.fps) == (frames, frames, 25)
    assert len(clip.warnings) == 1
    report = enhanced(failing(start), tmp_path, "a.mp4")
    assert open_clip(tmp_path / "a.mp4").frames == frames
    assert clip.warnings[0] in report["warnings"]


@pytest.mark.parametrize(("start", "fps"), [("f18", 10), ("f18b", 25)])
def test_f18_delays_are_those_of_browsers_and_make_no_stop(failing, tmp_path, start, fps):
    clip = open_clip(failing(start))
    assert clip.fps == pytest.approx(fps)
    assert clip.durations_ms is None
    enhanced(failing(start), tmp_path, "a.mp4")
    assert open_clip(tmp_path / "a.mp4").fps == pytest.approx(fps, rel=0.01)
