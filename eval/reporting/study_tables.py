"""The table of how often the intervals of the reader-study analysis hold."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import markdown_table

CHECKS = (("bootstrap", "bootstrap"), ("mixed_model", "mixed model"), ("naive", "naive t test"))


def study(result: dict[str, Any]) -> str:
    """Type I error, coverage and power of the MRMC interval for each design, and of the others beside it."""
    rows = []
    for name, row in result["rows"].items():
        found = row["intervals"]
        mrmc = found["mrmc"]
        cells = [f"{100 * mrmc[key]:.1f}" for key in ("type_1", "coverage", "power")]
        rows.append([name, *cells, *(_both(found.get(check)) for check, _ in CHECKS)])
    heads = ["simulated reader study", "type I error, %", "coverage, %", "power, %"]
    heads += [f"{title}: type I error, coverage, %" for _, title in CHECKS]
    effects = result["effects"]
    return markdown_table(heads, rows) + (
        f"\n\n{result['studies']} simulated studies for each figure of the MRMC interval and of the naive t test, "
        f"{result['slow_studies']} for bootstrap and mixed model. Type I error: share of studies without a gain whose "
        f"95 % interval excludes 0. Coverage and power: with a gain of {effects['gain']:g} points on the latent scale. "
        f"Standard deviations: patients {effects['patient']:g}, readers {effects['reader']:g}, the arm's effect "
        f"between readers {effects['reader_by_arm']:g} and between patients {effects['patient_by_arm']:g}, error "
        f"{effects['error']:g}. The naive t test takes all reader-patient cells for independent. Empty: the method "
        "has no answer in this design, or was not run."
    )


def _both(found: dict[str, float] | None) -> str:
    return "" if found is None else f"{100 * found['type_1']:.1f}, {100 * found['coverage']:.1f}"
