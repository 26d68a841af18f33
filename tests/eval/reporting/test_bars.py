"""The bars hold on the committed results, and a result that misses its bar, or lacks the value, is reported."""

import json
import statistics

import pytest

from eval.reporting import bars
from eval.reporting.bars import BARS, NOT_REACHED, Bar, greatest_size, missed_bars


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.meaning)
def test_the_committed_results_reach_their_bars(bar):
    assert bar.missed() is None


@pytest.mark.parametrize("bar", NOT_REACHED, ids=lambda bar: bar.meaning)
def test_what_is_not_reached_is_measured_and_would_be_noticed_once_it_is(bar):
    assert bar.value() is not None
    assert bar.missed() is not None


@pytest.fixture
def result(tmp_path, monkeypatch):
    """A result with three clips, one of them without a wall."""
    monkeypatch.setattr(bars, "RESULTS", tmp_path)
    clips = {"a": {"iou": 0.9, "wall": -2.0}, "b": {"iou": 0.99, "wall": 1.0}, "c": {"iou": 0.95}}
    (tmp_path / "clips.json").write_text(json.dumps({"clips": clips}))


def test_the_worst_clip_decides(result):
    assert Bar("Found.", "clips", "clips/*/iou", "at least", 0.9).missed() is None
    missed = Bar("Found.", "clips", "clips/*/iou", "at least", 0.93).missed()
    assert missed == "clips.json: Found. It must be at least 0.93, and is 0.9."
    assert Bar("Found.", "clips", "clips/*/iou", "above", 0.9).missed()
    assert Bar("Kept.", "clips", "clips/*/wall", "at most", 1.0).missed() is None


def test_a_bar_may_be_of_another_summary(result):
    assert Bar("Found.", "clips", "clips/*/iou", "at least", 0.95, statistics.median).missed() is None
    assert Bar("Kept.", "clips", "clips/*/wall", "at most", 1.5, greatest_size).value() == 2.0


def test_a_value_that_is_gone_is_a_missed_bar(result, monkeypatch):
    gone = Bar("Found.", "clips", "clips/*/dice", "at least", 0), Bar("Fast.", "speed", "cpu", "at least", 1)
    monkeypatch.setattr(bars, "BARS", gone)
    assert [sentence.endswith("is not measured.") for sentence in missed_bars()] == [True, True]
