"""Small tables of ratings with known answers."""

import numpy as np

from echogan.study.analysis.tables import ARMS


def rating_rows(values: np.ndarray, item: str = "overall", kind: str = "main", clip: int = 1) -> list[dict]:
    """Rows of ratings (2 arms, readers, patients); NaN is "cannot assess"."""
    return [
        {
            "reader": f"R{j}", "patient": f"P{k}", "clip": f"P{k}-{clip}", "arm": ARMS[a], "item": item,
            "value": None if np.isnan(values[a, j, k]) else float(values[a, j, k]), "session": 1, "kind": kind,
        }
        for a, j, k in np.ndindex(*values.shape)
    ]  # fmt: skip


def pair_rows(values: np.ndarray, sides: np.ndarray) -> list[dict]:
    """Rows of pairs (readers, patients); `sides` is True where the enhanced clip was on the left."""
    return [
        {"reader": f"R{j}", "patient": f"P{k}", "clip": f"P{k}-1", "side": "left" if sides[j, k] else "right",
         "value": values[j, k]}
        for j, k in np.ndindex(*values.shape)
    ]  # fmt: skip


def fidelity_rows(grades: np.ndarray, item: str = "added") -> list[dict]:
    """Rows of fidelity events (readers, patients)."""
    return [
        {"reader": f"R{j}", "patient": f"P{k}", "clip": f"P{k}-1", "item": item, "grade": int(grades[j, k])}
        for j, k in np.ndindex(*grades.shape)
    ]
