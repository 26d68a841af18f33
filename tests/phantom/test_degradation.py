"""Drawing a degradation: ranges, switches, seeds, and the rule for frames that show nothing."""

import json
from dataclasses import fields, replace

import pytest
import torch

from echogan.core.errors import SettingsError
from echogan.phantom.artefacts.degradation import (
    ARTEFACTS,
    Degradation,
    DegradationSettings,
    draw_degradation,
    only,
    shows_tissue,
)
from echogan.phantom.draw import Draw

SETTINGS = DegradationSettings()
# Artefact -> the field of Degradation that tells whether it is there.
TOLD_BY = {
    "aberration": "aberration_rad", "aperture": "aperture", "side_lobes": "side_lobes_db",
    "drop_out": "drop_out_db", "haze": "haze_db", "near_clutter": "near_clutter_db", "streaks": "streaks_db",
    "reverberation": "reverberation_db", "shadow": "shadows", "edge_loss": "edge_loss_db",
    "attenuation": "attenuation_db_cm", "noise": "noise_db", "dynamic_range": "dynamic_range",
    "gain": "gain_db", "gamma": "gamma", "smoothing": "smoothing", "persistence": "persistence",
    "frame_hold": "frame_hold", "jpeg": "jpeg_quality", "down_up": "down_up_px",
}  # fmt: skip
NEVER = (None, ())


def present(degradation: Degradation) -> set[str]:
    return {name for name, told in TOLD_BY.items() if getattr(degradation, told) not in NEVER}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_each_artefact_has_a_switch_of_its_own(name):
    assert present(draw_degradation(Draw(3), only(SETTINGS, name))) == {name}


def test_switches_compose_and_keep_every_strength():
    """An artefact is as strong alone as in company, so that sheets and ablations compare like with like."""
    everything = draw_degradation(Draw(4), only(SETTINGS, *ARTEFACTS))
    assert present(everything) == set(ARTEFACTS)
    assert present(draw_degradation(Draw(4), only(SETTINGS))) == set()
    for name in ARTEFACTS:
        alone = draw_degradation(Draw(4), only(SETTINGS, name))
        assert getattr(alone, TOLD_BY[name]) == getattr(everything, TOLD_BY[name])
        assert alone.pattern_seed == everything.pattern_seed


def test_unknown_artefact_is_refused_by_name():
    with pytest.raises(SettingsError, match="no artefact 'fog'"):
        only(SETTINGS, "haze", "fog")


def test_draws_stay_within_the_ranges_and_reach_both_ends():
    drawn = [draw_degradation(Draw(seed), only(SETTINGS, *ARTEFACTS)) for seed in range(200)]
    for name, (low, high) in {
        "haze_db": SETTINGS.haze_db,
        "jpeg_quality": SETTINGS.jpeg_quality,
        "down_up_px": SETTINGS.down_up_px,
    }.items():
        values = [getattr(d, name) for d in drawn]
        assert low <= min(values) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < max(values) <= high
    assert {d.frame_hold for d in drawn} == {2, 3}
    assert {len(d.shadows) for d in drawn} == {1, 2}
    assert all(10 <= s.loss_db <= 35 for d in drawn for s in d.shadows)
    assert all(0 <= loss <= 22 for d in drawn for loss in d.edge_loss_db or ())


def test_artefacts_come_as_often_as_their_chance_says():
    settings = replace(SETTINGS, haze_chance=0.9, shadow_chance=0.2)
    drawn = [draw_degradation(Draw(seed), settings) for seed in range(400)]
    assert sum(d.haze_db is not None for d in drawn) / 400 == pytest.approx(0.9, abs=0.06)
    assert sum(bool(d.shadows) for d in drawn) / 400 == pytest.approx(0.2, abs=0.08)


def test_one_seed_gives_one_degradation():
    assert draw_degradation(Draw(9), SETTINGS) == draw_degradation(Draw(9), SETTINGS)
    assert draw_degradation(Draw(9), SETTINGS) != draw_degradation(Draw(10), SETTINGS)


def test_json_holds_every_number():
    degradation = draw_degradation(Draw(5), only(SETTINGS, *ARTEFACTS))
    told = json.loads(json.dumps(degradation.to_json()))
    assert set(told) == {f.name for f in fields(Degradation)}
    assert told["shadows"][0]["loss_db"] == degradation.shadows[0].loss_db


def test_every_setting_says_what_it_is_and_starts_within_its_limits():
    for setting in fields(DegradationSettings):
        assert setting.metadata["help"]
        value = getattr(SETTINGS, setting.name)
        low, high = value if isinstance(value, tuple) else (value, value)
        assert setting.metadata["min"] <= low <= high <= setting.metadata["max"], setting.name


@pytest.mark.parametrize(
    ("mean", "spread", "shown"),
    [(60, 30, True), (4, 3, False), (160, 30, False), (60, 5, False), (15, 16, True)],
)
def test_near_black_and_grey_floods_are_told_apart(mean, spread, shown):
    """Half of the sector lies a spread above the mean, half below; what lies outside does not count."""
    frame = torch.full((40, 40), 255, dtype=torch.uint8)
    inside = torch.zeros(40, 40, dtype=torch.bool)
    inside[:20] = True
    frame[:10], frame[10:20] = max(0, mean - spread), mean + spread
    assert shows_tissue(frame, inside) is shown
