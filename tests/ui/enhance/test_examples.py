"""The example clips: one per view, each poor in another way, made once, and really simulated."""

import pytest

from echogan.clips.files import open_clip
from echogan.phantom.artefacts.degradation import ARTEFACTS
from echogan.ui.enhance import examples
from echogan.ui.enhance.examples import EXAMPLES, example_path

SIMULATED = [example for example in EXAMPLES if example.clip is not None]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "app_folder", lambda name: tmp_path)
    return tmp_path


def test_there_is_one_of_each_of_four_views_and_no_two_are_poor_alike():
    assert [example.clip.view for example in SIMULATED] == ["A4C", "A2C", "PLAX", "PSAX-PM"]
    first = [example.clip.artefacts[0] for example in SIMULATED]
    assert len(set(first)) == 4
    for example in SIMULATED:
        assert set(example.clip.artefacts) <= set(ARTEFACTS)
        view = example.clip.view.split("-")[0]
        assert example.label.startswith(f"Simulated {view}: ")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_an_example_opens_and_is_made_once(cache, monkeypatch, example):
    monkeypatch.setattr(examples, "FRAMES", 3)
    path = example_path(example)
    clip = open_clip(path)
    assert clip.frames == (30 if example.clip is None else 3)
    frame = next(iter(clip.decode()))
    if example.clip is not None:
        assert 12 < frame.mean() < 120  # neither black nor a flood
    before = path.read_bytes()
    path.write_bytes(b"kept")
    assert example_path(example).read_bytes() == b"kept"
    assert before != b"kept"
    assert [found.name for found in cache.iterdir()] == [path.name]
