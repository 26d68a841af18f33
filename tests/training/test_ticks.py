"""Lines of metrics: means of the losses and of the time since the line before."""

import pytest
import torch

from echogan.core.errors import TrainingError
from echogan.training import ticks
from echogan.training.ticks import Ticks, describe


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand: `clock[0]` in seconds."""
    now = [100.0]
    monkeypatch.setattr(ticks.time, "perf_counter", lambda: now[0])
    return now


def losses(**values):
    return {name: torch.tensor(value) for name, value in values.items()}


def test_a_line_has_the_means_since_the_one_before(clock):
    since = Ticks()
    for value in (1.0, 2.0, 6.0):
        since.add(losses(generators=value))
        clock[0] += 2
    assert since.line(3, 1e-3) == {
        "step": 3, "learning_rate": 1e-3, "seconds_per_step": 2.0, "generators": 3.0,
    }  # fmt: skip
    since.add(losses(generators=5.0))
    clock[0] += 7
    line = since.line(4, 1e-3)
    assert (line["generators"], line["seconds_per_step"]) == (5.0, 7.0)


def test_what_is_left_out_is_no_time_of_a_step(clock):
    since = Ticks()
    since.add(losses(generators=1.0))
    clock[0] += 3
    with since.left_out():
        clock[0] += 50
    assert since.line(1, 1e-3)["seconds_per_step"] == 3.0


def test_a_diverged_run_says_so():
    since = Ticks()
    since.add(losses(generators=float("nan")))
    with pytest.raises(TrainingError, match=r"no longer finite at step 12.*--learning-rate"):
        since.line(12, 1e-3)


def test_a_line_in_words_tells_what_is_left():
    line = {"step": 10, "seconds_per_step": 3.0, "generators": 0.5, "change_low": 0.1}
    assert describe(line, 50).endswith("3.00 s/step, 2 min left")
    assert "discriminators" not in describe(line, 50)
    assert "40% right" in describe(line | {"discriminators": 0.2, "right_high": 0.4}, 50)
