"""The confidence: rising with the score, and the calibration that it is read from."""

import numpy as np
import pytest

from echogan.clips.sector.evidence import Evidence
from echogan.clips.sector.fan_fit import Fit
from echogan.clips.sector.sector_confidence import calibration, sector_confidence, sector_score
from eval.fans.calibration import curve, score_of


def evidence(agree: float) -> Evidence:
    return Evidence(None, agree, True, (0, 0, 9, 9), 0.0, 1, ())


def test_more_agreement_is_never_less_confidence():
    shown = [sector_confidence(Fit(fit), None, evidence(0.95)) for fit in np.linspace(0, 1, 50)]
    assert (np.diff(shown) >= 0).all()
    assert shown[0] == 0
    assert 0.9 < shown[-1] <= 1


def test_lit_tissue_speaks_for_a_fan_but_never_against_it():
    doubtful = sector_score(Fit(0.8), None, evidence(0.9))
    assert sector_score(Fit(0.8), Fit(0.98), evidence(0.9)) > doubtful
    assert sector_score(Fit(0.8), Fit(0.5), evidence(0.9)) == doubtful


def test_the_calibration_rises_and_is_read_backwards():
    scores, overlaps = calibration()
    assert (np.diff(scores) > 0).all()
    assert (np.diff(overlaps) > 0).all()
    assert score_of(np.interp(0.8, scores, overlaps)) == pytest.approx(0.8)


def test_the_curve_finds_the_mean_overlap_of_a_score():
    rng = np.random.default_rng(0)
    score = rng.uniform(0.5, 1, 4000)
    pairs = np.stack([score, score**2 + rng.normal(0, 0.02, 4000)], 1)
    scores, overlaps = curve(pairs, 8)
    assert np.array(overlaps[1:]) == pytest.approx(np.array(scores[1:]) ** 2, abs=0.01)
