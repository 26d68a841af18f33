"""The tables of hallucination: what each network did wrong, how well diagnostics see it, what calibration keeps."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import made_with, markdown_table, percent_interval, with_interval

WRONG = ("erased", "invented")
COLUMNS = ("AUROC", "AUPRC", "found at 1 %", "found at 5 %")


def hallucination(result: dict[str, Any]) -> str:
    """The networks, then a table of detection for each of them, then how it was measured."""
    networks = {f"lesions {row}": found for row, found in result["rows"].items()}
    for name, found in result["faulty"].items():
        networks[f"{name} ({'fitted on' if found['fitted_on'] else 'held out'})"] = found
    for model in result["models"]:
        networks |= {
            f"{model['name']}, shipped": result["shipped"],
            f"{model['name']}, swapped": result["swapped"],
        }
    tables = [_networks(networks), *(detection(name, found) for name, found in networks.items())]
    if (kept := result["calibration"]) is not None:
        tables += [_promises(kept), _discs(kept)]
    return "\n\n".join([*tables, _method(result)])


def ladder(result: dict[str, Any]) -> str:
    """The corners of the ladder at the working size: what the networks do, and how well it is seen."""
    networks = {f"lesions {row}": found for row, found in result["rows"].items()}
    tables = [_networks(networks), *(detection(name, found) for name, found in networks.items())]
    used, runs = result["ladder"], result["settings"]
    tables.append(
        f"{used['steps']:,} steps at {used['size']} px, small generators, no identity loss, unpaired. Measured on "
        f"{runs['clips']} simulated clips of each kind of lesion, as above. Phantom {result['phantom']}."
    )
    return "\n\n".join(tables)


def _promises(found: dict[str, Any]) -> str:
    """What is missed and flagged at the thresholds of the shipped network, on clips of several kinds."""
    rows = [_promise("fresh clips, all kinds of lesion", found["fresh"])]
    rows += [_promise(f"fresh clips, {kind}", one) for kind, one in found["by_kind"].items()]
    rows += [_promise(f"fresh clips, errors {kind}", one) for kind, one in found["by_error"].items()]
    rows += [_promise(f"other errors: {name}", one) for name, one in found["shifted"].items()]
    heads = ["clips", "number", "with known errors", "missed at amber (promised: 10 %)", "flagged at amber",
             "flagged at red (promised: 1 %)"]  # fmt: skip
    splits = found["splits"]
    missed, flagged = (sorted(splits[name]) for name in ("missed_at_amber", "flagged_at_red"))
    other = (
        f"{len(missed)} other splits of the same clips: missed on average {sum(missed) / len(missed):.1%} "
        f"({missed[0]:.1%} to {missed[-1]:.1%}), flagged at red {sum(flagged) / len(flagged):.2%} "
        f"({flagged[0]:.2%} to {flagged[-1]:.2%})."
    )
    thresholds = f"Amber {found['amber']:.4f}, red {found['red']:.4f}."
    return f"{markdown_table(heads, rows)}\n\n{thresholds} {other}"


def _promise(name: str, one: dict[str, Any]) -> list[str]:
    missed = one["missed_at_amber"]
    return [
        name, str(one["clips"]), str(one["with_errors"]), percent_interval(missed) if missed else "-",
        percent_interval(one["flagged_at_amber"]), with_interval(one["flagged_at_red"], 2, factor=100) + " %",
    ]  # fmt: skip


def _discs(found: dict[str, Any]) -> str:
    """Discs painted into results, walls taken out, and discs that are truly there, by clip."""
    changes = list(next(iter(found["discs"].values())))
    heads = ["clip", *(f"{change}: flagged" for change in changes), "area flagged elsewhere, points"]
    rows = []
    for name, by_change in found["discs"].items():
        flags = [one["flagged"] if one else None for one in by_change.values()]
        cells = [f"{one['count']} of {one['of']}" if one else "-" for one in flags]
        elsewhere = [100 * one["elsewhere"]["mean"] for one in by_change.values() if one]
        rows.append([name, *cells, ", ".join(f"{value:+.2f}" for value in elsewhere)])
    return markdown_table(heads, rows)


def _networks(networks: dict[str, dict[str, Any]]) -> str:
    """What the results of each network are like, in shares of the sector."""
    heads = ["network: share of poor to share of good clips with a lesion", "trainings", "contrast left",
             *(f"{name}, % of the sector" for name in (*WRONG, "unverifiable"))]  # fmt: skip
    rows = []
    for name, found in networks.items():
        left = found.get("contrast_left")
        shares = (with_interval(one, 2, factor=100) for one in found["share"].values())
        rows.append([name, str(len(found.get("runs", [1]))), with_interval(left, 2) if left else "", *shares])
    return markdown_table(heads, rows)


def detection(name: str, found: dict[str, Any]) -> str:
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
        f"without, and on {used['held_out_clips']} for networks that were held out, with all trainings of one fault "
        f"together; the middle of their {used['frames']} frames counts. Errors are against the clear truth, after "
        "smoothing over a speckle cell and an affine grey map. Erased: a lesion visible in the input is more than "
        f"{used['tau']:g} of the grey range too dark in the result, and darker than in the input by half as much. "
        f"Invented: too bright likewise, where at least {used['least_support']:.0%} of the signal survives; "
        "unverifiable: the same where less survives. Contrast left: of visible lesions, of their contrast in the "
        f"input. Found: regions of which at least {used['found']:.0%} are flagged where 1 % or 5 % of the faithful "
        "pixels are. By chance, AUROC is 0.5 and AUPRC the base rate. The tone-matched and the explained-degradation "
        "residual and the fusion are signed: removed counts for erased, added for invented. In brackets: bootstrap "
        "95 % intervals by clip. The faulty networks are taught by false pairs to erase valves or a wall, to paint "
        "growths there, or to clear walls in drop-out. The fusion was fitted on eight networks taught likewise (fitted "
        "on), from the default network where they are not small, and on that network, as it is, swapped, and with "
        "ellipses painted into its results and taken out of them, on other simulated clips. Discs are 8 mm "
        "wide; flagged means that amber covers half of one; the last column is in the order of the changes, of results "
        f"that are the same but for the disc and what lies around it. {made_with(result)}"
    )
