"""A single simulated clip: its name says what it shows."""

from echogan.phantom_files import single_clip
from echogan.phantom_files.single_clip import SimulatedClip


def test_another_seed_degradation_or_phantom_has_another_file(monkeypatch):
    one = SimulatedClip("A4C", 1, ("haze",))
    others = [
        SimulatedClip("A2C", 1, ("haze",)),
        SimulatedClip("A4C", 2, ("haze",)),
        SimulatedClip("A4C", 1, ("noise",)),
    ]
    names = {clip.file_name for clip in [one, *others]}
    monkeypatch.setattr(single_clip, "PHANTOM_VERSION", "9.9")
    assert len(names | {one.file_name}) == 5
