"""The tables of image quality on simulated clips."""

from __future__ import annotations

import json
from typing import Any

from eval.paths import RESULTS
from eval.reporting.formats import markdown_table, percent_interval, with_interval

LESIONS = RESULTS / "lesions.json"
ENOUGH = 20_000  # training frames of each domain, under which a reference is called under-trained
QUALITY = (
    ("psnr_db", "PSNR, dB", 2), ("tone_matched_psnr_db", "tone-matched PSNR, dB", 2), ("ssim", "SSIM", 3),
    ("gcnr", "gCNR", 3),
)  # fmt: skip
SUPPORTED = (
    ("supported_ssim", "SSIM", 3), ("supported_tone_matched_psnr_db", "tone-matched PSNR, dB", 2),
)  # fmt: skip
SHARE = "share of the oracle's gain in SSIM"
COSTS = (("erased", "lesions erased"), ("invented", "clips with an invented spot"))
ABOUT_LESIONS = (
    " Lesions (`python -m eval lesions`) are those that are visible in the input: their contrast as a share of the "
    "input's, and the share of them that keep less than half of it. Invented spots are counted in clips without a "
    "lesion."
)


def image_quality(result: dict[str, Any]) -> str:
    """The metrics of each method, the difference of the network from it, and its share of the oracle's gain.

    A second table has the metrics of the pixels where at least half of the signal survives.
    """
    name, shares, kid = result["model"]["name"], result["share_of_oracle"], result.get("kid", {})
    lesions = lesion_cells(result)
    heads = [f"{title} ({name} minus row)" for _, title, _ in QUALITY]
    heads += [SHARE] if shares else []
    heads += ["KID x 1000"] if kid else []
    heads += ["lesion contrast left", *(title for _, title in COSTS)] if lesions else []
    rows = []
    for row in result["rows"]:
        label = name if row == "enhanced" else row
        cells = [label, *_metrics(result, row, QUALITY)]
        cells += [_share(shares, row, "ssim")] if shares else []
        cells += [_thousand(kid[row])] if kid else []
        cells += lesions.get(label, [""] * (1 + len(COSTS))) if lesions else []
        rows.append(cells)
    table = markdown_table(["against the clear truth", *heads], rows)
    return f"{table}\n\n{_notes(result, kid, bool(lesions))}{_where_supported(result)}"


def _notes(result: dict[str, Any], kid: dict[str, Any], lesions: bool) -> str:
    name, settings, change = result["model"]["name"], result["settings"], result["change"]
    snr = {row: result["rows"][row]["speckle_snr"]["mean"] for row in ("input", "enhanced")}
    notes = (
        f"{settings['clips']} simulated clips of hearts never trained on, {_count(settings['frames'], 'frame')} "
        f"each; means over clips. In brackets: {name} minus the row, with the paired bootstrap 95 % interval. gCNR "
        f"is of cavities against walls. Speckle SNR: {snr['input']:.2f} poor, {snr['enhanced']:.2f} enhanced. "
        f"Mean change inside the sector: {change['poor']['mean']:.1f} grey levels on poor clips, "
        f"{change['clear']['mean']:.1f} on clear clips ({change['clear_to_poor']:.2f} of that)."
    )
    if result["share_of_oracle"]:
        steps = result["oracle"]["paired_steps"]
        notes += f" The oracle is a network that was trained with the simulated pairs for {steps:,} steps."
    notes += "".join(map(under_trained, result.get("others", ()))) + _about_kid(kid)
    notes += ABOUT_LESIONS if lesions else ""
    return f"{notes} Checkpoint `{result['model']['sha256'][:12]}`, phantom {result['phantom']}."


def lesion_cells(result: dict[str, Any]) -> dict[str, list[str]]:
    """Method -> cells for contrast left, lesions erased and spots invented, from eval/results/lesions.json.

    Empty where the lesions were measured with another network than this result.
    """
    if not LESIONS.is_file():
        return {}
    found = json.loads(LESIONS.read_text())
    if result["model"]["sha256"] not in {model["sha256"] for model in found["models"]}:
        return {}
    return {
        name: [f"{row['of_input']['mean']:.2f}", *(f"{row[cost]['mean']:.1%}" for cost, _ in COSTS)]
        for name, row in found["rows"].items()
    }


def _where_supported(result: dict[str, Any]) -> str:
    """The second table; older results have none."""
    if "supported" not in result:
        return ""
    name, shares = result["model"]["name"], result["share_of_oracle"]
    heads = [f"{title} ({name} minus row)" for _, title, _ in SUPPORTED] + ([SHARE] if shares else [])
    rows = []
    for row in result["rows"]:
        cells = [name if row == "enhanced" else row, *_metrics(result, row, SUPPORTED)]
        rows.append(cells + ([_share(shares, row, "supported_ssim")] if shares else []))
    table = markdown_table(["where at least half of the signal survives", *heads], rows)
    return f"\n\n{table}\n\nThese pixels are {result['supported']['mean']:.0%} of the sector."


def _metrics(result: dict[str, Any], row: str, metrics: tuple[tuple[str, str, int], ...]) -> list[str]:
    found, gain = result["rows"][row], result["gain"].get(row)
    return [
        f"{found[metric]['mean']:.{digits}f}"
        + (f" ({with_interval(gain[metric], digits, '+')})" if gain else "")
        for metric, _, digits in metrics
    ]


def _share(shares: dict[str, Any], row: str, metric: str) -> str:
    return percent_interval(shares[row][metric]) if row in shares else ""


def image_quality_short(result: dict[str, Any]) -> str:
    """The input, the classical filter with the best SSIM, the network with its paired gains, and the oracle."""
    rows, shares = result["rows"], result["share_of_oracle"]
    others = {model["name"] for model in result.get("others", ())}
    classical = [row for row in rows if row not in {"input", "enhanced", "oracle", *others}]
    best = max(classical, key=lambda row: rows[row]["ssim"]["mean"])
    labels = {"input": "poor clip", best: f"best classical filter by SSIM ({best})"}
    labels |= {"enhanced": "enhanced (gain over the poor clip)", "oracle": "oracle, trained with pairs"}
    lines = []
    for row, label in labels.items():
        if row in rows:
            gain = result["gain"]["input"] if row == "enhanced" else None
            cells = (
                f"{rows[row][metric]['mean']:.{digits}f}"
                + (f" ({with_interval(gain[metric], digits, '+')})" if gain else "")
                for metric, _, digits in QUALITY
            )
            lines.append([label, *cells])
    share = shares.get("enhanced", {}).get("ssim")
    reached = f" The network reaches {share['mean']:.0%} of the oracle's gain in SSIM." if share else ""
    return markdown_table(["", *(title for _, title, _ in QUALITY)], lines) + (
        f"\n\n{result['settings']['clips']} simulated clips of hearts never trained on, against the same hearts "
        f"through the best acoustic windows. In brackets: paired bootstrap 95 % intervals.{reached}"
    )


def under_trained(model: dict[str, Any]) -> str:
    """A warning for a reference network that was trained too little for a fair comparison."""
    if model["kind"] == "pyramid" or model["frames"] is None or model["frames"] >= ENOUGH:
        return ""
    return (
        f" {model['name']} has the CycleGAN authors' networks and losses, but is **under-trained** "
        f"({model['frames']:,} frames of each domain; {ENOUGH:,} and more are usual). It is no fair comparison."
    )


def _about_kid(kid: dict[str, Any]) -> str:
    """What the KID column is; nothing where there is none."""
    if not kid:
        return ""
    made = kid["extractor"]
    return (
        f" KID is against clear frames of other hearts; clear frames have {_thousand(kid['clear'])}. Its features "
        f"are those of a small network trained on the phantom (`python -m eval kid`, seed {made['seed']}, "
        f"`{made['sha256'][:12]}`), so it compares only these rows."
    )


def _thousand(found: dict[str, float]) -> str:
    return with_interval(found, 2, factor=1000)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number:,} {what}s"
