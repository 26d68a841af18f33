"""The speed of the phantom: with and without the sketch, and its sentence in the docs."""

import json
import sys

import pytest
import torch

from eval.performance import phantom_speed
from eval.performance.phantom_speed import NOT_MEASURED, PhantomSpeedSettings, measure
from eval.reporting import performance_tables

torch.set_num_threads(1)
SKETCH = """
import numpy as np

def sample_params(rng): return rng.random()
def sample_degr(rng): return rng.random()
def build(seed, parameters, frames): return np.zeros((frames, 8))
def render(clip, degradation, seed): return clip
"""


@pytest.fixture
def sketch(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "fast", raising=False)
    (tmp_path / "fast.py").write_text(SKETCH)
    yield tmp_path
    sys.modules.pop("fast", None)


def test_a_fast_sketch_is_found_to_be_faster(sketch):
    path = list(sys.path)
    result = measure(PhantomSpeedSettings(clips=2, frames=1, sketch=sketch))
    assert result["pairs_per_core_second"]["median"] > 0.1
    assert result["ratio"]["median"] < 0.2
    assert sys.path == path
    sentence = performance_tables.phantom_speed(json.loads(json.dumps(result)))
    assert f"each heart: {result['pairs_per_core_second']['median']:.0f} (10-90 %" in sentence


def test_without_the_sketch_only_the_phantom_is_measured(tmp_path, capsys):
    result = measure(PhantomSpeedSettings(clips=1, frames=1, sketch=tmp_path / "none"))
    assert result["ratio"] == result["sketch_pairs_per_core_second"] == NOT_MEASURED
    assert "There is no sketch in none/" in capsys.readouterr().err
    assert "sketch" not in performance_tables.phantom_speed(result)


def test_a_library_of_the_sketch_may_be_missing(sketch, capsys):
    (sketch / "fast.py").write_text("import no_such_library_at_all\n")
    assert phantom_speed.load_sketch(sketch) is None
    assert "no_such_library_at_all" in capsys.readouterr().err
