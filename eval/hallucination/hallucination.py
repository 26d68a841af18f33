"""Hallucination: how well each diagnostic sees lesions that a network erased, and spots that it invented.

    python -m eval hallucination                                      measure, write
    python -m eval hallucination --rows "50% to 0%" --seeds 3         train missing runs before that
    python -m eval hallucination --fit                                fit the fusion anew before that
    python -m eval hallucination --steps 20                           a short run that writes nothing

The networks are those of the prevalence ladder (`eval.hallucination.ladder`) and those taught by false pairs
(`eval.hallucination.faulty`), both meant to be bad, and the shipped one apart: as it is, and with the results of the
clips with and without the lesion swapped, which makes errors of known kind without a bad network. The clips are
simulated, of held-out hearts, each with one lesion and without it. The truth map is that of
`echogan.calibration.truth_map`; the middle frame of each clip counts. For erased and invented pixels apart:

AUROC, AUPRC   over the pixels; faithful pixels are the others. The base rate is what AUPRC has by chance
found          wrong regions of which at least half are flagged, where 1 % and 5 % of the faithful pixels are

Intervals are bootstraps by clip. All networks are kept in eval/networks; what is missing there is trained, and a
stopped run is resumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from echogan.calibration.calibrate import calibration_clips
from echogan.calibration.examples import examples, swapped
from echogan.calibration.lesion_clips import LesionClip, lesion_clips
from echogan.calibration.truth_map import LEAST_SUPPORT, TAU
from echogan.core.errors import EchoGANError
from echogan.enhance.calibrated import calibration_of
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.phantom.lesions import LESIONS
from echogan.trust.fusion import fusion_sha256
from eval.command import begin, write
from eval.hallucination import ladder
from eval.hallucination.calibration_measures import calibration_measures
from eval.hallucination.detection import FLAGGED, FOUND
from eval.hallucination.diagnostics import OF_ANY_RESULT
from eval.hallucination.disc_clips import real, simulated
from eval.hallucination.faulty import (
    FAULTY,
    FITTED_ON,
    NETWORKS,
    faulty_examples,
    other_seeds,
    train_faulty,
)
from eval.hallucination.fit_fusion import write_fusion
from eval.hallucination.ladder import BASE, CORNERS, ROWS, RUNS, finished_runs, train_missing
from eval.hallucination.network_measures import lesions_left, measure
from eval.measures.baselines import checkpoint_facts, open_enhancer
from eval.measures.provenance import provenance
from eval.paths import RESULTS, SHARED

RESULT = RESULTS / "hallucination.json"
FIRST_SEED = 1_930_000_000  # hearts that nothing else is trained, chosen or tested on
FRAMES = 5  # of each clip, for the flicker


@dataclass(frozen=True)
class HallucinationSettings:
    """Which networks are trained, on what they are measured, and where the result goes."""

    rows: tuple[str, ...] = field(default=CORNERS, metadata={"help": "rows of the ladder to train"})
    seeds: int = field(default=1, metadata={"help": "runs of each row, with different seeds"})
    steps: int = field(default=BASE.steps, metadata={"help": "training steps of each run"})
    train_only: bool = field(default=False, metadata={"help": "measure nothing"})
    fit: bool = field(default=False, metadata={"help": "fit the fusion anew before measuring"})
    measure_only: bool = field(default=False, metadata={"help": "train nothing; measure the finished runs"})
    model: str = field(default=DEFAULT, metadata={"help": "shipped checkpoint to measure apart"})
    clips: int = field(default=12, metadata={"help": "clips of each kind of lesion"})
    held_out_clips: int = field(default=24, metadata={"help": "the same, for the held-out faulty networks"})
    known: int = field(
        default=24, metadata={"help": "clips of each kind like those of the calibration, for other splits"}
    )
    disc_clips: int = field(default=4, metadata={"help": "simulated clips that discs are painted into"})
    data: Path = field(
        default=SHARED / "data", metadata={"help": "folder of real clips; left out where absent"}
    )
    frames: int = field(default=FRAMES, metadata={"help": "frames of each clip, for the flicker"})
    runs: Path = field(default=RUNS, metadata={"help": "folder of the ladder's runs"})
    faulty: Path = field(default=NETWORKS, metadata={"help": "folder of the faulty networks"})
    kept: Path = field(default=Path("runs/lesions"), metadata={"help": "cache folder of the rendered clips"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: HallucinationSettings) -> None:
    """Train the missing runs, measure the finished ones, print and write."""
    torch.set_num_threads(1)
    if unknown := set(settings.rows) - set(ROWS):
        raise EchoGANError(f"There is no row {', '.join(sorted(unknown))}; choose from {', '.join(ROWS)}.")
    if not settings.measure_only:
        train_missing(settings.rows, settings.seeds, settings.steps, settings.runs)
        for one in FAULTY:
            for each in (one, *other_seeds(one)):
                train_faulty(each, settings.faulty, settings.kept)
    if settings.fit:
        write_fusion(settings.faulty, settings.kept)
    if settings.train_only:
        return
    result = collect(settings, test_clips(settings.clips, settings.frames, settings.kept))
    show(result)
    if settings.steps == BASE.steps:
        write(result, settings.out, settings, measured, but=("rows", "seeds", "measure_only", "fit"))


def test_clips(count: int, frames: int, kept: Path) -> list[LesionClip]:
    """The first so many clips of every kind of lesion that are measured."""
    return [clip for kind in LESIONS for clip in lesion_clips(kind, FIRST_SEED, count, frames, kept)]


def measured(result: dict[str, Any]) -> list[str]:
    """Every run of a result by row or fault and seed, and every diagnostic."""
    networks = {**result["rows"], **result["faulty"]}
    runs = [f"{name} {run['seed']}" for name, found in networks.items() for run in found["runs"]]
    return runs + list(result["shipped"]["diagnostics"])


def collect(settings: HallucinationSettings, clips: list[LesionClip]) -> dict[str, Any]:
    """The result as JSON: the runs of each row together, and the shipped network apart."""
    shipped = open_enhancer(settings.model)
    own = list(examples(clips, shipped))
    calibrated, known, discs = calibration_of(shipped.checkpoint), [], []
    if calibrated is not None:
        known = list(calibration_clips(settings.known, settings.kept))
        discs = [*simulated(clips, settings.disc_clips), *real(settings.data)]
    return {
        "faulty": faulty_networks(settings, clips),
        "shipped": {**lesions_left(own, clips), **measure(own)},
        "swapped": measure(list(swapped(own)), OF_ANY_RESULT),
        "calibration": calibrated
        and calibration_measures(calibrated.calibration, shipped, known, clips, settings.faulty, discs),
        "rows": ladder_rows(clips, settings.seeds, settings.steps, settings.runs),
        "ladder": ladder.facts(),
        "settings": {
            "clips": settings.clips, "held_out_clips": settings.held_out_clips, "frames": settings.frames,
            "first_seed": FIRST_SEED, "tau": TAU, "least_support": LEAST_SUPPORT, "found": FOUND,
            "flagged": list(FLAGGED),
        },
        "fusion": fusion_sha256(),
        **provenance([checkpoint_facts(shipped)]),
    }  # fmt: skip


def ladder_rows(
    clips: list[LesionClip], seeds: int, steps: int, runs: Path, size: int = BASE.size
) -> dict[str, Any]:
    """The finished rows of the ladder: the runs of each, and what all of them did together."""
    rows: dict[str, Any] = {}
    for row, seed, folder in finished_runs(seeds, steps, runs, size):
        enhancer = open_enhancer(str(folder))
        found = rows.setdefault(row, {"runs": [], "examples": []})
        found["runs"].append({"seed": seed, "sha256": checkpoint_facts(enhancer)["sha256"]})
        found["examples"] += examples(clips, enhancer)
    return {
        row: {"runs": one["runs"], **lesions_left(one["examples"], clips), **measure(one["examples"])}
        for row, one in rows.items()
    }


def faulty_networks(settings: HallucinationSettings, clips: list[LesionClip]) -> dict[str, Any]:
    """The finished networks of FAULTY: what each was taught, whether the fusion was fitted on it, and `measure`.

    Of a small network that is held out, the results of all its seeds together.
    """
    more, found = test_clips(settings.held_out_clips, settings.frames, settings.kept), {}
    for one in FAULTY:
        if not (settings.faulty / one.name).exists():
            continue
        fitted_on, runs, shown = one.name in FITTED_ON, [], []
        for each in (one, *other_seeds(one)):
            if (folder := settings.faulty / each.name).exists():
                enhancer = open_enhancer(str(folder))
                runs.append({"seed": each.seed, "sha256": checkpoint_facts(enhancer)["sha256"]})
                shown += faulty_examples(one, clips if fitted_on else more, enhancer)
        found[one.name] = {
            "fault": one.fault, "small": one.small, "fitted_on": fitted_on, "runs": runs, **measure(shown),
        }  # fmt: skip
    return found


def show(result: dict[str, Any]) -> None:
    """Print what each network did, and the AUROC of each diagnostic."""
    apart = {name: result[name] for name in ("shipped", "swapped")}
    show_rows({**result["rows"], **result["faulty"], **apart})


def show_rows(rows: dict[str, Any]) -> None:
    """Print what the networks of each row did, and the AUROC of each diagnostic."""
    for row, found in rows.items():
        shares = ", ".join(f"{name} {one['mean']:.2%}" for name, one in found["share"].items())
        left = found.get("contrast_left")
        print(f"{row}: {shares} of the sector" + (f"; contrast left {left['mean']:.2f}" if left else ""))
        for name, both in found["diagnostics"].items():
            seen = (
                f"{wrong} {one['auroc']['mean']:.2f}" if one else f"no {wrong}" for wrong, one in both.items()
            )
            print(f"    {name:32} AUROC {', '.join(seen)}")


if __name__ == "__main__":
    begin(main, HallucinationSettings)
