"""The DICOM files that once failed, where they are at hand: what was wrong with each is read right, and told."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from fake_checkpoint import Scale, checkpoint

from echogan.cli.main import main
from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip
from echogan.core.errors import UnsupportedClip
from echogan.model.checkpoints import hub

torch.set_num_threads(1)
FAILING = Path(__file__).resolve().parents[3] / "shared" / "failing"
SIZE = (180, 240)
pytestmark = pytest.mark.skipif(not FAILING.is_dir(), reason="the files that failed are not at hand")


def opened(name: str) -> ClipFile:
    found = sorted(FAILING.glob(f"{name}_*.dcm"))
    if not found:
        pytest.skip(f"{name} is not at hand")
    return open_clip(found[0])


def is_grey_with_a_green_line(frames: np.ndarray) -> bool:
    """Grey but for the ECG in the lowest part, which is green."""
    picture = frames.astype(int)
    spread = picture.max(-1) - picture.min(-1)
    line = picture[:, 155:][spread[:, 155:] > 60]
    green = (line[:, 1] - line[:, [0, 2]].max(-1) > 40).mean()
    return bool((spread[:, :150] < 25).mean() > 0.995 and len(line) and green > 0.9)


# name: frames, frames per second, a word of its warning ("" for none)
RIGHT = {
    "f01": (8, 25.0, "colour label"),
    "f02": (1, None, "colour label"),
    "f06": (4, 25.0, "number of frames"),
    "f06b": (8, 25.0, "number of frames"),
    "f07": (8, 25.0, "more frames"),
    "f07b": (7, 25.0, "more frames"),
    "f12": (1, None, "fewer frames"),
    "f14": (4, 25.0, ""),
    "f19": (8, 25.0, ""),
    "f20": (8, 50.0, ""),
    "f21": (2, 25.0, "grey values"),
    "f22": (4, 25.0, "number of bits"),
    "f27": (8, 25.0, "how its colours are stored"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_frames_rate_and_warning(name: str):
    frames, fps, told = RIGHT[name]
    clip = opened(name)
    assert (clip.frames, clip.fps, clip.height, clip.width) == (frames, fps, *SIZE)
    assert [told in warning for warning in clip.warnings] == ([True] if told else [])
    assert len(clip.read().frames) == frames


@pytest.mark.parametrize("name", [name for name in RIGHT if name not in ("f06", "f14", "f21", "f22")])
def test_colours_are_those_of_the_picture(name: str):
    assert is_grey_with_a_green_line(opened(name).read().frames)


@pytest.mark.parametrize("name", ["f14", "f21"])
def test_stored_values_are_shown(name: str):
    clip = opened(name)
    assert np.array_equal(clip.read().frames, pydicom.dcmread(clip.path).pixel_array)


def test_values_over_the_stated_bits_are_clipped():
    clip = opened("f22")
    with clip.path.open("rb") as file:
        file.seek(-4 * SIZE[0] * SIZE[1], 2)
        stored = np.frombuffer(file.read(), np.uint8).reshape(4, *SIZE)
    assert stored.max() > 127
    assert np.array_equal(clip.read().frames, np.rint(np.minimum(stored, 127) / 127 * 255))


def test_raw_data_only_is_said():
    with pytest.raises(UnsupportedClip, match="raw data and no picture; export"):
        opened("f26")


@pytest.mark.parametrize("name", ["f01", "f07b", "f12", "f22"])
def test_the_command_line_takes_them(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5)))
    clip = opened(name)
    arguments = ["enhance", clip.path, tmp_path / "out.dcm", "--working-size", "64", "--device", "cpu"]
    assert main([str(argument) for argument in arguments]) == 0
    assert "Traceback" not in capfd.readouterr().err
    assert open_clip(tmp_path / "out.dcm").frames == clip.frames


def test_the_command_line_refuses_raw_data(tmp_path: Path, capfd):
    path = sorted(FAILING.glob("f26_*.dcm"))
    if not path:
        pytest.skip("f26 is not at hand")
    assert main(["enhance", str(path[0]), str(tmp_path / "out.mp4"), "--device", "cpu"]) == 2
    assert "raw data" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
