"""Does enhancement help? A frozen segmenter's Dice and measures that follow the grade, before and after, on CAMUS.

    python -m eval segmentation [--model NAME ...]             eval/results/segmentation.json
    python -m eval segmentation --retrain                      one trained on enhanced stills, retrained_segmenter.json
    python -m eval segmentation --quick --model NAME           selection patients only, to choose by; printed alone
    python -m eval segmentation --segmenter segmenter-phantom  only the shipped segmenter's Dice, segmenter.json

On real Good, Medium and Poor test patients of both views, and semi-real: the Good test patients' stills degraded,
whose clear truth is known. The segmenter (`eval.camus.frozen_segmenter`) and the grade classifier (`eval.camus.grade_classifier`) saw none of
them. Dice is near its ceiling here: it shows whether something is lost, the border contrast and P(good) what is
gained. Intervals are paired bootstraps by patient. Leclerc et al., IEEE TMI 38(9), 2019. NAME is a bundled checkpoint
or a folder. Without CAMUS beside the project it says so and ends.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from echogan.core.scale import GREY
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import MULTIPLE, Segmenter, Structure
from eval.camus.frozen_segmenter import frozen_segmenter
from eval.camus.grade_classifier import GradeClassifier, auc, grade_classifier
from eval.camus.retrained_segmenter import measure_retrained
from eval.camus.selection import measure_selection, points
from eval.camus.splits import split_hash
from eval.camus.still_scores import Table, dice, measure, summarise, together
from eval.camus.stills import STRUCTURES, Still, degrade, stills, view_stills
from eval.camus.two_chamber import VIEWS, View, list_hash
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, interval, make_rows, provenance
from eval.paths import CAMUS, ORACLE, RESULTS

GRADES = ("Good", "Medium", "Poor")
SEMI_REAL_SEED = 41_000_000
PREFIX: dict[View, str] = {"4CH": "", "2CH": "two-chamber "}
BOTH = "both views "
"""A set is named by its grade, or "semi-real", after one of these."""
SHOWN = {
    "Dice": "dice", "myocardium": "dice myocardium", "border contrast": "border_contrast", "P(good)": "p_good",
}  # fmt: skip
"""A set is named by its grade, or "semi-real", after one of these."""


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "the network trained with pairs, shown beside them"}
    )
    classical: bool = field(default=True, metadata={"help": "the classical methods too, half of the time"})
    quick: bool = field(
        default=False, metadata={"help": "a short look at selection patients only; nothing is written"}
    )
    retrain: bool = field(
        default=False,
        metadata={"help": "the frozen segmenter trained anew on each network's enhanced stills"},
    )
    segmenter: str = field(default="", metadata={"help": "measure only this segmenter on the test patients"})
    data: Path = field(default=CAMUS, metadata={"help": "CAMUS' folder"})
    patients: int | None = field(default=None, metadata={"help": "of each grade at most, for a quick look"})
    out: Path | None = field(default=None, metadata={"help": "JSON to write, else in eval/results"})


def main(settings: Settings) -> None:
    """Measure, print and write."""
    if not (settings.data / "index.csv").is_file():
        print(f"no CAMUS stills in {settings.data}: segmentation is not measured.")
        return
    if settings.quick:
        measure_selection(settings.data, settings.model)
        return
    if settings.segmenter:
        result, name = measure_segmenter(settings), "segmenter"
    elif settings.retrain:
        stills_of = {
            grade: [still for view in VIEWS for still in test_stills(settings, view, grade)]
            for grade in ("Good", "Poor")
        }
        networks = [*settings.model, *([str(settings.oracle)] if settings.oracle else [])]
        result, name = measure_retrained(settings.data, networks, stills_of), "retrained_segmenter"
    else:
        result, name = measure_rows(settings), "segmentation"
    out = settings.out or RESULTS / f"{name}.json"
    write(result, out, settings, measured, but=("segmenter", "retrain"))


def measured(result: dict[str, Any]) -> list[str]:
    """Every set and row of a result."""
    return [f"{name} {row}" for name, rows in result.get("sets", {}).items() for row in rows]


def held_out_stills(settings: Settings) -> dict[str, list[Still]]:
    """The test patients' stills of each grade."""
    found = {}
    for grade in GRADES:
        images = stills(settings.data, "test", grade)
        chosen = sorted({still.patient for still in images})[: settings.patients]
        found[grade] = [still for still in images if still.patient in chosen]
    return found


def measure_segmenter(settings: Settings) -> dict[str, Any]:
    """The segmenter's Dice with the expert's outlines, by structure and grade."""
    shipped = load_segmenter(settings.segmenter)
    result: dict[str, Any] = {
        "segmenter": {"name": shipped.config.name, "sha256": shipped.sha256},
        "dice": {},
    }
    for grade, images in held_out_stills(settings).items():
        found = [segment(shipped.network, still.image) for still in images]
        scores = np.array([dice(labels, still.labels) for labels, still in zip(found, images, strict=True)])
        names = [still.patient for still in images]
        result["dice"][grade] = {
            s: interval(scores[:, k], names) for k, s in enumerate(STRUCTURES)
        } | {"mean": interval(np.nanmean(scores, 1), names)}  # fmt: skip
        print(grade, {s: round(v["mean"], 3) for s, v in result["dice"][grade].items()})
    return result | {
        "trained_on": shipped.config.trained_on["phantom"],
        "split": "eval/camus/splits/camus.csv, test",
        "split_sha256": split_hash(),
        "versions": provenance([])["versions"],
    }


def segment(network: Segmenter, image: np.ndarray) -> np.ndarray:
    """CAMUS' labels of an image uint8 (h, w): Structure, with the right heart as background."""
    x = torch.from_numpy(image).float()[None, None] / GREY - 1
    bottom, right = (-side % MULTIPLE for side in image.shape)
    with torch.inference_mode():
        logits = network(F.pad(x, (0, right, 0, bottom), value=-1.0))
    labels = logits.argmax(1)[0, : image.shape[0], : image.shape[1]].byte().numpy()
    return np.where(labels > Structure.LA, 0, labels)


def measure_rows(settings: Settings) -> dict[str, Any]:
    """Every row on every set, the gains over the input, and the share of the frozen segmenter's own gap."""
    frozen, grader = frozen_segmenter(settings.data), grade_classifier(settings.data)
    rows, told = make_rows([*settings.model, *([str(settings.oracle)] if settings.oracle else [])])
    if not settings.classical:
        rows = {name: row for name, row in rows.items() if name in ("input", *(one["name"] for one in told))}
    tables: dict[str, Table] = {}
    patients: dict[str, list[str]] = {}
    for view in VIEWS:
        real = {grade: test_stills(settings, view, grade) for grade in GRADES}
        poor = [degrade(still, SEMI_REAL_SEED + k) for k, still in enumerate(real["Good"])]
        for name, images in {**real, "semi-real": poor}.items():
            truth = [still.image for still in real["Good"]] if name == "semi-real" else []
            tables[PREFIX[view] + name] = measure(images, rows, frozen, grader, truth)
            patients[PREFIX[view] + name] = [still.patient for still in images]
            print(f"measured {view} {name}: {len(images)} stills", flush=True)
    for name in (*GRADES, "semi-real"):
        one, two = (PREFIX[view] + name for view in VIEWS)
        tables[BOTH + name] = together(tables[one], tables[two])
        patients[BOTH + name] = patients[one] + patients[two]
    sets = {name: summarise(table, patients[name]) for name, table in tables.items()}
    gap = gap_and_share(tables, patients)
    show(sets, gap)
    facts = {
        "patients": settings.patients,
        "semi_real_seed": SEMI_REAL_SEED,
        "model": list(settings.model),
    }
    models = told[: len(settings.model)]
    return {
        "sets": sets, "gap": gap, "model": told[0], "frozen_segmenter": {"sha256": frozen.sha256, **asdict(frozen.settings)},
        "grade_classifier": grading(tables, grader), "others": told[len(settings.model) :],
        "split": "eval/camus/splits/camus.csv, test", "split_sha256": split_hash(), "views_sha256": list_hash(),
        "settings": facts, **provenance(models),
    }  # fmt: skip


def test_stills(settings: Settings, view: View, grade: str) -> list[Still]:
    """The test patients' stills of a view and a grade."""
    images = view_stills(settings.data, view, "test", grade)
    chosen = sorted({still.patient for still in images})[: settings.patients]
    return [still for still in images if still.patient in chosen]


def grading(tables: dict[str, Table], grader: GradeClassifier) -> dict[str, Any]:
    """How well the grade classifier tells Good from Poor test stills, as they are: AUC of each view and of both."""
    found = {
        view: auc(*(tables[prefix + grade]["input"]["p_good"] for grade in ("Good", "Poor")))
        for view, prefix in {**PREFIX, "both": BOTH}.items()
    }
    return {"sha256": grader.sha256, **asdict(grader.settings), "auc": found}


def gap_and_share(
    tables: dict[str, Table], patients: dict[str, list[str]], draws: int = 10_000
) -> dict[str, Any]:
    """The frozen segmenter's Dice on Good less that on Poor inputs, and each row's gain on Poor as a share of it.

    Percentile bootstrap over patients of both grades together; under one point of gap the share says nothing.
    """

    def by_patient(values: np.ndarray, grade: str) -> np.ndarray:
        names = np.array(patients[grade])
        return np.array([values[names == name].mean() for name in sorted(set(patients[grade]))])

    good, poor = (by_patient(tables[grade]["input"]["dice"], grade) for grade in ("Good", "Poor"))
    rng = np.random.default_rng(0)
    picks = [rng.integers(len(x), size=(draws, len(x))) for x in (good, poor)]
    gaps = good[picks[0]].mean(1) - poor[picks[1]].mean(1)
    gap = float(good.mean() - poor.mean())
    result: dict[str, Any] = {"dice": {"mean": gap, **_limits(gaps)}, "decides": gap >= 0.01, "share": {}}
    for row in tables["Poor"]:
        if row != "input":
            gain = by_patient(tables["Poor"][row]["dice"], "Poor") - poor
            with np.errstate(divide="ignore", invalid="ignore"):
                shares = gain[picks[1]].mean(1) / gaps
            result["share"][row] = {"mean": float(gain.mean()) / gap, **_limits(shares)}
    return result


def _limits(values: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(values[np.isfinite(values)], [0.025, 0.975])
    return {"low": float(low), "high": float(high)}


def show(sets: dict[str, Any], gap: dict[str, Any]) -> None:
    """Print each row's Dice, border contrast and P(good) with their gains, Dice in points of a hundred; and the gap."""
    for name, rows in sets.items():
        print(f"{name}: {rows['input']['dice']['groups']} patients")
        for row, found in rows.items():
            print(f"  {row:20} {_line(found)}")
    print(
        f"Good to Poor, four-chamber: {points(gap['dice'])} points",
        "" if gap["decides"] else "(under 1: semi-real decides)",
    )
    for row, share in gap["share"].items():
        print(f"  {row:20} share of it {share['mean']:+.0%} [{share['low']:+.0%}, {share['high']:+.0%}]")


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
    begin(main, Settings)
