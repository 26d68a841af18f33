"""The table of the ablation study."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import markdown_table, with_interval

COLUMNS = (
    ("tone_matched_psnr_gain", "tone-matched PSNR, dB", 2, True), ("ssim_gain", "SSIM", 3, True),
    ("gcnr_gain", "gCNR", 3, False), ("flicker", "flicker ratio", 2, True),
    ("change_poor", "change of poor clips, grey levels", 1, False),
    ("change_ordinary", "change of ordinary clips, grey levels", 1, False),
    ("semi_real_ssim_gain", "semi-real SSIM", 3, True), ("semi_real_dice_gain", "semi-real Dice, points", 2, False),
)  # fmt: skip
"""Measure, its title, digits, and whether its interval is printed."""


def ablations(result: dict[str, Any]) -> str:
    """The means of "base", and the difference of each other row from it over the seeds that both have."""
    rows, base = result["rows"], result["base"]
    columns = [column for column in COLUMNS if column[0] in rows["base"]["mean"]]
    lines = [
        [row, str(len(found["runs"])), *(_cell(row, found, *column) for column in columns)]
        for row, found in rows.items()
    ]
    table = markdown_table(["changed", "seeds", *(title for _, title, _, _ in columns)], lines)
    seen = sorted(phantoms([run["trained_on"] for found in rows.values() for run in found["runs"]]))
    return table + (
        f"\n\nRuns of {base['steps']:,} steps at {base['size']} pixels, batch {base['batch_size']}. The first row is "
        "the gain over the input (for flicker the ratio of output to input, for change the mean change). The other "
        "rows are differences from the first row, over the seeds that both have. Measured on "
        f"{result['clips']} simulated clips, for flicker on {result['flicker_clips']} clips of "
        f"{result['flicker_frames']} frames, and on {result['stills']} semi-real stills of {result['patients']} "
        "patients that serve for choosing. In brackets: bootstrap 95 % intervals over clips or patients, which do "
        f"not contain the spread between seeds: {seed_spread(rows)}. Ordinary clips have a usual image quality and "
        "should change little. Dice is of the project's own segmenter, which the anatomy loss uses too. "
        f"Trained on phantom {', '.join(seen)}, measured on {result['phantom']}."
    )


def _cell(row: str, found: dict[str, Any], name: str, _title: str, digits: int, interval: bool) -> str:
    """One value of a row; empty where it has no seed in common with "base", or no stills."""
    shown = found["mean"] if row == "base" else found["minus_base"]
    if name not in shown:
        return ""
    factor = 100 if "dice" in name else 1
    sign = "+" if name.endswith("gain") or row != "base" else ""
    if interval:
        return with_interval(shown[name], digits, sign, factor)
    return f"{factor * shown[name]['mean']:{sign}.{digits}f}"


def phantoms(trained_on: Any) -> set[str]:
    """The versions of the phantom in a `trained_on` entry."""
    if isinstance(trained_on, list):
        return set().union(*map(phantoms, trained_on))
    if not isinstance(trained_on, dict):
        return set()
    own = {trained_on["phantom"]} if isinstance(trained_on.get("phantom"), str) else set()
    return own.union(*map(phantoms, trained_on.values()))


def seed_spread(rows: dict[str, Any]) -> str:
    """How much the runs of each row differ in SSIM, in words."""
    means = {
        row: [run["means"]["ssim_gain"] for run in found["runs"]]
        for row, found in rows.items()
        if len(found["runs"]) > 1
    }
    if not means:
        return "there is one run of each row"
    spreads = (f"{row} {max(values) - min(values):.3f}" for row, values in means.items())
    return "in SSIM the runs of one row differ by " + ", ".join(spreads)
