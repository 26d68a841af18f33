"""What does enhancement cost in truth? Lesions kept and erased on simulated clips, and spots invented without one.

    python -m eval lesions [--model echogan runs/my-run/checkpoint]

Held-out simulated hearts with a lesion each, degraded as their seed says, and their controls: the same clip without
the lesion. Counted are lesions visible in the input: at least half of the signal survives over them, and they stand
out by LEAST_CONTRAST grey levels, both from what surrounds them and from the control at the same place.

recovery   the lesion's contrast after enhancement over that in the input, and over that in the clear truth: ratio of
           means over clips
erased     clips whose lesion keeps less than ERASED of its contrast in the input
invented   controls with a spot in the output (tone-matched to the input) of the contrast of the median visible lesion,
           where neither the input nor the clear truth has one of half that: bright in fluid, dark in walls, between
           0.5 and 2 cm (`eval.simulated.lesion_measures`). So input, truth and tone curves invent none. `faint`: with half
           that threshold. `detected`: of the visible lesions, those that the detector finds when the input with the
           lesion is taken for the output of its control.
Clips are kept in an ignored folder: the first run renders them for minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest

from echogan.core.errors import EchoGANError
from echogan.phantom.lesions import LESIONS, LesionKind
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, Row, make_rows, provenance
from eval.measures.metrics import ratio_of_means, tone_matched
from eval.paths import ORACLE, RESULTS
from eval.simulated.lesion_clips import LesionClip, lesion_clip
from eval.simulated.lesion_measures import SIGNS, TISSUES, SpotDetector, contrast, new_spot, surroundings

RESULT = RESULTS / "lesions.json"
FIRST_SEED = 1_900_000_000  # hearts of no training, no choice and no other result
STRIDE = 1_000_000  # between the seeds of one kind and of the next
LEAST_SUPPORT, LEAST_CONTRAST, ERASED = 0.5, 10.0, 0.5
LEAST_LESIONS = 3  # visible ones of a sign, for a threshold
THRESHOLDS = {"invented": 1.0, "faint": 0.5}  # of the median visible lesion's contrast


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints, by name or folder"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "checkpoint trained with the pairs; None leaves it out"}
    )
    classical: bool = field(default=True, metadata={"help": "measure the classical filters too"})
    clips: int = field(default=24, metadata={"help": "clips of each kind of lesion, visible or not"})
    frames: int = field(default=2, metadata={"help": "frames of each clip"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first heart"})
    kept: Path = field(default=Path("runs/lesions"), metadata={"help": "folder of the rendered clips"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


@dataclass(frozen=True)
class Case:
    """A clip whose lesion is visible in its input: the lesion's ring, its sign and its contrasts."""

    clip: LesionClip
    kind: str
    ring: np.ndarray
    sign: int
    before: float
    truth: float

    def contrast(self, frames: np.ndarray) -> float:
        """How far the lesion stands out in frames uint8 (T, h, w), in its own direction."""
        return self.sign * contrast(frames, self.clip.array("lesion"), self.ring)

    @cached_property
    def detectors(self) -> list[tuple[int, int, SpotDetector, np.ndarray]]:
        """Frame, sign, detector, and the spots known there: of the control before and of its clear truth."""
        clip, found = self.clip, []
        for frame, labels in enumerate(clip.array("control_labels")):
            for sign, tissues in TISSUES.items():
                detect = SpotDetector(np.isin(labels, tissues) & clip.array("mask"), float(clip.mm), sign)
                known = detect.known(clip.array("control")[frame], clip.array("clear_control")[frame])
                found.append((frame, sign, detect, known))
        return found


def main(settings: Settings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    models = [*settings.model, *([str(settings.oracle)] if settings.oracle else [])]
    rows, told = make_rows(models)
    if not settings.classical:
        rows = {name: rows[name] for name in ("input", *(one["name"] for one in told))}
    cases, drawn = [], {}
    for kind in LESIONS:
        found = list(lesion_clips(kind, settings))
        visible = [case for case in map(make_case, found) if case is not None]
        drawn[kind] = {"clips": len(found), "visible": len(visible)}
        print(f"{kind}: {len(visible)} of {len(found)} visible in the input", flush=True)
        cases += visible
    if not cases:
        raise EchoGANError("No lesion is visible in any of these clips: give more --clips.")
    detecting = thresholds(cases)
    measured = {}
    for name, treat in rows.items():
        measured[name] = measure(cases, treat, detecting)
        print(f"{name} measured", flush=True)
    result = {
        "rows": measured,
        "drawn": drawn,
        "detector": {**detecting, "detected": sensitivity(cases, detecting)},
        **facts(told, settings),
    }
    show(result)
    write(result, settings.out, settings, lambda result: result["rows"])


def lesion_clips(kind: LesionKind, settings: Settings) -> Iterator[LesionClip]:
    """So many clips of held-out hearts that can carry this lesion."""
    seed, found = settings.first_seed + LESIONS.index(kind) * STRIDE, 0
    while found < settings.clips:
        clip = lesion_clip(kind, seed, settings.frames, settings.kept)
        seed += 1
        if clip is not None:
            found += 1
            yield clip


def make_case(clip: LesionClip) -> Case | None:
    """The clip with its ring and contrasts; None where its lesion is not visible in the input."""
    kind = str(clip.facts["kind"])
    lesion, sign = clip.array("lesion"), SIGNS[kind]
    if not lesion.any() or clip.array("support")[lesion].mean() < 255 * LEAST_SUPPORT:
        return None
    ring = surroundings(lesion, clip.array("labels"), sign, float(clip.mm)) & clip.array("mask")
    before, truth = (sign * contrast(clip.array(name), lesion, ring) for name in ("poor", "clear"))
    made = sign * (
        clip.array("poor")[lesion].mean(dtype=float) - clip.array("control")[lesion].mean(dtype=float)
    )
    visible = (
        bool(before >= LEAST_CONTRAST) and made >= LEAST_CONTRAST
    )  # NaN, where not measured, is not visible
    return Case(clip, kind, ring, sign, before, truth) if visible else None


def thresholds(cases: list[Case]) -> dict[str, Any]:
    """The contrast of the median visible lesion as the detector sees it in the input, bright and dark ones apart.

    An effusion is no spot and has no part in it. None where there are fewer than LEAST_LESIONS.
    """
    found: dict[int, list[float]] = {1: [], -1: []}
    for case in cases:
        if case.kind != "effusion":
            poor, lesion = case.clip.array("poor"), case.clip.array("lesion")
            seen = [
                detect.strongest(poor[frame], lesion[frame])
                for frame, sign, detect, _ in case.detectors if sign == case.sign
            ]  # fmt: skip
            found[case.sign].append(max(seen))
    return {
        name: float(np.median(found[sign])) if len(found[sign]) >= LEAST_LESIONS else None
        for name, sign in (("bright", 1), ("dark", -1))
    }


def invented(case: Case, output: np.ndarray, detecting: dict[str, Any]) -> dict[str, set[int]]:
    """The signs of the new spots in an output of the control, uint8 (T, h, w), for each of THRESHOLDS.

    The output is brought back by the rising tone curve that brings it nearest to the input, so that the threshold is
    one of the input's grey levels and no tone curve can invent.
    """
    before, found = case.clip.array("control"), {name: set[int]() for name in THRESHOLDS}
    matched = tone_matched(output, before, np.broadcast_to(case.clip.array("mask"), before.shape))
    for frame, sign, detect, known in case.detectors:
        threshold = detecting["bright" if sign > 0 else "dark"]
        if threshold is not None:
            level = detect(matched[frame])
            for name, part in THRESHOLDS.items():
                found[name] |= {sign} if new_spot(level, known, part * threshold) else set()
    return found


def sensitivity(cases: list[Case], detecting: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Share of the visible lesions, effusions apart, that count as invented when the input with the lesion is taken
    for the output of the control."""
    spots = [case for case in cases if case.kind != "effusion"]
    found = [invented(case, case.clip.array("poor"), detecting) for case in spots]
    return {
        name: share([case.sign in one[name] for case, one in zip(spots, found, strict=True)])
        for name in THRESHOLDS
    }


def measure(cases: list[Case], treat: Row, detecting: dict[str, Any]) -> dict[str, Any]:
    """One row: recovery, erased and invented, and the first two of each kind."""
    after, spots = [], []
    for case in cases:
        after.append(case.contrast(treat(case.clip.array("poor"), case.clip.sector)))
        spots.append(invented(case, treat(case.clip.array("control"), case.clip.sector), detecting))
    kinds = np.array([case.kind for case in cases])
    before, truth, left = (
        np.array(values) for values in ([c.before for c in cases], [c.truth for c in cases], after)
    )
    result = _kept(before, truth, left)
    result |= {name: share([bool(one[name]) for one in spots]) for name in THRESHOLDS}
    result["kinds"] = {
        kind: _kept(before[kinds == kind], truth[kinds == kind], left[kinds == kind])
        for kind in sorted(set(kinds))
    }
    return result


def _kept(before: np.ndarray, truth: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    return {
        "of_input": ratio_of_means(after, before),
        "of_truth": ratio_of_means(after, truth),
        "erased": share(list(after < ERASED * before)),
    }


def share(found: list[bool]) -> dict[str, float]:
    """How many, of how many, and the share with its exact 95 % interval (Clopper & Pearson, 1934)."""
    count, of = int(np.sum(found)), len(found)
    exact = binomtest(count, of).proportion_ci(method="exact")
    return {"count": count, "of": of, "mean": count / of, "low": float(exact.low), "high": float(exact.high)}


def facts(told: list[dict[str, str]], settings: Settings) -> dict[str, Any]:
    """What the result was made with."""
    oracle = {"oracle": told[-1]} if settings.oracle else {}
    used = {k: v for k, v in asdict(settings).items() if k in ("clips", "frames", "first_seed")}
    return {
        "data": "simulated clips (phantom), hearts never trained on",
        "settings": used
        | {"least_support": LEAST_SUPPORT, "least_contrast": LEAST_CONTRAST, "erased_under": ERASED},
        **provenance(told[:-1] if oracle else told),
        **oracle,
    }


def show(result: dict[str, Any]) -> None:
    """Print each row."""
    found = result["detector"]
    caught = {name: f"{one['mean']:.0%}" for name, one in found["detected"].items()}
    print(f"thresholds bright {found['bright']}, dark {found['dark']}; the detector finds {caught}")
    for name, row in result["rows"].items():
        print(
            f"{name:20} contrast left {row['of_input']['mean']:.2f} of the input's, {row['of_truth']['mean']:.2f} of "
            f"the truth's; erased {_count(row['erased'])}, invented {_count(row['invented'])}, "
            f"faint {_count(row['faint'])}"
        )


def _count(found: dict[str, float]) -> str:
    return f"{found['count']:.0f}/{found['of']:.0f}"


if __name__ == "__main__":
    begin(main, Settings)
