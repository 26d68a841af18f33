"""Foreshortening: the long axis of regions of known length, planted steps, and a full run."""

import json

import numpy as np
import pytest
from scipy.stats import semicircular

from eval.reporting import clip_tables
from eval.simulated import foreshortening
from eval.simulated.foreshortening import (
    FORESHORTENED,
    MIXED,
    SAME_FULL_LENGTH,
    ForeshorteningSettings,
    drawn,
    long_axis,
    main,
    summarise,
    toward_full,
)


@pytest.mark.parametrize("angle", [0, 30, 90, 140])
def test_the_long_axis_of_an_ellipse_at_any_angle(angle):
    y, x = np.mgrid[-60:61, -60:61]
    turn = np.deg2rad(angle)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    ellipse = (along / 50) ** 2 + (across / 20) ** 2 < 1
    projected = semicircular.ppf(0.99)  # how the area of an ellipse lies along its axis
    assert long_axis(ellipse) == pytest.approx(100 * projected, abs=2)  # a pixel at either end
    longer = (along / 55) ** 2 + (across / 20) ** 2 < 1
    assert long_axis(longer) / long_axis(ellipse) == pytest.approx(1.1, abs=0.02)  # whole pixels


def test_a_tiny_region_has_no_length():
    assert np.isnan(long_axis(np.zeros((9, 9), bool)))


def test_clips_without_a_found_ventricle_are_left_out():
    rows = [{"clear": 1.0, "poor": p, "net": n} for p, n in ((0.9, 1.0), (float("nan"), 1.0), (1.1, 1.2))]
    found = summarise(rows)
    assert found["left_out"] == 1
    assert found["rows"]["poor"]["length"]["mean"] == pytest.approx(1.0)
    assert found["rows"]["net"]["minus_poor"]["mean"] == pytest.approx(0.1)


def test_a_run_measures_full_length_and_foreshortened_hearts(tmp_path, monkeypatch):
    rendered = []
    real = foreshortening.phantom_pair
    monkeypatch.setattr(
        foreshortening, "phantom_pair", lambda *a, **k: rendered.append(real(*a, **k)) or rendered[-1]
    )
    main(ForeshorteningSettings(model=("echogan",), clips=2, out=tmp_path / "found.json"))
    assert [clip.truth["foreshortening"] > 0 for clip in rendered] == [True, False, False] * 2
    result = json.loads((tmp_path / "found.json").read_text())
    assert list(result["hearts"]["full-length"]["rows"]) == ["clear", "poor", "echogan"]
    assert list(result["hearts"]["foreshortened"]["rows"])[3:] == ["poor, full length"]
    assert list(result["toward_full"]) == ["echogan", MIXED]
    table = clip_tables.foreshortening(result)
    assert "| foreshortened hearts | step towards the full-length heart |" in table
    assert f"| {MIXED} |  |  | +0." in table


def test_the_same_heart_is_drawn_foreshortened_and_at_full_length():
    short, full = (drawn(5, settings) for settings in (FORESHORTENED, SAME_FULL_LENGTH))
    assert full.truth["foreshortening"] == 0 < short.truth["foreshortening"]
    assert full.fan == short.fan
    lost = 1 - long_axis(short.labels[0].numpy() == 1) / long_axis(full.labels[0].numpy() == 1)
    assert lost == pytest.approx(short.truth["foreshortening"], abs=0.06)


@pytest.mark.parametrize(("own", "other"), [(0.0, 0.0), (0.6, 0.0), (0.0, 0.3), (0.5, 0.2)])
def test_only_the_step_towards_the_full_length_heart_counts(own, other):
    short, full = (drawn(5, settings) for settings in (FORESHORTENED, SAME_FULL_LENGTH))
    poor, clear, longer = (
        frames[0].numpy().astype(np.float32) for frames in (short.degraded, short.clean, full.clean)
    )
    shown = poor + own * (clear - poor) + other * (longer - clear) + 4
    assert toward_full(shown, short, full) == pytest.approx(other, abs=1e-3)
