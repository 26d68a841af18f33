"""The gap from Good to Poor, and the share of it that is closed, on planted Dice."""

import numpy as np
import pytest

from eval.camus.grade_gap import gap_and_share
from eval.camus.still_scores import Table

NAMES = [f"p{k // 2}" for k in range(24)]


def table(**rows: float) -> Table:
    """Two stills of each of twelve patients, around a mean Dice."""
    wobble = np.repeat(np.linspace(-0.02, 0.02, 12), 2)
    return {row: {"dice": mean + wobble} for row, mean in rows.items()}


def test_share_of_a_planted_gap():
    tables = {"Good": table(input=0.9), "Poor": table(input=0.8, half=0.85, none=0.8)}
    found = gap_and_share(tables, {"Good": NAMES, "Poor": NAMES}, draws=500)
    assert found["dice"]["mean"] == pytest.approx(0.1)
    assert found["decides"]
    assert found["share"]["half"]["mean"] == pytest.approx(0.5)
    assert found["share"]["half"]["low"] > 0.3
    assert found["share"]["none"]["mean"] == pytest.approx(0, abs=1e-9)


def test_a_gap_under_one_point_does_not_decide():
    near = {"Good": table(input=0.805), "Poor": table(input=0.8)}
    assert not gap_and_share(near, {"Good": NAMES, "Poor": NAMES}, draws=50)["decides"]
