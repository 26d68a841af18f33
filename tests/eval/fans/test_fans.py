"""The evaluation of the sector finder: hard fans are reproducible and hold their truth; rates are correct."""

import numpy as np
import pytest

from echogan.clips.sector.not_b_mode import NotBMode
from echogan.core.geometry import Sector
from eval.fans import fans
from eval.fans.fans import iou, overlay_facts, summary
from eval.fans.hard_fans import HardFan, hard_fan


def row(overlap: float, asks: bool) -> dict:
    facts = {
        "trace_found": None,
        "overlay": 0.1,
        "overlay_beyond": 0.0,
        "traced": False,
        "squeezed": False,
        "refused": False,
        "seconds": 0.2,
    }
    return {"iou": overlap, "asks": asks, "confidence": 0.9, **facts}


def test_rates_of_asking_below_and_above_the_limit():
    found = summary([row(0.8, True), row(0.7, False), row(0.95, True), row(0.99, False), row(0.97, False)])
    assert found["iou_below_0.9"] == 2
    assert found["asks_where_below"] == 0.5
    assert found["asks_elsewhere"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["iou_median"] == 0.95


def test_a_trace_of_which_less_than_half_is_found_is_missed():
    rows = [row(0.95, False) | {"trace_found": found} for found in (0.2, 0.6, 1.0, None)]
    found = summary(rows)
    assert (found["traces"], found["traces_missed"]) == (3, 1)


def test_overlay_beyond_a_trace_is_told_from_its_strokes():
    truth, trace, overlay = (np.zeros((100, 100), bool) for _ in range(3))
    truth[:50] = trace[40, 10:90] = True
    overlay[39:42, 10:90] = overlay[10:20, 10:20] = True
    found = Sector("rectangle", truth & ~overlay, truth & overlay, 1.0)
    facts = overlay_facts(found, HardFan(np.zeros((1, 100, 100), np.uint8), truth, trace, "rectangle"))
    assert facts == {"trace_found": 1.0, "overlay": 0.068, "overlay_beyond": 0.02}


def test_a_refused_clip_counts_as_not_found(monkeypatch):
    def refuse(clip):
        raise NotBMode("strip")

    monkeypatch.setattr(fans, "find_sector", refuse)
    found, facts = fans.find_and_compare(None, np.ones((4, 4), bool))
    assert found is None
    assert (facts["iou"], facts["asks"], facts["refused"]) == (0.0, False, True)
    row_of_it = row(0.0, False) | facts
    assert summary([row(0.95, False), row_of_it])["refused"] == 1


def test_a_seed_gives_one_hard_fan_whose_truth_is_in_the_frame():
    for seed in (5, 6):
        hard, again = hard_fan(seed, (128, 200)), hard_fan(seed, (128, 200))
        assert (hard.frames == again.frames).all()
        assert hard.frames.dtype == np.uint8
        assert hard.truth.shape == hard.frames.shape[1:3]
        assert 0.02 < hard.truth.mean() < 0.95
        inside = hard.frames.max(0) if hard.frames.ndim == 3 else hard.frames.max((0, 3))
        assert inside[hard.truth].mean() > inside[~hard.truth].mean()


def test_iou_of_halves():
    a = np.arange(10) < 5
    assert iou(a, ~a) == 0
    assert iou(a, a) == 1
    assert iou(a, np.ones(10, bool)) == 0.5
