"""No text in a CSV file begins as a formula, and what is a number or begins otherwise stays as it is."""

from hypothesis import example, given
from hypothesis import strategies as st

from echogan.core.csv_guard import guarded

STARTS = "=+-@\t\r"


@given(st.text(), st.sampled_from(STARTS))
@example("cmd|' /C calc'!A0", "=")
@example("", "-")
def test_a_formula_is_text(rest: str, start: str):
    assert guarded(start + rest) == "'" + start + rest


@given(st.text())
def test_other_text_stays(text: str):
    found = guarded(text)
    assert not found.startswith(tuple(STARTS))
    assert found == text or found[1:] == text


@given(st.one_of(st.integers(), st.floats(), st.none(), st.booleans()))
def test_numbers_stay(cell: object):
    assert guarded(cell) is cell
