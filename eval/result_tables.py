"""The tables of the segmentation, stability and segmenter results, as Markdown for `eval.tables`."""

from __future__ import annotations

from typing import Any

SETS = ("Good", "Medium", "Poor", "semi-real")


def segmentation(result: dict[str, Any]) -> str:
    """The judge's Dice in points of a hundred on each set, each row with its paired gain, and the gap below."""
    sets = [name for name in SETS if name in result["sets"]]
    lines = [
        "| Dice of a frozen judge, points | " + " | ".join(sets) + " | share of the gap |",
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
    verdict = "" if gap["decides"] else ", under one point, so semi-real decides"
    lines.append(
        f"\nTest patients: {counts}. Mean Dice of LV, myocardium and left atrium; in brackets the gain over the "
        f"input with its paired bootstrap 95 % interval by patient. The judge saw other Good patients only. Its own "
        f"gap from Good to Poor: {_points(gap['dice'])} points{verdict}. {_made_with(result)}"
    )
    return "\n".join(lines)


def semi_real(result: dict[str, Any]) -> str:
    """Image metrics on degraded stills of real patients, against the clear still."""
    lines = [
        "| semi-real, against the clear still | PSNR, dB | tone-matched PSNR, dB | SSIM | LV area error, % |",
        "|---|---|---|---|---|",
    ]
    for row, found in result["sets"]["semi-real"].items():
        cells = [row]
        for measure, digits in (
            ("psnr_db", 2),
            ("tone_matched_psnr_db", 2),
            ("ssim", 3),
            ("area_error LV", 1),
        ):
            gain = found.get("gain", {}).get(measure)
            more = f" ({_interval(gain, digits, '+')})" if gain else ""
            cells.append(f"{found[measure]['mean']:.{digits}f}{more}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def stability(result: dict[str, Any]) -> str:
    """Flicker of output over input on phantom and real clips."""
    kinds = [kind for kind in ("phantom", "real") if kind in result["clips"] and result["clips"][kind]]
    head = [f"{kind} clips, {what}" for kind in kinds for what in ("flicker ratio", "over contrast")]
    lines = ["| along the flow of the input | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    tables = result["ratios"]
    for row in tables[kinds[0]]:
        if row != "input":
            cells = [
                _interval(tables[kind][row][key], 2) for kind in kinds for key in ("ratio", "per_contrast")
            ]
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
    counts = " and ".join(f"{len(result['clips'][kind])} {kind}" for kind in kinds)
    lines.append(
        f"\n{counts} clips; 1 is as much flicker as the input has; bootstrap 95 % intervals over clips. The second "
        f"ratio divides by the gain in contrast. {_made_with(result)}"
    )
    return "\n".join(lines)


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
    ("tone_matched_psnr_gain", "tone-matched PSNR, dB", 2), ("ssim_gain", "SSIM", 3), ("gcnr_gain", "gCNR", 3),
    ("flicker", "flicker ratio", 2), ("change_poor", "change of poor, grey", 1),
    ("change_ordinary", "of ordinary, grey", 1), ("semi_real_ssim_gain", "semi-real SSIM", 3),
    ("semi_real_dice_gain", "semi-real Dice, points", 2),
)  # fmt: skip


def ablations(result: dict[str, Any]) -> str:
    """Each row's means; the interval over clips for the two figures that choose."""
    columns = [column for column in ABLATION if column[0] in next(iter(result["rows"].values()))]
    lines = [
        "| changed | seeds | " + " | ".join(title for _, title, _ in columns) + " |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for row, found in result["rows"].items():
        cells = [row, str(found["seeds"])]
        for name, _, digits in columns:
            scale = 100 if "dice" in name else 1
            values = {key: scale * found[name][key] for key in ("mean", "low", "high")}
            sign = "+" if name.endswith("gain") else ""
            whole = name in ("ssim_gain", "semi_real_dice_gain")
            cells.append(_interval(values, digits, sign) if whole else f"{values['mean']:{sign}.{digits}f}")
        lines.append("| " + " | ".join(cells) + " |")
    base = result["base"]
    lines.append(
        f"\nRuns of {base['steps']:,} steps at {base['size']} pixels, batch {base['batch_size']}; gains over the input "
        f"on {result['clips']} simulated clips and {result['stills']} semi-real stills of patients kept for choosing, "
        "bootstrap 95 % intervals over clips, or stills, in brackets. Ordinary: good clips, to be left alone. "
        f"Dice: the project's own segmenter, not the judge. Phantom {result['phantom']}."
    )
    return "\n".join(lines)


def _made_with(result: dict[str, Any]) -> str:
    models = ", ".join(f"{m['name']} `{m['sha256'][:12]}`" for m in result["models"])
    return f"Checkpoints: {models}; phantom {result['phantom']}."


def _points(found: dict[str, float], sign: str = "") -> str:
    return _interval({k: 100 * found[k] for k in ("mean", "low", "high")}, 2, sign)


def _interval(found: dict[str, float], digits: int, sign: str = "") -> str:
    mean, low, high = (f"{found[k]:{sign}.{digits}f}" for k in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
