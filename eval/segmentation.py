"""Does enhancement help to find the heart? A frozen judge's Dice and area error before and after, on CAMUS.

    python -m eval.segmentation [--model NAME ...]             eval/results/segmentation.json
    python -m eval.segmentation --segmenter segmenter-phantom  only the shipped segmenter's Dice, segmenter.json

On real Good, Medium and Poor test patients, and semi-real: the Good test patients' stills degraded, whose clear truth
is known. The judge (`eval.judge`) saw other Good patients only, and is used for nothing else. Intervals are paired
bootstraps by patient. Leclerc et al., IEEE TMI 38(9), 2019. Without CAMUS beside the project it says so and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from echogan.metrics import psnr, ssim, tone_matched_psnr
from echogan.model.segmenter import MULTIPLE, Segmenter, Structure, load_segmenter
from eval.camus_stills import STRUCTURES, Still, degrade, stills
from eval.command import begin, write
from eval.judge import FrozenJudge, judge
from eval.rows import NETWORKS, Row, interval, make_rows, provenance
from eval.splits import CAMUS, split_hash

RESULTS = Path(__file__).parent / "results"
GRADES = ("Good", "Medium", "Poor")
SEMI_REAL_SEED = 41_000_000
IMAGE = {"psnr_db": psnr, "tone_matched_psnr_db": tone_matched_psnr, "ssim": ssim}
Table = dict[str, dict[str, np.ndarray]]
"""Row -> measure -> one value for each still."""


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    segmenter: str = field(default="", metadata={"help": "measure only this segmenter on the test patients"})
    data: Path = field(default=CAMUS, metadata={"help": "CAMUS' folder"})
    patients: int | None = field(default=None, metadata={"help": "of each grade at most, for a quick look"})
    out: Path | None = field(default=None, metadata={"help": "JSON to write, else in eval/results"})


def main(settings: Settings) -> None:
    """Measure, print and write."""
    if not (settings.data / "index.csv").is_file():
        print(f"no CAMUS stills in {settings.data}: segmentation is not measured.")
        return
    if settings.segmenter:
        result, name = measure_segmenter(settings), "segmenter"
    else:
        result, name = measure_rows(settings), "segmentation"
    out = settings.out or RESULTS / f"{name}.json"
    write(result, out, settings, measured, but=("segmenter",))


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
        "split": "eval/splits/camus.csv, test",
        "split_sha256": split_hash(),
        "versions": provenance([])["versions"],
    }


def segment(network: Segmenter, image: np.ndarray) -> np.ndarray:
    """CAMUS' labels of an image uint8 (h, w): Structure, with the right heart as background."""
    x = torch.from_numpy(image).float()[None, None] / 127.5 - 1
    bottom, right = (-side % MULTIPLE for side in image.shape)
    with torch.inference_mode():
        logits = network(F.pad(x, (0, right, 0, bottom), value=-1.0))
    labels = logits.argmax(1)[0, : image.shape[0], : image.shape[1]].byte().numpy()
    return np.where(labels > Structure.LA, 0, labels)


def measure_rows(settings: Settings) -> dict[str, Any]:
    """Every row on every set, the gains over the input, and the share of the judge's own gap."""
    frozen = judge(settings.data)
    rows, told = make_rows(settings.model)
    real = held_out_stills(settings)
    poor = [degrade(still, SEMI_REAL_SEED + k) for k, still in enumerate(real["Good"])]
    tables = {grade: measure(images, rows, frozen) for grade, images in real.items()}
    tables["semi-real"] = measure(poor, rows, frozen, [still.image for still in real["Good"]])
    patients = {grade: [s.patient for s in images] for grade, images in real.items()}
    patients["semi-real"] = patients["Good"]
    sets = {name: summarise(table, patients[name]) for name, table in tables.items()}
    gap = gap_and_share(tables, patients)
    show(sets, gap)
    facts = {
        "patients": settings.patients,
        "semi_real_seed": SEMI_REAL_SEED,
        "model": [m["name"] for m in told],
    }
    return {
        "sets": sets, "gap": gap, "model": told[0],
        "judge": {"sha256": frozen.sha256, **asdict(frozen.settings)},
        "split": "eval/splits/camus.csv, test", "split_sha256": split_hash(), "settings": facts, **provenance(told),
    }  # fmt: skip


def measure(
    images: Sequence[Still], rows: dict[str, Row], frozen: FrozenJudge, truth: Sequence[np.ndarray] = ()
) -> Table:
    """The judge's Dice (each structure and their mean) and area errors in percent, and image metrics with truth."""
    table: Table = {}
    for name, treat in rows.items():
        shown = [treat(still.image[None], still.sector)[0] for still in images]
        labels = frozen(shown)
        pairs = list(zip(labels, (still.labels for still in images), strict=True))
        scores, errors = (np.array([f(a, b) for a, b in pairs]) for f in (dice, area_error))
        found = {"dice": np.nanmean(scores, 1), "area_error": np.nanmean(errors, 1)}
        for k, structure in enumerate(STRUCTURES):
            found |= {f"dice {structure}": scores[:, k], f"area_error {structure}": errors[:, k]}
        for metric, compute in IMAGE.items() if truth else ():
            rated = zip(shown, truth, images, strict=True)
            found[metric] = np.array([compute(a, b, still.sector.mask) for a, b, still in rated])
        table[name] = found
    return table


def dice(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """Dice of each structure of two label images; NaN where the truth has none of it."""
    scores = []
    for k in range(1, len(STRUCTURES) + 1):
        a, b = found == k, truth == k
        scores.append(2 * float((a & b).sum()) / float(a.sum() + b.sum()) if b.any() else float("nan"))
    return scores


def area_error(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """|found area - true area| of each structure in percent of the true one; NaN where the truth has none."""
    errors = []
    for k in range(1, len(STRUCTURES) + 1):
        a, b = float((found == k).sum()), float((truth == k).sum())
        errors.append(100 * abs(a - b) / b if b else float("nan"))
    return errors


def summarise(table: Table, patients: Sequence[str]) -> dict[str, Any]:
    """Of each row and measure the mean by patient, and the paired gain over the input."""
    done: dict[str, Any] = {}
    for row, found in table.items():
        done[row] = {measure: interval(values, patients) for measure, values in found.items()}
        if row != "input":
            differences = {m: values - table["input"][m] for m, values in found.items()}
            done[row]["gain"] = {m: interval(values, patients) for m, values in differences.items()}
    return done


def gap_and_share(
    tables: dict[str, Table], patients: dict[str, list[str]], draws: int = 10_000
) -> dict[str, Any]:
    """The judge's Dice on Good less that on Poor inputs, and each row's gain on Poor as a share of it.

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
    """Print the Dice of each row and its gain, in points of a hundred, and the gap."""
    for name, rows in sets.items():
        print(f"{name}: {rows['input']['dice']['groups']} patients")
        for row, found in rows.items():
            print(f"  {row:20} {_line(found)}")
    print(
        f"Good to Poor: {_points(gap['dice'])} points",
        "" if gap["decides"] else "(under 1: semi-real decides)",
    )
    for row, share in gap["share"].items():
        print(f"  {row:20} share of it {share['mean']:+.0%} [{share['low']:+.0%}, {share['high']:+.0%}]")


def _line(found: dict[str, Any]) -> str:
    parts = [
        f"Dice {100 * found['dice']['mean']:.2f}",
        f"LV area error {found['area_error LV']['mean']:.1f} %",
    ]
    if "gain" in found:
        parts.append(f"gain {_points(found['gain']['dice'])}")
    if "ssim" in found:
        parts += [f"PSNR {found['psnr_db']['mean']:.2f}", f"SSIM {found['ssim']['mean']:.3f}",
                  f"tone-matched PSNR {found['tone_matched_psnr_db']['mean']:.2f}"]  # fmt: skip
    return "  ".join(parts)


def _points(found: dict[str, float]) -> str:
    return f"{100 * found['mean']:+.2f} [{100 * found['low']:+.2f}, {100 * found['high']:+.2f}]"


if __name__ == "__main__":
    begin(main, Settings)
