"""A new map is one entry of MAP_STYLES: figure, arrays, report, command line and player take it from there."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle

from echogan.cli import enhance as command
from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip, write_clip
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.trust import map_figure
from echogan.trust.map_styles import MAP_STYLES
from echogan.ui.enhance.map_details import curve_detail, map_detail

torch.set_num_threads(1)
THIRD = replace(
    MAP_STYLES["cycle_error"],
    label="Constant seven",
    title="seven everywhere",
    compute=lambda frames: np.where(frames.tissue, np.float32(7), np.float32(0)) + 0 * frames.x,
    colormap="viridis",
    line="#123456",
    shows="Seven.",
    misses="All else.",
)


@pytest.fixture
def third(monkeypatch) -> str:
    monkeypatch.setitem(MAP_STYLES, "third", THIRD)
    return "third"


def test_one_entry_is_enough(third, tmp_path, monkeypatch):
    frames = np.where(fan_sector().mask, speckle(3), 0).astype(np.uint8)
    path = tmp_path / "clip.gif"
    write_clip(path, frames, ClipFile(path, "video", 3, 96, 120, 25.0, False, lambda: iter(frames)))
    drawn = []
    panel = map_figure._panel
    monkeypatch.setattr(map_figure, "_panel", lambda *given: drawn.append(given[3:5]) or panel(*given))
    outputs = Outputs(
        arrays=tmp_path / "a.npz",
        report=tmp_path / "a.json",
        figure=tmp_path / "a.png",
    )
    settings = EnhanceSettings(device="cpu", working_size=64)
    report = enhance_file(open_clip(path), outputs, checkpoint(Scale(0.5)), settings, fan_sector())

    assert ("mean seven everywhere", "viridis") in drawn
    with np.load(tmp_path / "a.npz") as arrays:
        assert (arrays[third][:, arrays["working_mask"]] == 7).all()
        assert not arrays[third][:, ~arrays["working_mask"]].any()
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["diagnostics"][third]["mean"] == pytest.approx(7)
    assert written["diagnostics"][third]["shows"] == "Seven."
    assert "signed_mean" not in written["diagnostics"][third]
    assert written["per_frame"][third] == pytest.approx([7, 7, 7])
    assert "constant seven 7.0" in command._summary(tmp_path / "a.mp4", report)
    view = map_detail(third, THIRD, (0, 0, 1, 1))
    assert (view["label"], view["title"], view["hint"]) == (
        "Constant seven",
        "Seven everywhere",
        "Seven. All else.",
    )
    assert view["legend"] == THIRD.legend()
    curve = curve_detail(third, report.per_frame[third])
    assert (curve["label"], curve["color"]) == ("Constant seven", "#123456")
