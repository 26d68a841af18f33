"""Cells of a CSV file that a spreadsheet would run as a formula, made harmless."""

from __future__ import annotations

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A text that begins with one of these is a formula to a spreadsheet; the last four are their full-width forms.

Source: OWASP, CSV injection.
"""


def guarded(cell: Any) -> Any:
    """The cell, with an apostrophe before it where it is a text that begins as a formula. Numbers stay as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
