"""The tables of flicker and of foreshortening."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import made_with, markdown_table, with_interval

FEW = 8  # clips, below which a bootstrap interval is too narrow


def stability(result: dict[str, Any]) -> str:
    """Flicker of output over input, on simulated and real clips."""
    kinds = [kind for kind in ("phantom", "real") if kind in result["clips"] and result["clips"][kind]]
    names = {"phantom": "simulated", "real": "real"}
    heads = [f"{names[kind]} clips, {what}" for kind in kinds for what in ("flicker", "flicker per contrast")]
    tables = result["ratios"]
    rows = [
        [row, *(_over_clips(tables[kind][row][key]) for kind in kinds for key in ("ratio", "per_contrast"))]
        for row in tables[kinds[0]]
        if row != "input"
    ]
    counts = " and ".join(f"{len(result['clips'][kind])} {names[kind]}" for kind in kinds)
    return markdown_table(["ratio of output to input", *heads], rows) + (
        f"\n\n{counts} clips. A ratio of 1 means as much flicker as in the input; lower is steadier. The second "
        "ratio divides by the gain in contrast. In brackets: bootstrap 95 % intervals over clips, or the range where "
        f"there are fewer than {FEW} clips. {made_with(result)}"
    )


def _over_clips(found: dict[str, Any]) -> str:
    """A mean and its interval; for few clips its range instead, since an interval would be too narrow."""
    if found["groups"] >= FEW:
        return with_interval(found, 2)
    return f"{found['mean']:.2f} ({min(found['values']):.2f} to {max(found['values']):.2f})"


def foreshortening(result: dict[str, Any]) -> str:
    """The LV's length over the true one in full-length and foreshortened hearts, and steps towards full length."""
    full, short = result["hearts"].values()
    toward = result["toward_full"]
    rows = []
    for row in [*short["rows"], *(name for name in toward if name not in short["rows"])]:
        cells = [_length(hearts["rows"].get(row)) for hearts in (full, short)]
        rows.append([row, *cells, with_interval(toward[row], 3, "+") if row in toward else ""])
    heads = [
        "frame",
        "LV length over the true length, full-length hearts",
        "foreshortened hearts",
        "step towards the full-length heart",
    ]
    counts = ", ".join(
        f"{hearts['rows']['poor']['length']['groups']} {name} hearts "
        f"({hearts['left_out']} left out because no LV was found)"
        for name, hearts in result["hearts"].items()
    )
    return markdown_table(heads, rows) + (
        f"\n\nSimulated apical clips: {counts}. In brackets: the difference from the poor frame, with its paired "
        "bootstrap 95 % interval. The project's own segmenter, which took part in training, measures the length. No "
        "network measures the last column: 0 is no step from the poor frame towards the clear frame of the same "
        "heart at full length, 1 is that frame; steps towards the heart's own clear frame are not counted. "
        f"{made_with(result)}"
    )


def _length(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    more = f" ({with_interval(found['minus_poor'], 3, '+')})" if "minus_poor" in found else ""
    return f"{found['length']['mean']:.3f}{more}"
