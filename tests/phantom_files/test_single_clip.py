"""A single simulated clip: its name says what it shows, and its truth lies beside it."""

import json

import numpy as np

from echogan.clips.files import open_clip
from echogan.phantom_files import single_clip
from echogan.phantom_files.single_clip import SimulatedClip


def test_another_seed_degradation_or_phantom_has_another_file(monkeypatch):
    one = SimulatedClip("A4C", 1, ("haze",))
    others = [
        SimulatedClip("A2C", 1, ("haze",)),
        SimulatedClip("A4C", 2, ("haze",)),
        SimulatedClip("A4C", 1, ("noise",)),
    ]
    names = {clip.stem for clip in [one, *others]}
    monkeypatch.setattr(single_clip, "PHANTOM_VERSION", "9.9")
    assert len(names | {one.stem}) == 5


def test_the_clip_its_truth_and_its_scale_are_written_together(tmp_path):
    one = SimulatedClip("A4C", 1, ("haze",))
    one.write(tmp_path, 2)
    poor, clean = (open_clip(tmp_path / one.file_name(kind)) for kind in ("degraded", "clean"))
    assert (poor.frames, poor.height) == (clean.frames, clean.height) == (2, 256)
    assert np.abs(poor.read().frames.astype(float) - clean.read().frames).mean() > 2
    assert 0.2 < json.loads((tmp_path / one.facts_name).read_text())["spacing_mm"] < 1.5
    assert len(list(tmp_path.iterdir())) == 3
