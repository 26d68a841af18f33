"""The tables of `eval.haze.haze` and `eval.simulated.lesions` in Markdown."""

from __future__ import annotations

from typing import Any

HAZE = (
    ("gcnr", "gCNR", ".3f"), ("wall_db", "wall, dB", "+.2f"), ("cavity_db", "cavity, dB", "+.2f"),
    ("structure", "structure kept", ".3f"), ("greatest_flicker", "flicker, at most", ".2f"),
    ("change", "change, grey", ".2f"),
)  # fmt: skip


def haze(result: dict[str, Any]) -> str:
    """Means over the clips, the sector as found, and how well the fan was found."""
    lines = [
        "| real hazy clips, sector as found | " + " | ".join(title for _, title, _ in HAZE) + " |",
        "|---" * (len(HAZE) + 1) + "|",
    ]
    for row, sectors in result["means"].items():
        cells = [f"{sectors['found'][name]:{form}}" for name, _, form in HAZE]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    fans = ", ".join(f"{clip['fan_iou']:.2f}" for clip in result["clips"].values())
    networks = ", ".join(f"{model['name']} `{model['sha256'][:12]}`" for model in result["models"])
    lines.append(
        f"\n{len(result['clips'])} clips of as many patients, of another vendor than CAMUS; nothing was trained on "
        "them or fitted to them. gCNR of hazy cavity against septum, in polygons drawn by hand, of the clips that have "
        "them; "
        "wall and cavity: their level against the input's; structure kept: SSIM inside the wall, tone-matched. Overlap "
        f"(IoU) of the found fan with the one given by hand: {fans}. Checkpoints: {networks}."
    )
    return "\n".join(lines)


def fans(result: dict[str, Any]) -> str:
    """How well the sector is found, on simulated fans and real clips, and whether a reader is asked to check."""
    s = result["simulated"]
    lines = ["| real clip | overlap (IoU) | confidence |", "|---|---|---|"]
    real = result["real"].items()
    lines += [f"| {name} | {clip['iou']:.3f} | {clip['confidence']:.2f} |" for name, clip in real]
    lines.append(
        f"\n{s['clips']} simulated hard fans (dark edges, cuts, traces, text, stills): overlap "
        f"{s['iou_median']:.3f} in the median, {s['iou_percentile_5']:.3f} at the 5th percentile. "
        f"{s['iou_below_0.9']} lie below 0.9; the page asks to check in {s['asks_where_below']:.0%} of these and in "
        f"{s['asks_elsewhere']:.0%} of the others. {s['seconds_median']:.2f} s a clip."
    )
    return "\n".join(lines)


def frontier(result: dict[str, Any]) -> str:
    """What each point of the frontier is, and its figures."""
    heads = "gCNR | flicker, at most | change, grey | Dice on poor stills | on good stills"
    lines = [f"| run | what it is | {heads} |", "|---" * 7 + "|"]
    for point in result["points"]:
        cells = [f"{point['gcnr']:.3f}", f"{point['greatest_flicker']:.2f}", f"{point['change']:.1f}"]
        gains = (point["dice"][grade] for grade in ("Poor", "Good"))
        cells += ["" if gain is None else f"{100 * gain:+.2f}" for gain in gains]
        lines.append(f"| {point['name']} | {point['recipe']} | " + " | ".join(cells) + " |")
    lines.append(
        f"\nHazy clips, five frames of each: gCNR of the input {result['input_gcnr']:.3f}. Dice: points gained on "
        "the stills of the selection patients (14 Poor, 12 Good), of a segmenter of another seed than the frozen one of the table below."
    )
    return "\n".join(lines)


def lesions(result: dict[str, Any]) -> str:
    """What became of lesions that are visible in the poor clip, and where spots like them were invented."""
    heads = "contrast, of the input's | of the truth's | erased | invented"
    lines = [f"| simulated lesions visible in the poor clip | {heads} |", "|---" * 5 + "|"]
    drawn, shown = (sum(kind[name] for kind in result["drawn"].values()) for name in ("clips", "visible"))
    for row, found in result["rows"].items():
        cells = [f"{found[name]['mean']:.2f}" for name in ("of_input", "of_truth")]
        cells += [_share(found[name]) for name in ("erased", "invented")]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    lines.append(
        f"\n{shown} of {drawn} simulated clips show their lesion in the poor clip. Erased: "
        "under half of the input's contrast left. Invented: in the same clips without the lesion, a spot of a lesion's "
        "size and contrast that neither input nor truth has; the detector finds about a third of real lesions planted "
        "in this way, so that the true rate is higher. Brackets: 95 % intervals."
    )
    return "\n".join(lines)


def _share(found: dict[str, float]) -> str:
    return f"{found['count']:.0f}/{found['of']:.0f}, {found['mean']:.1%} [{found['low']:.1%}, {found['high']:.1%}]"
