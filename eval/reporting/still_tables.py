"""The tables of both views' stills and of the grades, as Markdown for `eval.reporting.tables`."""

from __future__ import annotations

from typing import Any

NOT_YET = "Not measured yet."
VIEWS = (("four-chamber", ""), ("two-chamber", "two-chamber "), ("both", "both views "))
SETS = ("Good", "Medium", "Poor", "semi-real")
GRADED = (
    ("dice", "Dice, points", 100, 2), ("dice myocardium", "myocardium, points", 100, 2),
    ("border_contrast", "border contrast, % of grey", 100, 2), ("p_good", "P(good)", 1, 3),
    ("lateral_correlation", "lateral correlation", 1, 3), ("axial_correlation", "axial correlation", 1, 3),
    ("myocardium_sd", "spread in myocardium, % of grey", 100, 2), ("gcnr", "gCNR", 1, 3),
)  # fmt: skip
"""Measure, its title, factor and digits."""


def views(result: dict[str, Any]) -> str:
    """Each network's gain in the frozen segmenter's Dice, by view and together, on each set."""
    if "both views Poor" not in result["sets"]:
        return NOT_YET
    lines = ["| gain in Dice, points | " + " | ".join(SETS) + " |", "|---" * (len(SETS) + 1) + "|"]
    for row in _networks(result):
        for title, prefix in VIEWS:
            gains = (result["sets"][prefix + name][row]["gain"]["dice"] for name in SETS)
            lines.append(f"| {row}, {title} | " + " | ".join(_gain(gain, 100, 2) for gain in gains) + " |")
    counts = "; ".join(
        f"{title} " + ", ".join(f"{result['sets'][prefix + s]['input']['dice']['groups']} {s}" for s in SETS)
        for title, prefix in VIEWS
    )
    return "\n".join([*lines, f"\nTest patients: {counts}. Paired bootstrap 95 % intervals by patient."])


def grade_measures(result: dict[str, Any]) -> str:
    """Each network's gain in the measures that follow the grade, on Poor and Good stills of both views."""
    if "both views Poor" not in result["sets"]:
        return NOT_YET
    columns = [(row, grade) for row in _networks(result) for grade in ("Poor", "Good")]
    heads = ["Poor", "Good", *(f"{row}, {grade}" for row, grade in columns)]
    lines = ["| both views | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for measure, title, factor, digits in GRADED:
        sets = {grade: result["sets"][f"both views {grade}"] for grade in ("Poor", "Good")}
        cells = [f"{factor * found['input'][measure]['mean']:.{digits}f}" for found in sets.values()]
        cells += [_gain(sets[grade][row]["gain"][measure], factor, digits) for row, grade in columns]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    told = ", ".join(f"{view} {value:.2f}" for view, value in result["grade_classifier"]["auc"].items())
    lines.append(
        "\nFirst the stills as they are, then each network's gain with its paired bootstrap 95 % interval by patient. "
        f"P(good) is a frozen classifier's, which tells Good from Poor test stills with an AUC of: {told}. Patients "
        "of other roles trained it, and no network."
    )
    return "\n".join(lines)


def retrained_segmenter(result: dict[str, Any]) -> str:
    """Dice of a segmenter trained on enhanced stills, on enhanced stills, less that of raw on raw."""
    measures = ("dice", "dice LV", "dice myocardium", "dice LA")
    heads = [f"{grade}, {measure.removeprefix('dice ')}" for grade in result["sets"] for measure in measures]
    heads = [head.replace(", dice", ", mean") for head in heads]
    lines = [
        "| segmenter trained anew, points | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for row in (one["name"] for one in result["others"]):
        gains = (found[row]["gain"][measure] for found in result["sets"].values() for measure in measures)
        lines.append(f"| {row} | " + " | ".join(_gain(gain, 100, 2) for gain in gains) + " |")
    lines.append(
        "\nA segmenter trained on enhanced Good stills and tested on enhanced stills, less the segmenter of raw stills on raw "
        "ones; both views, paired bootstrap 95 % intervals by patient. They hold no spread between trainings."
    )
    return "\n".join(lines)


def grades(result: dict[str, Any]) -> str:
    """Means by grade of each measure in each view, and its rank correlation with the grade."""
    lines = ["| stills as they are | Good | Medium | Poor | rank correlation |", "|---|---|---|---|---|"]
    for view, found in result["views"].items():
        for measure, row in found["measures"].items():
            means = " | ".join(f"{row[grade]['mean']:.3f}" for grade in ("Good", "Medium", "Poor"))
            rho = row["rho"]
            shown = f"{rho['mean']:+.2f} [{rho['low']:+.2f}, {rho['high']:+.2f}]"
            lines.append(f"| {view}: {measure.replace('_', ' ')} | {means} | {shown} |")
    counts = "; ".join(
        f"{view} " + ", ".join(f"{n} {grade}" for grade, n in found["stills"].items())
        for view, found in result["views"].items()
    )
    lines.append(f"\nStills: {counts}. Spearman's rho with its bootstrap 95 % interval by patient.")
    return "\n".join(lines)


def _networks(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in (*result["models"], *result.get("others", ()))]


def _gain(found: dict[str, float], factor: float, digits: int) -> str:
    mean, low, high = (f"{factor * found[key]:+.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
