"""Segmentation of real stills before and after enhancement: Dice, border contrast and P(good) on CAMUS test patients.

    python -m eval segmentation [--model NAME ...]             writes segmentation.json in eval/results
    python -m eval segmentation --retrain                      retrains the segmenter on enhanced stills,
                                                               writes retrained_segmenter.json
    python -m eval segmentation --quick --model NAME           selection patients only, to choose by; prints only
    python -m eval segmentation --segmenter segmenter-phantom  only Dice of the shipped segmenter, segmenter.json

The stills are real Good, Medium and Poor ones of both views, and semi-real ones: the Good stills degraded by the
simulator, so that the clear truth is known. All are of test patients. The frozen segmenter and the grade classifier
saw none of these patients. Dice is near its ceiling here, so it shows whether something is lost. Border contrast and
P(good) show what is gained. Intervals are paired bootstraps by patient. NAME is a bundled checkpoint or a folder.
CAMUS: Leclerc et al., IEEE TMI 38(9), 2019. Without CAMUS beside the project nothing is measured.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eval.camus.frozen_segmenter import frozen_segmenter
from eval.camus.grade_classifier import GradeClassifier, auc, grade_classifier
from eval.camus.grade_gap import gap_and_share
from eval.camus.retrained_segmenter import measure_retrained
from eval.camus.selection import measure_selection, points
from eval.camus.shipped_segmenter import GRADES, measure_segmenter
from eval.camus.splits import split_hash
from eval.camus.still_scores import Table, measure, summarise, together
from eval.camus.stills import degrade, held_out_stills
from eval.camus.two_chamber import VIEWS, CamusView, list_hash
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, make_methods
from eval.measures.provenance import provenance
from eval.paths import CAMUS, ORACLE, RESULTS

SEMI_REAL_SEED = 41_000_000
PREFIX: dict[CamusView, str] = {"4CH": "", "2CH": "two-chamber "}
BOTH = "both views "
"""A set of stills is named by one of these prefixes, and its grade or "semi-real"."""
SHOWN = {
    "Dice": "dice", "myocardium": "dice myocardium", "border contrast": "border_contrast", "P(good)": "p_good",
}  # fmt: skip


@dataclass(frozen=True)
class SegmentationSettings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "checkpoint trained with pairs, shown for comparison"}
    )
    classical: bool = field(
        default=True, metadata={"help": "measure the classical filters too; they take half of the time"}
    )
    quick: bool = field(
        default=False, metadata={"help": "measure the selection patients only, and write nothing"}
    )
    retrain: bool = field(
        default=False, metadata={"help": "retrain the frozen segmenter on each network's enhanced stills"}
    )
    segmenter: str = field(default="", metadata={"help": "measure only this segmenter on the test patients"})
    data: Path = field(default=CAMUS, metadata={"help": "CAMUS' folder"})
    patients: int | None = field(
        default=None, metadata={"help": "most patients of each grade, for a short run"}
    )
    out: Path | None = field(
        default=None, metadata={"help": "JSON to write, instead of that in eval/results"}
    )

    @property
    def networks(self) -> list[str]:
        """The checkpoints to measure; the oracle, where wanted, is the last."""
        return [*self.model, *([str(self.oracle)] if self.oracle else [])]


def main(settings: SegmentationSettings) -> None:
    """Measure, print and write."""
    data = settings.data
    if not (data / "index.csv").is_file():
        print(f"No CAMUS stills in {data}: segmentation is not measured.")
        return
    if settings.quick:
        measure_selection(data, settings.model)
        return
    if settings.segmenter:
        result, name = measure_segmenter(settings.segmenter, data, settings.patients), "segmenter"
    elif settings.retrain:
        sets = {
            grade: [
                still for view in VIEWS for still in held_out_stills(data, view, grade, settings.patients)
            ]
            for grade in ("Good", "Poor")
        }
        result, name = measure_retrained(data, settings.networks, sets), "retrained_segmenter"
    else:
        result, name = measure_methods(settings), "segmentation"
    out = settings.out or RESULTS / f"{name}.json"
    write(result, out, settings, measured, but=("segmenter", "retrain"))


def measured(result: dict[str, Any]) -> list[str]:
    """Every set and method of a result."""
    return [f"{name} {row}" for name, rows in result.get("sets", {}).items() for row in rows]


def measure_methods(settings: SegmentationSettings) -> dict[str, Any]:
    """Every method on every set of stills, its gain over the input, and the share of the gap from Good to Poor."""
    frozen, grader = frozen_segmenter(settings.data), grade_classifier(settings.data)
    methods, checkpoints = make_methods(settings.networks, filters=settings.classical)
    tables: dict[str, Table] = {}
    patients: dict[str, list[str]] = {}
    for view in VIEWS:
        real = {grade: held_out_stills(settings.data, view, grade, settings.patients) for grade in GRADES}
        poor = [degrade(still, SEMI_REAL_SEED + k) for k, still in enumerate(real["Good"])]
        for name, images in {**real, "semi-real": poor}.items():
            truth = [still.image for still in real["Good"]] if name == "semi-real" else []
            tables[PREFIX[view] + name] = measure(images, methods, frozen, grader, truth)
            patients[PREFIX[view] + name] = [still.patient for still in images]
            print(f"measured {view} {name}: {len(images)} stills", flush=True)
    for name in (*GRADES, "semi-real"):
        one, two = (PREFIX[view] + name for view in VIEWS)
        tables[BOTH + name] = together(tables[one], tables[two])
        patients[BOTH + name] = patients[one] + patients[two]
    sets = {name: summarise(table, patients[name]) for name, table in tables.items()}
    gap = gap_and_share(tables, patients)
    show(sets, gap)
    used = {
        "patients": settings.patients, "semi_real_seed": SEMI_REAL_SEED, "model": list(settings.model),
    }  # fmt: skip
    own, others = checkpoints[: len(settings.model)], checkpoints[len(settings.model) :]
    return {
        "sets": sets, "gap": gap, "model": own[0],
        "frozen_segmenter": {"sha256": frozen.sha256, **asdict(frozen.settings)},
        "grade_classifier": classifier_facts(tables, grader), "others": others,
        "split": "eval/camus/splits/camus.csv, test", "split_sha256": split_hash(), "views_sha256": list_hash(),
        "settings": used, **provenance(own, others),
    }  # fmt: skip


def classifier_facts(tables: dict[str, Table], grader: GradeClassifier) -> dict[str, Any]:
    """The grade classifier's hash, settings, and AUC for Good against Poor unchanged test stills of each view."""
    found = {
        view: auc(*(tables[prefix + grade]["input"]["p_good"] for grade in ("Good", "Poor")))
        for view, prefix in {**PREFIX, "both": BOTH}.items()
    }
    return {"sha256": grader.sha256, **asdict(grader.settings), "auc": found}


def show(sets: dict[str, Any], gap: dict[str, Any]) -> None:
    """Print the measures of each method with their gains, Dice and contrast in hundredths, and the gap."""
    for name, rows in sets.items():
        print(f"{name}: {rows['input']['dice']['groups']} patients")
        for row, found in rows.items():
            print(f"  {row:20} {_line(found)}")
    print(
        f"Dice, Good less Poor, four-chamber: {points(gap['dice'])} points",
        "" if gap["decides"] else "(under 1 point: read the semi-real stills instead)",
    )
    for row, share in gap["share"].items():
        print(f"  {row:20} closes {share['mean']:+.0%} [{share['low']:+.0%}, {share['high']:+.0%}] of it")


def _line(found: dict[str, Any]) -> str:
    parts = []
    for title, name in SHOWN.items():
        gain = f" ({points(found['gain'][name])})" if "gain" in found else ""
        parts.append(f"{title} {100 * found[name]['mean']:.2f}{gain}")
    if "ssim" in found:
        parts += [f"PSNR {found['psnr_db']['mean']:.2f}", f"SSIM {found['ssim']['mean']:.3f}",
                  f"tone-matched PSNR {found['tone_matched_psnr_db']['mean']:.2f}"]  # fmt: skip
    return "  ".join(parts)


if __name__ == "__main__":
    begin(main, SegmentationSettings)
