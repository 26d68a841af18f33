"""The confidence: rising with the score, and the calibration that it is read from."""

import numpy as np
import pytest

from echogan.clips.sector.fan_fit import Fit
from echogan.clips.sector.sector_confidence import calibration, sector_confidence
from eval.fans.calibration import curve, score_of


def test_the_sharper_a_shape_is_seen_the_more_confidence():
    shown = [sector_confidence(Fit(fit)) for fit in np.linspace(0, 1, 50)]
    assert (np.diff(shown) >= 0).all()
    assert shown[0] == 0
    assert 0.9 < shown[-1] <= 1


def test_the_calibration_rises_and_is_read_backwards():
    scores, overlaps = calibration()
    assert (np.diff(scores) > 0).all()
    assert (np.diff(overlaps) > 0).all()
    assert score_of(np.interp(0.8, scores, overlaps)) == pytest.approx(0.8)


def test_four_of_five_fans_of_a_score_overlap_at_least_as_its_confidence_says():
    rng = np.random.default_rng(0)
    score = rng.uniform(0.5, 1, 4000)
    pairs = np.stack([score, score**2 + rng.normal(0, 0.02, 4000)], 1)
    scores, overlaps = curve(pairs, 8)
    told = np.interp(pairs[:, 0], scores, overlaps)
    inside = (score > scores[1]) & (score < scores[-1])
    assert (pairs[inside, 1] >= told[inside]).mean() == pytest.approx(0.8, abs=0.06)
