"""Calibration: losses by hand, both promises of the thresholds, and a whole one on drawn clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import enhancer_of, lesion_clip, through

from echogan.calibration import calibrate as module
from echogan.calibration.calibrate import (
    AMBER_FLAGS,
    THRESHOLDS,
    Losses,
    calibrate,
    flagged,
    losses,
    missed,
    thresholds,
)
from echogan.calibration.examples import swapped
from echogan.calibration.settings import CalibrationSettings
from echogan.core.errors import Cancelled, SettingsError
from echogan.trust.fusion import fusion_sha256


def at(loss, threshold):
    return loss[np.searchsorted(THRESHOLDS, threshold)]


def test_what_is_missed_and_flagged_is_counted_where_it_is_known():
    ill, control = swapped(through(torch.nn.Identity()))
    erased, none = ill.truth.erased, np.zeros(ill.tissue.shape)
    half = np.where(np.cumsum(erased).reshape(erased.shape) <= erased.sum() // 2, 0.8, 0.1) * erased
    assert at(missed(ill, half, none), 0.5) == pytest.approx(0.5, abs=0.01)
    assert at(missed(ill, half, none), 0.05) == 0
    # The other kind does not count: an erased lesion that is called invented is missed.
    assert at(missed(ill, none, half), 0.5) == 1
    everywhere = np.full(ill.tissue.shape, 0.4)
    assert at(flagged(control, everywhere, none), 0.3) == 1
    assert at(flagged(control, everywhere, none), 0.5) == 0
    own, _ = through(torch.nn.Identity())
    assert missed(own, none, none) is None


def drawn(rng, count, hard):
    """Losses of clips whose errors and faithful pixels have scores of their own distributions."""
    found = []
    for _ in range(count):
        wrong = np.sort(np.clip(rng.normal(0.8 - hard, 0.1, 50), 0, 1))
        calm = np.sort(np.clip(rng.normal(0.2, 0.05, 400), 0, 1))
        found.append(
            Losses(np.searchsorted(wrong, THRESHOLDS) / 50, 1 - np.searchsorted(calm, THRESHOLDS) / 400)
        )
    return found


@pytest.mark.parametrize("hard", [0.0, 0.5])
def test_both_promises_hold_on_fresh_clips(hard):
    rng = np.random.default_rng(2)
    amber, red = thresholds(drawn(rng, 200, hard))
    assert 0 < amber <= red
    fresh = drawn(rng, 200, hard)
    assert np.mean([at(one.missed, amber) for one in fresh]) <= 0.11
    assert np.mean([at(one.flagged, red) for one in fresh]) <= 0.011


def test_amber_flags_its_share_where_known_errors_are_easily_found():
    rng = np.random.default_rng(2)
    easy = drawn(rng, 400, 0.0)
    amber, red = thresholds(easy)
    assert amber < red
    assert np.mean([at(one.missed, red) for one in easy]) < 0.01, "red alone would keep the promise of amber"
    assert 0.02 < np.mean([at(one.flagged, amber) for one in easy]) <= AMBER_FLAGS


def test_too_few_clips_make_nothing_red_or_no_calibration():
    few = drawn(np.random.default_rng(2), 20, 0.0)
    assert thresholds(few)[1] == 1.0
    with pytest.raises(SettingsError, match="Give more clips"):
        thresholds([replace(one, missed=None) for one in few])


def test_a_calibration_names_its_weights_and_counts_its_clips(monkeypatch):
    monkeypatch.setattr(module, "calibration_clips", lambda count: [lesion_clip()] * 100)
    seen = []
    enhancer = enhancer_of(torch.nn.Identity())
    made = calibrate(enhancer, CalibrationSettings(20), lambda done, total: seen.append((done, total)))
    found = made.calibration
    assert len(made.reference.features) == 100
    assert made.reference.percentile("removed", 2.0) == 100
    assert (found.generator, found.fusion) == (enhancer.checkpoint.sha256, fusion_sha256())
    assert found.clips == {"with known errors": 100, "faithful": 100}
    assert seen[-1] == (200, 200)
    assert 0 < found.amber <= found.red <= 1
    one = losses(lesion_clip(), enhancer)
    assert at(one.missed, found.amber) <= 0.1
    assert at(one.flagged, found.red) <= 0.01


def test_a_calibration_can_be_stopped(monkeypatch):
    import threading

    monkeypatch.setattr(module, "calibration_clips", lambda count: [lesion_clip()])
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        calibrate(enhancer_of(torch.nn.Identity()), CalibrationSettings(), cancel=stop)


def test_the_clips_are_of_all_kinds(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "lesion_clips", lambda kind, *rest: asked.append(kind) or iter([kind]))
    assert list(module.calibration_clips(3)) == asked == list(module.LESIONS)
