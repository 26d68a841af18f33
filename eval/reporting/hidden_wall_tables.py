"""The table of walls that a clip hides or a result clears."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import made_with, markdown_table, percent_interval, with_interval

KINDS = {"hidden": "hidden in the input", "cleared": "dark in the result"}


def hidden_walls(result: dict[str, Any]) -> str:
    """How well each map tells these walls from other tissue, and what the page's threshold finds."""
    heads = ["frames", "walls", "told by", "AUROC", "AUPRC", "found at 1 %", "found at 5 %"]
    rows = [
        [
            f"{name} ({found['frames']})",
            KINDS[kind],
            score,
            with_interval(one["auroc"], 2),
            f"{one['auprc']['mean']:.3f} ({one['base_rate']:.3f})",
            f"{one['found_at_1%']['mean']:.0%}",
            percent_interval(one["found_at_5%"]),
        ]
        for name, found in result["sets"].items()
        for kind in KINDS
        for score, one in found.get(kind, {}).items()
    ]
    return "\n\n".join([markdown_table(heads, rows), _threshold(result), _told(result)])


def _threshold(result: dict[str, Any]) -> str:
    heads = [
        f"flagged as a hidden wall (from {result['likely']})",
        "of the walls that are dark in the result",
        "of other tissue",
        "of all tissue",
    ]
    rows = [
        [name, *(percent_interval(found["likely"][part], 1) for part in ("cleared", "faithful", "tissue"))]
        for name, found in result["sets"].items()
    ]
    return markdown_table(heads, rows)


def _told(result: dict[str, Any]) -> str:
    return (
        "Hidden in the input: at most 35 % of the signal of a simulated wall survive. Dark in the result: of these, or "
        "of the expert's myocardium, the pixels where the smoothed result is nearer to the level of the cavity than to "
        "that of the walls. Other tissue is all else but walls that are shown in part, leaflets and lesions; in real "
        "stills all but the expert's myocardium. "
        "Dark myocardium: the shipped segmenter's probability, where the result is dark by that rule; it is told the "
        "levels of the true wall and cavity, which no user has, and knows the left ventricle alone. "
        "Removed: the fusion of the trust maps; hidden or removed: the larger of both. Shadow: dark to the end of the "
        "beam. AUPRC in brackets: by chance. Found: regions of which at least half is flagged where 1 % or 5 % of the "
        "other tissue are. In "
        "square brackets: bootstrap 95 % intervals by heart or patient. Stills: CAMUS' test patients, both views. "
        f"Walls network `{result['walls']['sha256'][:12]}`. {made_with(result)}"
    )
