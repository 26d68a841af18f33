"""The tables of the segmentation, stability and segmenter results, as Markdown for `eval.reporting.tables`."""

from __future__ import annotations

from typing import Any

SETS = ("Good", "Medium", "Poor", "semi-real")
FEW = 8  # clips, below which a bootstrap interval covers far less than it says


def segmentation(result: dict[str, Any]) -> str:
    """The frozen segmenter's Dice in points of a hundred on each set, each row with its paired gain, and the gap below."""
    sets = [name for name in SETS if name in result["sets"]]
    lines = [
        "| Dice of a frozen segmenter, points | " + " | ".join(sets) + " | share of the gap |",
        "|---" * (len(sets) + 2) + "|",
    ]
    for row in result["sets"][sets[0]]:
        cells = [row]
        for name in sets:
            found = result["sets"][name][row]
            gain = f" ({_points(found['gain']['dice'], '+')})" if "gain" in found else ""
            cells.append(f"{100 * found['dice']['mean']:.2f}{gain}")
        share = result["gap"]["share"].get(row)
        cells.append(f"{share['mean']:+.0%} [{share['low']:+.0%}, {share['high']:+.0%}]" if share else "")
        lines.append("| " + " | ".join(cells) + " |")
    counts = ", ".join(f"{result['sets'][name]['input']['dice']['groups']} {name}" for name in sets)
    gap = result["gap"]
    decided = "" if gap["decides"] else ", under one point, so semi-real decides"
    lines.append(
        f"\nTest patients: {counts}. Mean Dice of LV, myocardium and left atrium; in brackets the gain over the "
        f"input with its paired bootstrap 95 % interval by patient. The segmenter saw other Good patients only. Its own "
        f"gap from Good to Poor: {_points(gap['dice'])} points{decided}. {_made_with(result)}"
    )
    return "\n".join(lines)


def foreshortening(result: dict[str, Any]) -> str:
    """The LV's length over the true one, in full and foreshortened hearts, and how far frames went towards the heart
    in full."""
    full, short = result["hearts"].values()
    toward = result["toward_full"]
    lines = [
        "| | length of the LV, of the true one: hearts in full | hearts cut short | gone towards the heart in full |",
        "|---|---|---|---|",
    ]
    for row in [*short["rows"], *(name for name in toward if name not in short["rows"])]:
        cells = [_length(kind["rows"].get(row)) for kind in (full, short)]
        gone = _interval(toward[row], 3, "+") if row in toward else ""
        lines.append("| " + " | ".join([row, *cells, gone]) + " |")
    counts = ", ".join(
        f"{kind['rows']['poor']['length']['groups']} {name} ({kind['left_out']} without a found LV left out)"
        for name, kind in result["hearts"].items()
    )
    lines.append(
        f"\nSimulated apical clips: {counts}. In brackets the difference from the poor frame, and all with paired "
        "bootstrap 95 % intervals. Lengths are by the project's own segmenter, which had a part in the training. "
        "Last column: no network measures it; 0 is no step from the poor frame towards the clear picture of the same "
        "heart in full, 1 that picture itself, what goes towards the true one apart. " + _made_with(result)
    )
    return "\n".join(lines)


def _length(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    more = f" ({_interval(found['minus_poor'], 3, '+')})" if "minus_poor" in found else ""
    return f"{found['length']['mean']:.3f}{more}"


SEMI_REAL = (
    ("psnr_db", "PSNR, dB", 2), ("tone_matched_psnr_db", "tone-matched PSNR, dB", 2), ("ssim", "SSIM", 3),
)  # fmt: skip


def semi_real(result: dict[str, Any]) -> str:
    """Image metrics on degraded stills of real patients, against the clear still."""
    heads = " | ".join(title for _, title, _ in SEMI_REAL)
    lines = [f"| semi-real, against the clear still | {heads} |", "|---" * (len(SEMI_REAL) + 1) + "|"]
    for row, found in result["sets"]["semi-real"].items():
        cells = [row, *(_with_gain(found, measure, digits) for measure, _, digits in SEMI_REAL)]
        lines.append("| " + " | ".join(cells) + " |")
    patients = result["sets"]["semi-real"]["input"]["dice"]["groups"]
    lines.append(
        f"\n{patients} test patients, two stills each, made poor by the same operators that made poor frames for "
        "training; in brackets the gain over the input with its paired bootstrap 95 % interval by patient. "
        + _made_with(result)
    )
    return "\n".join(lines)


STRUCTURES = ("LV", "myocardium", "LA")


def structures(result: dict[str, Any]) -> str:
    """The frozen segmenter's Dice of each structure on the two sets where something was to be gained."""
    sets = [name for name in ("Poor", "semi-real") if name in result["sets"]]
    heads = [f"{name}, {structure}" for name in sets for structure in STRUCTURES]
    lines = ["| Dice, points | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for row in ("input", *(model["name"] for model in result["models"])):
        cells = []
        for name in sets:
            found = result["sets"][name][row]
            for measure in (f"dice {structure}" for structure in STRUCTURES):
                gain = f" ({_points(found['gain'][measure], '+')})" if "gain" in found else ""
                cells.append(f"{100 * found[measure]['mean']:.2f}{gain}")
        lines.append("| " + " | ".join([row, *cells]) + " |")
    lines.append(
        "\nThe patients are those of the table above; in brackets the gain over the input with its paired bootstrap "
        "95 % interval by patient, not corrected for the number of comparisons. " + _made_with(result)
    )
    return "\n".join(lines)


def area_error(result: dict[str, Any]) -> str:
    """How far the frozen segmenter's areas are from the expert's, in percent, on each set: mean of the structures, and the LV."""
    sets = [name for name in SETS if name in result["sets"]]
    heads = [f"{name}, {what}" for name in sets for what in ("mean", "LV")]
    lines = [
        "| area error, % (less is better) | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for row in result["sets"][sets[0]]:
        cells = [
            _with_gain(result["sets"][name][row], measure, 1)
            for name in sets
            for measure in ("area_error", "area_error LV")
        ]
        lines.append("| " + " | ".join([row, *cells]) + " |")
    lines.append(
        "\nMean over LV, myocardium and left atrium, and the LV alone; in brackets the difference from the input with "
        "its paired bootstrap 95 % interval by patient: below 0 is better. The patients are those of the table of "
        "Dice. " + _made_with(result)
    )
    return "\n".join(lines)


def _with_gain(found: dict[str, Any], measure: str, digits: int) -> str:
    gain = found.get("gain", {}).get(measure)
    more = f" ({_interval(gain, digits, '+')})" if gain else ""
    return f"{found[measure]['mean']:.{digits}f}{more}"


def stability(result: dict[str, Any]) -> str:
    """Flicker of output over input on phantom and real clips."""
    kinds = [kind for kind in ("phantom", "real") if kind in result["clips"] and result["clips"][kind]]
    head = [f"{kind} clips, {what}" for kind in kinds for what in ("flicker ratio", "over contrast")]
    lines = ["| along the flow of the input | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    tables = result["ratios"]
    for row in tables[kinds[0]]:
        if row != "input":
            cells = [
                _over_clips(tables[kind][row][key]) for kind in kinds for key in ("ratio", "per_contrast")
            ]
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
    counts = " and ".join(f"{len(result['clips'][kind])} {kind}" for kind in kinds)
    lines.append(
        f"\n{counts} clips; 1 is as much flicker as the input has; bootstrap 95 % intervals over clips in brackets, "
        f"or, of fewer than {FEW} clips, the least and the greatest. The second ratio divides by the gain in contrast. "
        f"{_made_with(result)}"
    )
    return "\n".join(lines)


def _over_clips(found: dict[str, Any]) -> str:
    """A mean and its interval; of few clips the least and the greatest, for an interval would promise too much."""
    if found["groups"] >= FEW:
        return _interval(found, 2)
    return f"{found['mean']:.2f} ({min(found['values']):.2f} to {max(found['values']):.2f})"


def segmenter(result: dict[str, Any]) -> str:
    """The segmenter's Dice on real test patients."""
    grades = list(result["dice"])
    lines = ["| Dice on CAMUS test patients | " + " | ".join(grades) + " |", "|---" * (len(grades) + 1) + "|"]
    for structure in result["dice"][grades[0]]:
        cells = [_interval(result["dice"][grade][structure], 3) for grade in grades]
        lines.append(f"| {structure} | " + " | ".join(cells) + " |")
    counts = ", ".join(f"{result['dice'][grade]['mean']['groups']} {grade}" for grade in grades)
    lines.append(
        f"\nPatients: {counts}; bootstrap 95 % intervals by patient. Weights `{result['segmenter']['sha256'][:12]}`, "
        f"trained on phantom {result['trained_on']}."
    )
    return "\n".join(lines)


ABLATION = (
    ("tone_matched_psnr_gain", "tone-matched PSNR, dB", 2, True), ("ssim_gain", "SSIM", 3, True),
    ("gcnr_gain", "gCNR", 3, False), ("flicker", "flicker ratio", 2, True),
    ("change_poor", "change of poor, grey", 1, False), ("change_ordinary", "of ordinary, grey", 1, False),
    ("semi_real_ssim_gain", "semi-real SSIM", 3, True), ("semi_real_dice_gain", "semi-real Dice, points", 2, False),
)  # fmt: skip
"""Measure, its title, digits, and whether its interval is printed."""


def ablations(result: dict[str, Any]) -> str:
    """Of "base" each measure's mean; of the other rows the difference from it over the seeds that both have."""
    rows = result["rows"]
    columns = [column for column in ABLATION if column[0] in rows["base"]["mean"]]
    lines = [
        "| changed | seeds | " + " | ".join(title for _, title, _, _ in columns) + " |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for row, found in rows.items():
        cells = [row, str(len(found["runs"]))]
        for name, _, digits, whole in columns:
            scale = 100 if "dice" in name else 1
            shown = found["mean"] if row == "base" else found["minus_base"]
            if name not in shown:  # no seed that base has too, or no stills
                cells.append("")
                continue
            values = {key: scale * shown[name][key] for key in ("mean", "low", "high")}
            sign = "+" if name.endswith("gain") or row != "base" else ""
            cells.append(_interval(values, digits, sign) if whole else f"{values['mean']:{sign}.{digits}f}")
        lines.append("| " + " | ".join(cells) + " |")
    base = result["base"]
    seen = sorted(phantoms([run["trained_on"] for found in rows.values() for run in found["runs"]]))
    lines.append(
        f"\nRuns of {base['steps']:,} steps at {base['size']} pixels, batch {base['batch_size']}. First line: the gain "
        "over the input (flicker: output over input; change: what is done to a frame). Below: the difference from the "
        f"first line, over the seeds that both have. {result['clips']} simulated clips, for flicker "
        f"{result['flicker_clips']} of {result['flicker_frames']} frames, and {result['stills']} semi-real stills of "
        f"{result['patients']} patients kept for choosing; in brackets bootstrap 95 % intervals over clips, or "
        f"patients. They hold no spread between seeds: {seed_spread(rows)}. Ordinary: good clips, to be left alone. "
        "Dice: the project's own segmenter, which is also the one of the rows with anatomy. "
        f"Trained on phantom {', '.join(seen)}, measured on {result['phantom']}."
    )
    return "\n".join(lines)


def phantoms(trained_on: Any) -> set[str]:
    """Every version of the phantom in an account of training data."""
    if isinstance(trained_on, list):
        return set().union(*map(phantoms, trained_on))
    if not isinstance(trained_on, dict):
        return set()
    own = {trained_on["phantom"]} if isinstance(trained_on.get("phantom"), str) else set()
    return own.union(*map(phantoms, trained_on.values()))


def seed_spread(rows: dict[str, Any]) -> str:
    """How far apart two runs of one row are, or that there is but one of each."""
    pairs = {
        row: [run["means"] for run in found["runs"]] for row, found in rows.items() if len(found["runs"]) > 1
    }
    if not pairs:
        return "there is one run of each row"
    apart = (
        f"{row} {max(of['ssim_gain'] for of in means) - min(of['ssim_gain'] for of in means):.3f}"
        for row, means in pairs.items()
    )
    return "in SSIM the runs of one row lie apart by " + ", ".join(apart)


def _made_with(result: dict[str, Any]) -> str:
    models = ", ".join(f"{m['name']} `{m['sha256'][:12]}`" for m in result["models"])
    return f"Checkpoints: {models}; phantom {result['phantom']}."


def _points(found: dict[str, float], sign: str = "") -> str:
    return _interval({k: 100 * found[k] for k in ("mean", "low", "high")}, 2, sign)


def _interval(found: dict[str, float], digits: int, sign: str = "") -> str:
    mean, low, high = (f"{found[k]:{sign}.{digits}f}" for k in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
