"""The tables of real hazy clips, the sector finder, the frontier, and lesions."""

from __future__ import annotations

from typing import Any

from echogan.model.checkpoints.checkpoint import DEFAULT
from eval.measures.baselines import BUNDLED
from eval.reporting.formats import checkpoint_names, count_and_share, markdown_table, percent_interval

HAZE = (
    ("gcnr", "gCNR", ".3f"), ("wall_db", "change of wall level, dB", "+.2f"),
    ("cavity_db", "change of cavity level, dB", "+.2f"), ("structure", "wall structure kept", ".3f"),
    ("greatest_flicker", "flicker ratio, highest", ".2f"), ("change", "mean change, grey levels", ".2f"),
)  # fmt: skip


def haze(result: dict[str, Any]) -> str:
    """Means over the hazy clips, with the sector as found, and the overlap of each found fan with the true one."""
    rows = []
    for row, sectors in result["means"].items():
        rows.append([row, *(f"{sectors['found'][name]:{form}}" for name, _, form in HAZE)])
    fans = ", ".join(f"{clip['fan_iou']:.2f}" for clip in result["clips"].values())
    heads = ["real hazy clips, sector as found", *(title for _, title, _ in HAZE)]
    return markdown_table(heads, rows) + (
        f"\n\n{len(result['clips'])} clips, each of another patient and all of another vendor than CAMUS. No network "
        "was trained on them or fitted to them. gCNR is of the hazy cavity against the septum, in regions drawn by "
        "hand; clips without regions do not count. Levels of wall and cavity are relative to the input. Wall "
        "structure kept is the SSIM inside the wall after tone matching; 1 is unchanged. The flicker ratio is output "
        f"over input. Overlap (IoU) of the found fan with the one given by hand: {fans}. Checkpoints: "
        f"{checkpoint_names(result['models'])}."
    )


def fans(result: dict[str, Any]) -> str:
    """The accuracy of the sector finder on simulated and real clips, and how often the user is asked to check."""
    s = result["simulated"]
    rows = [
        [name, f"{clip['iou']:.3f}", f"{clip['confidence']:.2f}"] for name, clip in result["real"].items()
    ]
    return markdown_table(["real clip", "overlap (IoU)", "confidence"], rows) + (
        f"\n\n{s['clips']} simulated hard fans (dark edges, cut fans, ECG traces, text, stills): the median overlap "
        f"is {s['iou_median']:.3f}, the 5th percentile {s['iou_percentile_5']:.3f}. The overlap is below 0.9 in "
        f"{s['iou_below_0.9']} fans. The page asks the user to check {s['asks_where_below']:.0%} of these and "
        f"{s['asks_elsewhere']:.0%} of the others. Refused as no B-mode, which all of them are, and counted with an "
        f"overlap of 0: {s['refused']}. ECG traces over the sector, of which less than half is found: "
        f"{s['traces_missed']} of {s['traces']}. Of the sector, {s['overlay_mean_beyond_trace']:.1%} counts as overlay "
        f"beyond them, and {s['overlay_mean_without_trace']:.1%} where there is none. Time: "
        f"{s['seconds_median']:.2f} s per clip."
    )


def frontier(result: dict[str, Any]) -> str:
    """How each point of the frontier was trained, and its measures."""
    rows = []
    for point in result["points"]:
        cells = [f"{point['gcnr']:.3f}", f"{point['greatest_flicker']:.2f}", f"{point['change']:.1f}"]
        gains = (point["dice"][grade] for grade in ("Poor", "Good"))
        cells += ["" if gain is None else f"{100 * gain:+.2f}" for gain in gains]
        rows.append([point["name"], point["recipe"], *cells])
    heads = [
        "run", "training", "gCNR, hazy clips", "flicker ratio, highest", "mean change, grey levels",
        "gain in Dice, poor stills", "gain in Dice, good stills",
    ]  # fmt: skip
    return markdown_table(heads, rows) + (
        f"\n\nHazy clips: five frames of each; the gCNR of the input is {result['input_gcnr']:.3f}. Gain in Dice: "
        "points, on the stills of the selection patients (14 Poor, 12 Good), by a segmenter with another seed than "
        "the frozen one."
    )


def lesions(result: dict[str, Any]) -> str:
    """How much contrast visible lesions keep, how many are erased, and how many spots are invented."""
    rows = []
    for row, found in result["rows"].items():
        cells = [f"{found[name]['mean']:.2f}" for name in ("of_input", "of_truth")]
        rows.append([row, *cells, *(count_and_share(found[name]) for name in ("erased", "invented"))])
    drawn, shown = (sum(kind[name] for kind in result["drawn"].values()) for name in ("clips", "visible"))
    heads = [
        "simulated lesions visible in the poor clip", "contrast left, of the input's", "of the truth's", "erased",
        "invented",
    ]  # fmt: skip
    return markdown_table(heads, rows) + (
        f"\n\nThe lesion is visible in the poor clip in {shown} of {drawn} simulated clips. Erased: the lesion keeps "
        "less than half of its contrast in the input. Invented: in the same clips without the lesion, the output has "
        "a spot of a lesion's size and contrast that neither the input nor the truth has. The detector of such spots "
        "finds about a third of lesions that are added to a clip, so the true rate is higher. Where the original is "
        "kept, haze that stays in a cleared cavity looks like a spot, and counts as invented. In brackets: 95 % "
        "intervals."
    )


def lesions_short(result: dict[str, Any]) -> str:
    """What the shipped networks do to lesions, as the price beside a table of image quality."""
    told = []
    for name in (row for row in result["rows"] if row in BUNDLED):
        erased, invented = (result["rows"][name][kind] for kind in ("erased", "invented"))
        told.append(
            f"`{name}` erases {erased['count']:.0f} ({percent_interval(erased, 1)}) and invents "
            f"{invented['count']:.0f} ({percent_interval(invented, 1)})"
        )
    of = result["rows"][DEFAULT]["erased"]["of"]
    return f"What it costs: of {of:.0f} simulated lesions that the poor clip shows, {'; '.join(told)}."
