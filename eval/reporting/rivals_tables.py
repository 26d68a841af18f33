"""The tables of the fusion's parts, and of its rival: the spread of three seeds."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import made_with
from eval.reporting.hallucination_tables import detection


def rivals(result: dict[str, Any]) -> str:
    """A table of detection for each network, then what the rows are."""
    tables = [detection(name, found) for name, found in result["networks"].items()]
    return "\n\n".join([*tables, _method(result)])


def _method(result: dict[str, Any]) -> str:
    head, used = result["head"], result["settings"]
    spread = (
        "The spread is the standard deviation of the results of three networks that differ in the seed of their "
        "training alone, as they are, or of their tone-matched residuals; it has no sign, and costs three trainings "
        "and three passes. "
    )
    with_spread = any(len(found["seeds"]) > 1 for found in result["networks"].values())
    return (
        f"Measured as the tables above, on the same {used['clips']} clips of each kind of lesion, on networks that "
        "neither the units nor the error head was fitted on. Fused is both together. The error head is a U-Net of "
        f"{head['weights']:,} weights that sees input and result at a quarter of the working size. "
        f"{spread * with_spread}{made_with(result)}"
    )
