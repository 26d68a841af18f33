"""The map of hidden walls: what is not shown, what the result cleared, and the codes of the page."""

import numpy as np
import pytest

from echogan.trust.hidden_walls import DOUBT, FULL, HIDDEN_WALLS, hidden_walls

SIZE = 96
WALL, CAVITY = 0.6, 0.1  # grey levels


def half_wall() -> tuple[np.ndarray, np.ndarray]:
    """The lower half of a frame is myocardium, and a result shows it so: (its probability, the result)."""
    myocardium = np.zeros((1, SIZE, SIZE), np.float32)
    myocardium[:, SIZE // 2 :] = 0.9
    return myocardium, np.where(myocardium > 0, WALL, CAVITY).astype(np.float32)


def test_a_wall_that_is_shown_is_not_hidden():
    myocardium, g = half_wall()
    found = hidden_walls(0 * g, myocardium, g, np.ones((SIZE, SIZE), bool))
    assert found[0, 64:].max() < 0.01, "far from the border, where smoothing mixes both"
    assert found[0, :32].max() == 0


def test_a_wall_that_the_result_cleared_counts_in_part_and_half_cleared_by_half_of_that():
    myocardium, g = half_wall()
    g[:, 64:, :16], g[:, 64:, 80:] = CAVITY, (WALL + CAVITY) / 2
    found = hidden_walls(0 * g, myocardium, g, np.ones((SIZE, SIZE), bool))
    assert found[0, 80, 4] == pytest.approx(DOUBT * 0.9, abs=0.02)
    assert found[0, 80, 92] == pytest.approx(DOUBT * 0.45, abs=0.02)


def test_a_wall_that_the_input_hides_is_hidden_whatever_the_result_shows():
    _, g = half_wall()
    hidden = np.full_like(g, 0.1)
    hidden[:, 20:30, 20:30] = 0.7
    tissue = np.ones((SIZE, SIZE), bool)
    tissue[25:] = False
    found = hidden_walls(hidden, 0 * g, g, tissue)
    assert found[0, 22, 22] == pytest.approx(0.7)
    assert found[0, 10, 10] == pytest.approx(0.1)
    assert (found[0, 25:] == 0).all(), "nothing outside the tissue"


def test_it_is_a_probability_and_a_flat_frame_gives_no_division_by_zero():
    rng = np.random.default_rng(0)
    hidden, myocardium, g = rng.uniform(0, 1, (3, 2, SIZE, SIZE)).astype(np.float32)
    tissue = rng.uniform(0, 1, (SIZE, SIZE)) > 0.2
    for result in (g, np.full_like(g, 0.3), 0 * g):
        found = hidden_walls(hidden, myocardium, result, tissue)
        assert (found >= hidden * tissue).all()
        assert (found <= 1).all()


def test_codes_are_shares_of_the_full_one():
    values = np.linspace(0, 1, 999, dtype=np.float32)
    codes = HIDDEN_WALLS.codes(values)
    np.testing.assert_allclose(codes / FULL, values, atol=0.5001 / FULL)
    assert (codes[[0, -1]] == [0, 255]).all()
