"""The tables of the frozen segmenter on four-chamber stills, and of the shipped segmenter."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import made_with, markdown_table, percent_interval, with_interval

SETS = ("Good", "Medium", "Poor", "semi-real")
STRUCTURES = ("LV", "myocardium", "LA")
SEMI_REAL = (
    ("psnr_db", "PSNR, dB", 2), ("tone_matched_psnr_db", "tone-matched PSNR, dB", 2), ("ssim", "SSIM", 3),
)  # fmt: skip
GAIN = "In brackets: the gain over the input, with its paired bootstrap 95 % interval by patient"


def segmentation(result: dict[str, Any]) -> str:
    """Dice of the frozen segmenter on each set in points, each method's gain, and its share of the Good-Poor gap."""
    sets, gap = _sets(result), result["gap"]
    rows = []
    for row in result["sets"][sets[0]]:
        share = gap["share"].get(row)
        cells = (_with_gain(result["sets"][name][row], "dice", 2, 100) for name in sets)
        rows.append([row, *cells, percent_interval(share, sign="+") if share else ""])
    heads = ["Dice of a frozen segmenter, points", *sets, "share of the Good-Poor gap that is closed"]
    counts = ", ".join(f"{result['sets'][name]['input']['dice']['groups']} {name}" for name in sets)
    small = "" if gap["decides"] else " It is under one point, so the semi-real stills count instead."
    return markdown_table(heads, rows) + (
        f"\n\nTest patients: {counts}. Mean Dice of LV, myocardium and left atrium. {GAIN}. The segmenter was "
        "trained on Good stills of other patients only. The gap between its Dice on Good and on Poor stills is "
        f"{with_interval(gap['dice'], 2, factor=100)} points.{small} {made_with(result)}"
    )


def semi_real(result: dict[str, Any]) -> str:
    """Image metrics of degraded stills of real patients, against the clear still."""
    found = result["sets"]["semi-real"]
    rows = [
        [row, *(_with_gain(values, measure, digits) for measure, _, digits in SEMI_REAL)]
        for row, values in found.items()
    ]
    return markdown_table(
        ["semi-real stills, against the clear still", *(title for _, title, _ in SEMI_REAL)], rows
    ) + (
        f"\n\n{found['input']['dice']['groups']} test patients, two stills each. The stills were degraded by the "
        f"same simulated artefacts as the poor training frames. {GAIN}. {made_with(result)}"
    )


def structures(result: dict[str, Any]) -> str:
    """Dice of the frozen segmenter for each structure, on Poor and semi-real stills."""
    sets = [name for name in ("Poor", "semi-real") if name in result["sets"]]
    rows = []
    for row in ("input", *(model["name"] for model in result["models"])):
        cells = (
            _with_gain(result["sets"][name][row], f"dice {structure}", 2, 100)
            for name in sets
            for structure in STRUCTURES
        )
        rows.append([row, *cells])
    heads = ["Dice, points", *(f"{name}, {structure}" for name in sets for structure in STRUCTURES)]
    return markdown_table(heads, rows) + (
        f"\n\nThe patients are those of the table above. {GAIN}, not corrected for multiple comparisons. "
        f"{made_with(result)}"
    )


def area_error(result: dict[str, Any]) -> str:
    """Difference of the frozen segmenter's areas from the expert's, in percent, on each set."""
    sets = _sets(result)
    measures = ("area_error", "area_error LV")
    rows = [
        [row, *(_with_gain(result["sets"][name][row], measure, 1) for name in sets for measure in measures)]
        for row in result["sets"][sets[0]]
    ]
    heads = [f"{name}, {what}" for name in sets for what in ("mean", "LV")]
    return markdown_table(["area error, % (lower is better)", *heads], rows) + (
        "\n\nMean over LV, myocardium and left atrium, and the LV alone. In brackets: the difference from the input, "
        "with its paired bootstrap 95 % interval by patient; below 0 is better. The patients are those of the table "
        f"of Dice. {made_with(result)}"
    )


def segmenter(result: dict[str, Any]) -> str:
    """Dice of the shipped segmenter on real test patients."""
    grades = list(result["dice"])
    rows = [
        [structure, *(with_interval(result["dice"][grade][structure], 3) for grade in grades)]
        for structure in result["dice"][grades[0]]
    ]
    counts = ", ".join(f"{result['dice'][grade]['mean']['groups']} {grade}" for grade in grades)
    return markdown_table(["Dice on CAMUS test patients", *grades], rows) + (
        f"\n\nPatients: {counts}. Bootstrap 95 % intervals by patient. Weights `{result['segmenter']['sha256'][:12]}`, "
        f"trained on phantom {result['trained_on']}."
    )


def _sets(result: dict[str, Any]) -> list[str]:
    return [name for name in SETS if name in result["sets"]]


def _with_gain(found: dict[str, Any], measure: str, digits: int, factor: float = 1) -> str:
    gain = found.get("gain", {}).get(measure)
    more = f" ({with_interval(gain, digits, '+', factor)})" if gain else ""
    return f"{factor * found[measure]['mean']:.{digits}f}{more}"
