"""An estimate with its interval, or the sentence that says why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

LEVEL = 0.95
"""Coverage of all intervals."""


@dataclass(frozen=True)
class Estimate:
    """A number with a 95 % interval. What can't be estimated is None, and `note` says why; never NaN."""

    value: float | None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    """standard error"""
    df: float | None = None
    """degrees of freedom of the t distribution; None for a normal or a bootstrap interval"""
    p: float | None = None
    """two-sided p value of the null hypothesis of no difference"""
    note: str = ""
    """what a reader must know: the method, what was left out, or why there is no number"""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "se", "df", "p"):
            number = getattr(self, name)
            assert number is None or math.isfinite(number), f"{name} is {number}"


def absent(note: str, value: float | None = None) -> Estimate:
    """No interval, and where `value` is None no number either, with the reason."""
    return Estimate(value, note=note)


def t_interval(value: float, se: float, df: float | None, note: str = "") -> Estimate:
    """The interval `value` ± t · `se`; a normal interval where `df` is None. `se` is above 0."""
    freedom = math.inf if df is None else df
    half = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * se
    p = float(2 * stats.t.sf(abs(value) / se, freedom))
    return Estimate(value, value - half, value + half, se, df, p, note)


def number_of(count: int, word: str) -> str:
    """`1 reader`, `2 readers`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def interval_text(found: Estimate, digits: int = 2, sign: str = "", factor: float = 1.0) -> str:
    """`value [low, high]`, each times `factor`; the number alone where it has no interval, "none" without a number.

    `sign` "+" shows the sign of positive numbers too.
    """
    if found.value is None:
        return "none"
    value, low, high = (
        None if number is None else f"{factor * number:{sign}.{digits}f}"
        for number in (found.value, found.low, found.high)
    )
    return f"{value}" if low is None or high is None else f"{value} [{low}, {high}]"


def p_text(p: float | None) -> str:
    """A p value as journals print it: `0.032`, `< 0.001`; "none" where there is none."""
    if p is None:
        return "none"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
