"""The tables of hallucination: what each network did to lesions, and how well each diagnostic sees it."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import made_with, markdown_table, percent_interval, with_interval

WRONG = ("erased", "invented")
COLUMNS = ("AUROC", "AUPRC", "found at 1 %", "found at 5 %")


def hallucination(result: dict[str, Any]) -> str:
    """The networks, then a table of detection for each of them, then how it was measured."""
    networks = {f"lesions {row}": found for row, found in result["rows"].items()}
    for model in result["models"]:
        networks |= {
            f"{model['name']}, shipped": result["shipped"],
            f"{model['name']}, swapped": result["swapped"],
        }
    tables = [_networks(networks), *(_detection(name, found) for name, found in networks.items())]
    return "\n\n".join([*tables, _method(result)])


def _networks(networks: dict[str, dict[str, Any]]) -> str:
    """What the results of each network are like, in shares of the sector."""
    heads = ["network: share of poor to share of good clips with a lesion", "trainings", "contrast left",
             *(f"{name}, % of the sector" for name in (*WRONG, "unverifiable"))]  # fmt: skip
    rows = []
    for name, found in networks.items():
        left = found["contrast_left"]
        shares = (with_interval(one, 2, factor=100) for one in found["share"].values())
        rows.append([name, str(len(found.get("runs", [1]))), with_interval(left, 2) if left else "", *shares])
    return markdown_table(heads, rows)


def _detection(name: str, found: dict[str, Any]) -> str:
    """Each diagnostic's measures for erased and for invented pixels of one network."""
    rows = []
    for diagnostic, both in found["diagnostics"].items():
        rows.append([diagnostic, *(cell for wrong in WRONG for cell in _cells(both[wrong]))])
    heads = [name, *(f"{wrong}: {column}" for wrong in WRONG for column in COLUMNS)]
    known = next(iter(found["diagnostics"].values()))
    counts = "; ".join(
        f"{wrong}: base rate {one['base_rate']:.2%}, {one['regions']} regions" if one else f"nothing {wrong}"
        for wrong, one in known.items()
    )
    return f"{markdown_table(heads, rows)}\n\n{name}: {counts}."


def _cells(found: dict[str, Any] | None) -> list[str]:
    if found is None or not found["regions"]:  # the measures of a few specks say nothing
        return ["-"] * len(COLUMNS)
    cells = [with_interval(found["auroc"], 2), f"{found['auprc']['mean']:.3f}"]
    return [*cells, f"{found['found_at_1%']['mean']:.0%}", percent_interval(found["found_at_5%"])]


def _method(result: dict[str, Any]) -> str:
    """How the networks were trained and measured, and what is not there yet."""
    ladder, used = result["ladder"], result["settings"]
    return (
        f"The ladder is short: {ladder['steps']:,} steps at {ladder['size']} px, small generators, no identity loss, "
        "unpaired, few trainings of each row; rows without a table are not trained. These networks are meant to be "
        "bad, and tell nothing about networks trained for use. Swapped: the shipped network's results of each clip "
        "with and without its visible lesion are exchanged, which erases and invents it. No network made these "
        "errors: nothing is hidden in the result for the way back, so that the cycle error sees more than it would of "
        "a network that erases, and an invention does not flicker; the equivariance spread needs the network itself. "
        f"Measured on {used['clips']} simulated clips of each kind of lesion, of held-out hearts, with the lesion and "
        f"without; the middle of their {used['frames']} frames counts. Errors are against the clear truth, after "
        "smoothing over a speckle cell and an affine grey map. Erased: a lesion visible in the input is more than "
        f"{used['tau']:g} of the grey range too dark in the result, and darker than in the input by half as much. "
        f"Invented: too bright likewise, where at least {used['least_support']:.0%} of the signal survives; "
        "unverifiable: the same where less survives. Contrast left: of visible lesions, of their contrast in the "
        f"input. Found: regions of which at least {used['found']:.0%} are flagged where 1 % or 5 % of the faithful "
        "pixels are. By chance, AUROC is 0.5 and AUPRC the base rate. The tone-matched and the explained-degradation "
        "residual are signed: removed counts for erased, added for invented. In brackets: bootstrap 95 % intervals by "
        "clip. The diagnostics are measured one by one: their fusion and the calibration of a threshold are not built "
        f"yet. {made_with(result)}"
    )
