"""The tables of real stills: both views, measures that follow the grade, retrained segmenter, and grades."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import NOT_MEASURED_YET, markdown_table, with_interval

VIEW_PREFIXES = (("four-chamber", ""), ("two-chamber", "two-chamber "), ("both", "both views "))
SETS = ("Good", "Medium", "Poor", "semi-real")
GRADED = (
    ("dice", "Dice, points", 100, 2), ("dice myocardium", "Dice of the myocardium, points", 100, 2),
    ("border_contrast", "border contrast, % of the grey range", 100, 2), ("p_good", "P(good)", 1, 3),
    ("lateral_correlation", "lateral speckle correlation", 1, 3),
    ("axial_correlation", "axial speckle correlation", 1, 3),
    ("myocardium_sd", "standard deviation in the myocardium, % of the grey range", 100, 2), ("gcnr", "gCNR", 1, 3),
)  # fmt: skip
"""Measure, its title, factor and digits."""


def views(result: dict[str, Any]) -> str:
    """Each network's gain in the frozen segmenter's Dice on each set, by view and for both views."""
    if "both views Poor" not in result["sets"]:
        return NOT_MEASURED_YET
    rows = []
    for row in _networks(result):
        for title, prefix in VIEW_PREFIXES:
            gains = (result["sets"][prefix + name][row]["gain"]["dice"] for name in SETS)
            rows.append([f"{row}, {title}", *(with_interval(gain, 2, "+", 100) for gain in gains)])
    counts = "; ".join(
        f"{title} " + ", ".join(f"{result['sets'][prefix + s]['input']['dice']['groups']} {s}" for s in SETS)
        for title, prefix in VIEW_PREFIXES
    )
    return markdown_table(["gain in Dice, points", *SETS], rows) + (
        f"\n\nTest patients: {counts}. Paired bootstrap 95 % intervals by patient."
    )


def grade_measures(result: dict[str, Any]) -> str:
    """Each network's gain in the measures that follow the grade, on Poor and Good stills of both views."""
    if "both views Poor" not in result["sets"]:
        return NOT_MEASURED_YET
    sets = {grade: result["sets"][f"both views {grade}"] for grade in ("Poor", "Good")}
    columns = [(row, grade) for row in _networks(result) for grade in sets]
    rows = []
    for measure, title, factor, digits in GRADED:
        before = (f"{factor * found['input'][measure]['mean']:.{digits}f}" for found in sets.values())
        gains = (sets[grade][row]["gain"][measure] for row, grade in columns)
        rows.append([title, *before, *(with_interval(gain, digits, "+", factor) for gain in gains)])
    heads = ["both views", "input, Poor", "input, Good", *(f"{row}, {grade}" for row, grade in columns)]
    auc = ", ".join(f"{view} {value:.2f}" for view, value in result["grade_classifier"]["auc"].items())
    return markdown_table(heads, rows) + (
        "\n\nThe first two columns are the stills without enhancement. The others are each network's gain, with its "
        "paired bootstrap 95 % interval by patient. P(good) is the output of a frozen classifier that separates Good "
        f"from Poor test stills with an AUC of: {auc}. It was trained on patients that no network was trained on."
    )


def retrained_segmenter(result: dict[str, Any]) -> str:
    """Dice of a segmenter trained and tested on enhanced stills, less that of one trained and tested on raw stills."""
    measures = ("dice", "dice LV", "dice myocardium", "dice LA")
    heads = [f"{grade}, {measure.removeprefix('dice ')}" for grade in result["sets"] for measure in measures]
    heads = [head.replace(", dice", ", mean") for head in heads]
    rows = []
    for row in (one["name"] for one in result["others"]):
        gains = (found[row]["gain"][measure] for found in result["sets"].values() for measure in measures)
        rows.append([row, *(with_interval(gain, 2, "+", 100) for gain in gains)])
    return markdown_table(["retrained segmenter, difference in Dice, points", *heads], rows) + (
        "\n\nDice of a segmenter that was trained on enhanced Good stills and tested on enhanced stills, minus that "
        "of one that was trained and tested on stills without enhancement. Both views; paired bootstrap 95 % "
        "intervals by patient, which do not contain the spread between trainings."
    )


def grades(result: dict[str, Any]) -> str:
    """The mean of each measure by grade in each view, and its rank correlation with the grade."""
    rows = []
    for view, found in result["views"].items():
        for measure, row in found["measures"].items():
            means = (f"{row[grade]['mean']:.3f}" for grade in ("Good", "Medium", "Poor"))
            rows.append([f"{view}: {measure.replace('_', ' ')}", *means, with_interval(row["rho"], 2, "+")])
    counts = "; ".join(
        f"{view} " + ", ".join(f"{n} {grade}" for grade, n in found["stills"].items())
        for view, found in result["views"].items()
    )
    heads = ["stills without enhancement", "Good", "Medium", "Poor", "rank correlation with the grade"]
    return markdown_table(heads, rows) + (
        f"\n\nStills: {counts}. Spearman's rho with its bootstrap 95 % interval by patient."
    )


def _networks(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in (*result["models"], *result.get("others", ()))]
