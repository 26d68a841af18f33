"""Parts of the fusion alone, and a rival: the spread of three seeds, on the same pixels as the fusion.

    python -m eval rivals                    train what is missing, measure, write
    python -m eval rivals --measure-only     train no network; the spread only where the seeds are trained

The networks are those taught by false pairs that the fusion was not fitted on (`eval.hallucination.faulty`), on the
clips of `eval.hallucination.hallucination`, with its measures. Trained networks are kept in eval/networks.

units alone            the fusion without the error head
error head alone       `echogan.trust.error_head` without the units
spread of three seeds  standard deviation of the results of three networks that differ in their seed alone (deep
                       ensembles, Lakshminarayanan et al., NeurIPS 2017), as they are, and of their tone-matched
                       residuals, as a network's own grey curve is no disagreement. Of small networks only; the
                       first is the one that is measured
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from echogan.calibration.examples import Example
from echogan.calibration.lesion_clips import LesionClip
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.trust.error_finder import ErrorFinder
from echogan.trust.error_head import head_logits, shown
from echogan.trust.evidence import Evidence
from echogan.trust.fusion import bundled_head, full_size, fusion_sha256, probabilities
from echogan.trust.maps.tone import tone_matched
from eval.command import begin, write
from eval.hallucination.diagnostics import scores, signed
from eval.hallucination.faulty import (
    FAULTY,
    FITTED_ON,
    NETWORKS,
    Faulty,
    faulty_examples,
    other_seeds,
    train_faulty,
)
from eval.hallucination.hallucination import FIRST_SEED, test_clips
from eval.hallucination.network_measures import WRONG, detection
from eval.measures.baselines import checkpoint_facts, open_enhancer
from eval.measures.provenance import provenance
from eval.paths import RESULTS

RESULT = RESULTS / "rivals.json"
COMPARED = ("raw difference", "raw cycle error", "tone-matched residual", "fused")

Scores = dict[str, np.ndarray]
"""The scores of erased and of invented pixels in a middle frame, float (h, w) each."""


@dataclass(frozen=True)
class RivalsSettings:
    """On what the rivals are measured, and where networks and result are kept."""

    clips: int = field(default=24, metadata={"help": "clips of each kind of lesion"})
    frames: int = field(default=5, metadata={"help": "frames of each clip"})
    measure_only: bool = field(
        default=False, metadata={"help": "train no network; measure the finished ones"}
    )
    faulty: Path = field(default=NETWORKS, metadata={"help": "folder of the faulty networks"})
    kept: Path = field(default=Path("runs/lesions"), metadata={"help": "cache folder of the rendered clips"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: RivalsSettings) -> None:
    """Train what is missing, measure, print and write."""
    torch.set_num_threads(1)
    if not settings.measure_only:
        for one in FAULTY:
            train_faulty(one, settings.faulty, settings.kept)
    clips = test_clips(settings.clips, settings.frames, settings.kept)
    networks = {one.name: network(one, clips, settings) for one in FAULTY if one.name not in FITTED_ON}
    result = {
        "networks": networks,
        "head": {"weights": sum(one.size for one in bundled_head().values())},
        "settings": {"clips": settings.clips, "frames": settings.frames, "first_seed": FIRST_SEED},
        "fusion": fusion_sha256(),
        **provenance([checkpoint_facts(open_enhancer(DEFAULT))]),
    }
    show(result)
    write(result, settings.out, settings, measured, but=("measure_only",))


def measured(result: dict[str, Any]) -> list[str]:
    """Every network and diagnostic of a result."""
    return [f"{name} {row}" for name, found in result["networks"].items() for row in found["diagnostics"]]


def network(one: Faulty, clips: Sequence[LesionClip], settings: RivalsSettings) -> dict[str, Any]:
    """How each diagnostic sees the errors of one network."""
    enhancer = open_enhancer(str(settings.faulty / one.name))
    found = list(faulty_examples(one, clips, enhancer))
    rows: dict[str, list[Scores]] = {name: [scores(name, e) for e in found] for name in COMPARED}
    for name, part in PARTS.items():
        rows[name] = [both_signs(part(e)) for e in found]
    others = [open_enhancer(str(folder)) for folder in trained_seeds(one, settings)]
    if others:
        results = [found, *(list(faulty_examples(one, clips, other)) for other in others)]
        for name, spread in SPREADS.items():
            rows[name] = [dict.fromkeys(WRONG, spread(same)) for same in zip(*results, strict=True)]
    truths, groups = [e.truth for e in found], [e.clip for e in found]
    return {
        "fault": one.fault,
        "seeds": [checkpoint_facts(each) for each in (enhancer, *others)],
        "diagnostics": {
            name: {
                wrong: detection(
                    [of[wrong] for of in row], [getattr(t, wrong) for t in truths], [t.faithful for t in truths], groups
                )
                for wrong in WRONG
            }
            for name, row in rows.items()
        },
    }  # fmt: skip


def trained_seeds(one: Faulty, settings: RivalsSettings) -> list[Path]:
    """The folders of the other seeds of a small network; with `measure_only` none where one of them is missing."""
    if not settings.measure_only:
        return [train_faulty(other, settings.faulty, settings.kept) for other in other_seeds(one)]
    folders = [settings.faulty / other.name for other in other_seeds(one)]
    return folders if all(folder.exists() for folder in folders) else []


def units_alone(e: Example) -> np.ndarray:
    """The signed score of the fusion without the error head, float (h, w)."""
    (removed,), (invented,) = ErrorFinder(e.tissue)(*_middle(e))
    return signed(removed, invented)


def head_alone(e: Example) -> np.ndarray:
    """The signed score of what the error head says, float (h, w)."""
    evidence = Evidence(e.tissue)
    (x,), (g,) = ([evidence.reduced(frame) for frame in frames] for frames in _middle(e))
    (said,) = probabilities(head_logits(shown(x, g, evidence.tissue)[None], bundled_head()))
    return signed(*full_size(said, e.tissue))


def _middle(e: Example) -> tuple[np.ndarray, np.ndarray]:
    """The middle frame and its result, float32 (1, h, w) each."""
    return e.x[e.middle][None], e.g[e.middle][None]


PARTS = {"units alone": units_alone, "error head alone": head_alone}


def both_signs(score: np.ndarray) -> Scores:
    """A signed score, positive where added, for erased and for invented."""
    return {"erased": -score, "invented": score}


def spread_of_results(same: Sequence[Example]) -> np.ndarray:
    """Standard deviation over results of the same frame, float (h, w)."""
    return _spread([e.g[e.middle] for e in same])


def spread_of_residuals(same: Sequence[Example]) -> np.ndarray:
    """Standard deviation over the tone-matched residuals of the same frame, float (h, w)."""
    return _spread([tone_matched(e.x, e.g, e.tissue)[e.middle] for e in same])


def _spread(maps: Sequence[np.ndarray]) -> np.ndarray:
    return np.std(np.stack(maps) - maps[0], axis=0)  # less the first, so that equal maps have none at all


SPREADS = {
    "spread of three seeds": spread_of_results,
    "spread of three seeds, tone-matched": spread_of_residuals,
}


def show(result: dict[str, Any]) -> None:
    """Print the AUROC of each diagnostic, and the regions it finds."""
    for name, found in result["networks"].items():
        print(name)
        for row, both in found["diagnostics"].items():
            cells = [
                f"{wrong} {one['auroc']['mean']:.3f}, found at 5 % {one['found_at_5%']['mean']:.2f}"
                if one and one["regions"]
                else f"hardly any {wrong}"
                for wrong, one in both.items()
            ]
            print(f"    {row:36} {'; '.join(cells)}")


if __name__ == "__main__":
    begin(main, RivalsSettings)
