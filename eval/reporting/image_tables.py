"""The tables of the image quality results, as Markdown for `eval.reporting.tables`."""

from __future__ import annotations

import json
from typing import Any

from eval.paths import RESULTS

LESIONS = RESULTS / "lesions.json"
ENOUGH = 20_000  # training frames
QUALITY = (
    ("psnr_db", "PSNR, dB", 2), ("tone_matched_psnr_db", "tone-matched PSNR, dB", 2), ("ssim", "SSIM", 3),
    ("gcnr", "gCNR", 3),
)  # fmt: skip
SUPPORTED = (
    ("supported_ssim", "SSIM", 3), ("supported_tone_matched_psnr_db", "tone-matched PSNR, dB", 2),
)  # fmt: skip
ABOUT_LESIONS = (
    " Lesions (`python -m eval lesions`): of those visible in the input, the contrast left against the input's, and "
    "the share with under half of it left; and of clips without a lesion the share in which a spot like one appears."
)
COSTS = (("erased", "lesions erased"), ("invented", "clips with a spot invented"))


def image_quality(result: dict[str, Any]) -> str:
    """Each way's metrics, in brackets the network's paired gain over it, and its share of the way to the oracle."""
    shares = result["share_of_oracle"]
    name = result["model"]["name"]
    heads = [f"{title} (lead)" for _, title, _ in QUALITY]
    heads += ["share of the oracle's gain in SSIM"] if shares else []
    kid = result.get("kid", {})
    heads += ["KID x 1000"] if kid else []
    lesions = lesion_cells(result)
    heads += ["lesion contrast left", *(title for _, title in COSTS)] if lesions else []
    rows = [f"| against the clear truth | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for way, found in result["rows"].items():
        gain, cells = result["gain"].get(way), [name if way == "enhanced" else way]
        for metric, _, digits in QUALITY:
            more = f" ({signed(gain[metric], digits)})" if gain else ""
            cells.append(f"{found[metric]['mean']:.{digits}f}{more}")
        if shares:
            share = shares.get(way, {}).get("ssim")
            cells.append(f"{share['mean']:.0%} [{share['low']:.0%}, {share['high']:.0%}]" if share else "")
        if kid:
            cells.append(_thousand(kid[way]))
        if lesions:
            cells += lesions.get(name if way == "enhanced" else way, [""] * (1 + len(COSTS)))
        rows.append(f"| {' | '.join(cells)} |")
    change, settings, snr = result["change"], result["settings"], result["rows"]
    notes = f" Oracle: {result['oracle']['paired_steps']:,} steps with the pairs." if shares else ""
    notes += "".join(map(under_trained, result.get("others", ()))) + _about_kid(kid)
    notes += ABOUT_LESIONS if lesions else ""
    rows.append(
        f"\n{settings['clips']} simulated clips of hearts never trained on, "
        f"{_count(settings['frames'], 'frame')} each; means over clips, "
        f"in brackets the lead of {name} over the row with its paired bootstrap 95 % interval. "
        "gCNR: cavities against walls. Speckle SNR: "
        f"{snr['input']['speckle_snr']['mean']:.2f} poor, {snr['enhanced']['speckle_snr']['mean']:.2f} enhanced. "
        f"Mean change inside the sector: {change['poor']['mean']:.1f} grey levels on poor clips, "
        f"{change['clear']['mean']:.1f} on clear ones ({change['clear_to_poor']:.2f} as much).{notes} "
        f"Checkpoint `{result['model']['sha256'][:12]}`, phantom {result['phantom']}."
    )
    return "\n".join(rows + _where_supported(result))


def lesion_cells(result: dict[str, Any]) -> dict[str, list[str]]:
    """Row -> contrast left, lesions erased and spots invented, of eval/results/lesions.json; none where that was
    measured with another network than this result."""
    if not LESIONS.is_file():
        return {}
    found = json.loads(LESIONS.read_text())
    if result["model"]["sha256"] not in {model["sha256"] for model in found["models"]}:
        return {}
    return {
        name: [f"{row['of_input']['mean']:.2f}", *(f"{row[cost]['mean']:.1%}" for cost, _ in COSTS)]
        for name, row in found["rows"].items()
    }


def _where_supported(result: dict[str, Any]) -> list[str]:
    """A second table, of the pixels where at least half of the signal survives; older results have none."""
    if "supported" not in result:
        return []
    name, shares = result["model"]["name"], result["share_of_oracle"]
    heads = [f"{title} (lead)" for _, title, _ in SUPPORTED]
    heads += ["share of the oracle's gain in SSIM"] if shares else []
    rows = ["", f"| where at least half of the signal survives | {' | '.join(heads)} |"]
    rows.append("|---" * (len(heads) + 1) + "|")
    for way, found in result["rows"].items():
        gain, cells = result["gain"].get(way), [name if way == "enhanced" else way]
        for metric, _, digits in SUPPORTED:
            more = f" ({signed(gain[metric], digits)})" if gain else ""
            cells.append(f"{found[metric]['mean']:.{digits}f}{more}")
        if shares:
            share = shares.get(way, {}).get("supported_ssim")
            cells.append(f"{share['mean']:.0%} [{share['low']:.0%}, {share['high']:.0%}]" if share else "")
        rows.append(f"| {' | '.join(cells)} |")
    rows.append(f"\nThat is {result['supported']['mean']:.0%} of the sector.")
    return rows


def image_quality_short(result: dict[str, Any]) -> str:
    """The input, the classical filter with the best SSIM, the network with its paired gains, and the oracle."""
    rows, shares = result["rows"], result["share_of_oracle"]
    others = {model["name"] for model in result.get("others", ())}
    classical = [way for way in rows if way not in {"input", "enhanced", "oracle", *others}]
    best = max(classical, key=lambda way: rows[way]["ssim"]["mean"])
    lines = ["| | " + " | ".join(title for _, title, _ in QUALITY) + " |", "|---" * (len(QUALITY) + 1) + "|"]
    labels = {"input": "poor clip", best: f"best classical filter by SSIM ({best})"}
    labels |= {"enhanced": "enhanced (gain over the poor clip)", "oracle": "oracle: trained on pairs"}
    for way, label in labels.items():
        if way in rows:
            gain = result["gain"]["input"] if way == "enhanced" else {}
            cells = [
                f"{rows[way][metric]['mean']:.{digits}f}"
                + (f" ({signed(gain[metric], digits)})" if gain else "")
                for metric, _, digits in QUALITY
            ]
            lines.append(f"| {label} | {' | '.join(cells)} |")
    share = shares.get("enhanced", {}).get("ssim")
    went = f" The network goes {share['mean']:.0%} of the oracle's way in SSIM." if share else ""
    lines.append(
        f"\n{result['settings']['clips']} simulated clips of hearts never trained on, against the same hearts through "
        f"the best windows; in brackets paired bootstrap 95 % intervals.{went}"
    )
    return "\n".join(lines)


def under_trained(model: dict[str, Any]) -> str:
    """A warning for a reference network that saw too little for a comparison to mean anything."""
    if model["kind"] == "pyramid" or model["frames"] is None or model["frames"] >= ENOUGH:
        return ""
    return (
        f" {model['name']}: the CycleGAN authors' networks and losses, **under-trained** ({model['frames']:,} frames "
        f"of each domain, where {ENOUGH:,} and more are usual): nothing is claimed against it."
    )


def _about_kid(kid: dict[str, Any]) -> str:
    """What the KID column is; nothing where there is none."""
    if not kid:
        return ""
    made = kid["extractor"]
    return (
        f" KID against clear frames of other hearts (clear frames themselves: {_thousand(kid['clear'])}), with a small "
        f"extractor trained on the phantom (`python -m eval kid`, seed {made['seed']}, `{made['sha256'][:12]}`): it "
        "compares these rows alone."
    )


def _thousand(found: dict[str, float]) -> str:
    mean, low, high = (1000 * found[key] for key in ("mean", "low", "high"))
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def signed(gain: dict[str, float], digits: int) -> str:
    """A mean with its interval, signs shown."""
    return f"{gain['mean']:+.{digits}f} [{gain['low']:+.{digits}f}, {gain['high']:+.{digits}f}]"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number:,} {what}s"
