"""The methods that evaluations compare: by name, with the hash of each checkpoint, and no name twice."""

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle
from fake_flagger import Spots

from echogan.core.errors import EchoGANError
from eval.measures import baselines


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr(baselines, "load_checkpoint", lambda model: checkpoint(Scale(0.5)))


def test_methods_are_named_and_change_only_the_tissue():
    methods, checkpoints = baselines.make_methods(["any"])
    assert list(methods)[:3] == ["input", "fake", "histogram matching"]
    assert checkpoints == [{"name": "fake", "sha256": "ab" * 32}]
    frames, sector = speckle(2), fan_sector()
    assert np.array_equal(methods["input"](frames, sector), frames)
    for name in ("fake", "non-local means"):
        shown = methods[name](frames, sector)
        assert np.array_equal(shown[:, ~sector.tissue_mask], frames[:, ~sector.tissue_mask])
        assert not np.array_equal(shown, frames)
    assert set(baselines.make_methods(["any"], filters=False)[0]) == {"input", "fake"}


def test_two_checkpoints_of_one_name_are_refused():
    with pytest.raises(EchoGANError, match="Two checkpoints are named fake"):
        baselines.make_methods(["one", "another"])


def test_the_original_is_kept_where_the_calibration_flags_the_result(monkeypatch):
    monkeypatch.setattr(baselines, "calibration_of", lambda checkpoint: object())
    monkeypatch.setattr(baselines, "flagger_for", lambda enhancer, prepared: Spots())
    methods, _ = baselines.make_methods(["any"], filters=False, kept=True)
    assert list(methods) == ["input", "fake", "fake, original kept where flagged"]
    frames, sector = speckle(2, 96, 120), fan_sector(96, 120)
    plain, kept = (methods[name](frames, sector) for name in list(methods)[1:])
    back = (kept == frames) & (plain != frames)
    assert back.any()
    assert ((kept == plain) & (plain != frames)).sum() > back.sum()


def test_nothing_is_kept_of_a_checkpoint_without_a_calibration():
    assert set(baselines.make_methods(["any"], filters=False, kept=True)[0]) == {"input", "fake"}
