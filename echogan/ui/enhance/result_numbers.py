"""The numbers by which two results of a clip are compared, as the page shows them under each other."""

from __future__ import annotations

from typing import Any

from echogan.enhance.stored_result import StoredResult
from echogan.trust.map_styles import MAP_STYLES
from echogan.trust.residuals import UNIT
from echogan.ui.enhance.clip_entry import ClipResult

PERCENT = "% of the sector"
UNCALIBRATED, WAITS, NOT_MADE = "not calibrated", "…", "not made"


def result_numbers(shown: ClipResult) -> list[dict[str, Any]]:
    """Each number of a result, in one order for all: {label, unit, hint, value, kept, follows_strength, missing}.

    value     at full strength; None where it is not known, and `missing` says why
    kept      the same with the original kept where the result is flagged
    follows_strength   whether a weaker result has so much less of it
    """
    stored = shown.stored
    return [
        _of_map(stored, "difference", "Mean change"),
        _of_map(stored, "cycle_error", MAP_STYLES["cycle_error"].label),
        _flagged(shown, "Flagged amber", "removed", "added"),
        _flagged(shown, "Flagged red", "red"),
    ]


def _of_map(stored: StoredResult | None, name: str, label: str) -> dict[str, Any]:
    """The mean of a map over the sector and the frames."""
    style = MAP_STYLES[name]
    value = kept = None
    if stored is not None:
        value = stored.report.diagnostics[name]["mean"]
        kept = stored.flags.report.diagnostics[name]["mean"] if stored.flags is not None else value
    hint = f"Mean over the sector. {style.shows} {style.misses}"
    return _number(label, UNIT, hint, value, kept, style.follows_strength, WAITS)


def _flagged(shown: ClipResult, label: str, *findings: str) -> dict[str, Any]:
    """Shares of the trust card, added: by the thresholds of this model's own calibration."""
    stored, value, missing = shown.stored, None, UNCALIBRATED
    if stored is not None and stored.trusted:
        shares = [share for name in findings if (share := stored.card.finding(name).value) is not None]
        value = 100 * sum(shares) if shares else None
    elif shown.thresholds is not None:
        missing = NOT_MADE if stored is not None and shown.checked is None else WAITS
    hint = "Share of the sector over the threshold of this model's own calibration, by its trust card."
    return _number(label, PERCENT, hint, value, value, False, missing)


def _number(
    label: str,
    unit: str,
    hint: str,
    value: float | None,
    kept: float | None,
    follows_strength: bool,
    missing: str,
) -> dict[str, Any]:
    return {
        "label": label,
        "unit": unit,
        "hint": hint,
        "value": value,
        "kept": kept,
        "follows_strength": follows_strength,
        "missing": missing,
    }
