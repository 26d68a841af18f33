"""The tables of lesions that were put into real stills."""

from __future__ import annotations

from typing import Any

from eval.reporting.formats import count_and_share, made_with, markdown_table, percent_interval, with_interval


def semireal(result: dict[str, Any]) -> str:
    """What methods do to lesions in real stills, and what the calibrated networks flag."""
    told = (
        "Erased, invented and the detector: as for simulated clips above; the clear truth is the still itself. "
        "Flagged: at least half of the lesion is over the threshold of the network's calibration, as removed or as "
        "invented. Exchanged results: the still with the lesion is given the result of the still without, which "
        "erases it, and the other way round, which invents it. Missed pixels are those of exchanged results that are "
        "too dark or too bright by more than 0.2 of the grey range, and not amber; so many of these results have any. "
        "In brackets: 95 % intervals, of shares of lesions exact ones that count each still, though a patient has up "
        "to four. "
    )
    return "\n\n".join([_retention(result), _flags(result["flags"]), told + made_with(result)])


def _retention(found: dict[str, Any]) -> str:
    rows = [
        [
            row,
            with_interval(one["of_input"], 2),
            *(count_and_share(one[kind]) for kind in ("erased", "invented")),
        ]
        for row, one in found["rows"].items()
    ]
    stills, shown = (sum(kind[of] for kind in found["drawn"].values()) for of in ("clips", "visible"))
    kinds = ", ".join(f"{kind['visible']} {kind_name}" for kind_name, kind in found["drawn"].items())
    heads = ["lesions in degraded real stills", "contrast left, of the input's", "erased", "invented"]
    detected = found["detector"]["detected"]["invented"]
    return markdown_table(heads, rows) + (
        f"\n\nThe lesion is visible in {shown} of {stills} stills ({kinds}). The detector of invented spots finds "
        f"{percent_interval(detected)} of them when they are added."
    )


def _flags(flags: dict[str, Any]) -> str:
    heads = [
        "flagged", "lesions that it erased", "lesions that it kept", "exchanged: erased",
        "exchanged: invented", "of the sector of its own results", "pixels missed of exchanged results",
    ]  # fmt: skip
    rows = [
        [
            f"{network}, {level}",
            *(_counts(found[kind], level) for kind in ("erased", "kept")),
            *(_counts(found["swapped"][kind], level) for kind in ("erased", "invented")),
            percent_interval(found["own"][level], 2),
            _missed(found["thresholds"]) if level == "amber" else "",
        ]
        for network, found in flags.items() if found is not None
        for level in ("amber", "red")
    ]  # fmt: skip
    return markdown_table(heads, rows)


def _counts(found: dict[str, Any] | None, level: str) -> str:
    return "none" if found is None else count_and_share(found[level])


def _missed(thresholds: dict[str, Any]) -> str:
    found = thresholds["missed_at_amber"]
    return "none" if found is None else f"{percent_interval(found)} in {thresholds['with_errors']}"
