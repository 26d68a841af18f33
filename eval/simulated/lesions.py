"""Lesion retention on simulated clips: lesions kept or erased, and spots invented where there is no lesion.

    python -m eval lesions [--model echogan runs/my-run/checkpoint]

Each clip is of a held-out simulated heart with one lesion, degraded as its seed says. Its control is the same clip
without the lesion. Only lesions that are visible in the input count: at least half of the signal survives over them,
and they stand out by LEAST_CONTRAST grey levels, both from their surroundings and from the control at the same place.

recovery   contrast of the lesion after enhancement over its contrast in the input, and over that in the clear truth;
           the ratio of the means over clips
erased     clips whose lesion keeps less than ERASED of its contrast in the input
invented   controls whose output, tone-matched to the input, has a spot where neither the input nor the clear truth
           has one of half its contrast. The spot has the contrast of the median visible lesion, is 0.5 to 2 cm wide,
           and is bright in fluid or dark in a wall. So input, truth and tone curves invent nothing.
faint      the same at half that contrast
detected   the detector's sensitivity: the visible lesions that it finds when the input with the lesion is given as the
           output of the control

The clips are cached in an ignored folder. Rendering them takes some minutes in the first run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from echogan.calibration.lesion_clips import lesion_clips
from echogan.core.errors import EchoGANError
from echogan.phantom.lesions import LESIONS
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, Method, make_methods
from eval.measures.intervals import share_interval
from eval.measures.metrics import ratio_of_means
from eval.measures.provenance import provenance
from eval.paths import ORACLE, RESULTS
from eval.simulated.lesion_cases import (
    LEAST_CONTRAST,
    LEAST_SUPPORT,
    THRESHOLDS,
    LesionCase,
    invented,
    make_case,
    thresholds,
)

RESULT = RESULTS / "lesions.json"
FIRST_SEED = 1_900_000_000  # hearts that nothing else is trained, chosen or tested on
STRIDE = 1_000_000  # between the first seeds of two kinds of lesion
ERASED = 0.5  # share of the input's contrast, under which a lesion counts as erased


@dataclass(frozen=True)
class LesionsSettings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints, by name or folder"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "checkpoint trained with the pairs; None leaves it out"}
    )
    classical: bool = field(default=True, metadata={"help": "measure the classical filters too"})
    clips: int = field(default=48, metadata={"help": "clips of each kind of lesion, visible or not"})
    frames: int = field(default=2, metadata={"help": "frames of each clip"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first heart"})
    kept: Path = field(default=Path("runs/lesions"), metadata={"help": "cache folder of the rendered clips"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: LesionsSettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    models = [*settings.model, *([str(settings.oracle)] if settings.oracle else [])]
    methods, checkpoints = make_methods(models, filters=settings.classical, kept=True)
    cases, drawn = [], {}
    for kind in LESIONS:
        found = list(lesion_clips(kind, settings.first_seed, settings.clips, settings.frames, settings.kept))
        visible = [case for case in map(make_case, found) if case is not None]
        drawn[kind] = {"clips": len(found), "visible": len(visible)}
        print(f"{kind}: visible in the input in {len(visible)} of {len(found)} clips", flush=True)
        cases += visible
    if not cases:
        raise EchoGANError("No lesion is visible in any of these clips: give more --clips.")
    least = thresholds(cases)
    measured = {}
    for name, method in methods.items():
        measured[name] = measure(cases, method, least)
        print(f"{name} measured", flush=True)
    result = {
        "rows": measured,
        "drawn": drawn,
        "detector": {**least, "detected": sensitivity(cases, least)},
        **facts(checkpoints, settings),
    }
    show(result)
    write(result, settings.out, settings, lambda result: result["rows"])


def sensitivity(cases: list[LesionCase], least: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The share of visible lesions, without effusions, that the detector finds.

    The input with the lesion is given as the output of the control, and should count as invented.
    """
    compact = [case for case in cases if case.kind != "effusion"]
    found = [invented(case, case.clip.array("poor"), least) for case in compact]
    return {
        name: share_interval([case.sign in one[name] for case, one in zip(compact, found, strict=True)])
        for name in THRESHOLDS
    }


def measure(cases: list[LesionCase], method: Method, least: dict[str, Any]) -> dict[str, Any]:
    """Recovery, erased and invented of one method; recovery and erased also for each kind of lesion."""
    after, spots = [], []
    for case in cases:
        after.append(case.contrast(method(case.clip.array("poor"), case.clip.sector)))
        spots.append(invented(case, method(case.clip.array("control"), case.clip.sector), least))
    kinds = np.array([case.kind for case in cases])
    before, truth, left = (
        np.array(values) for values in ([c.before for c in cases], [c.truth for c in cases], after)
    )
    result = _retention(before, truth, left)
    result |= {name: share_interval([bool(one[name]) for one in spots]) for name in THRESHOLDS}
    result["kinds"] = {
        kind: _retention(before[kinds == kind], truth[kinds == kind], left[kinds == kind])
        for kind in sorted(set(kinds))
    }
    return result


def _retention(before: np.ndarray, truth: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    return {
        "of_input": ratio_of_means(after, before),
        "of_truth": ratio_of_means(after, truth),
        "erased": share_interval(list(after < ERASED * before)),
    }


def facts(checkpoints: list[dict[str, str]], settings: LesionsSettings) -> dict[str, Any]:
    """What the result was made with. The oracle, where measured, is the last of the checkpoints."""
    oracle = {"oracle": checkpoints[-1]} if settings.oracle else {}
    used = {k: v for k, v in asdict(settings).items() if k in ("clips", "frames", "first_seed")}
    return {
        "data": "simulated clips (phantom), hearts never trained on",
        "settings": used
        | {"least_support": LEAST_SUPPORT, "least_contrast": LEAST_CONTRAST, "erased_under": ERASED},
        **provenance(checkpoints[:-1] if oracle else checkpoints),
        **oracle,
    }


def show(result: dict[str, Any]) -> None:
    """Print the detector's sensitivity and a line for each method."""
    found = result["detector"]
    caught = {name: f"{one['mean']:.0%}" for name, one in found["detected"].items()}
    print(f"thresholds: bright {found['bright']}, dark {found['dark']}; the detector finds {caught}")
    for name, row in result["rows"].items():
        print(
            f"{name:20} contrast left: {row['of_input']['mean']:.2f} of the input's, "
            f"{row['of_truth']['mean']:.2f} of the truth's; erased {_count(row['erased'])}, "
            f"invented {_count(row['invented'])}, faint {_count(row['faint'])}"
        )


def _count(found: dict[str, float]) -> str:
    return f"{found['count']:.0f}/{found['of']:.0f}"


if __name__ == "__main__":
    begin(main, LesionsSettings)
