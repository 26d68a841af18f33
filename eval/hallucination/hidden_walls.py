"""Walls that a clip does not show: are they found where the result shows a cavity instead?

    python -m eval hidden_walls [--model echogan]      also writes a contact sheet to out/hidden_walls

Simulated: a wall is hidden where at most 35 % of its signal survive (the phantom's `support`), and cleared where the
result there is nearer to the level of the fluid than to that of the walls that are shown. Real: stills of CAMUS' test
patients in both views; a wall is cleared where the expert outlined myocardium and the result is nearer to the level of
the cavity than to that of the myocardium. All other tissue is faithful. Walls between hidden and shown do not count,
nor do leaflets and lesions, nor the rest of the expert's myocardium.

hidden walls      the map of `echogan.trust.hidden_walls`
dark myocardium   the probability of myocardium by the shipped segmenter of structures, where the result is dark
removed           what the fusion of the trust maps calls removed, from input and result
hidden or removed the larger of both
shadow            whether the input is dark to the end of the beam, as the trust card counts it

Without CAMUS beside the project nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from echogan.core.errors import EchoGANError
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.segmenter_checkpoint import WALLS, load_segmenter
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.trust.fusion import fusion_sha256
from echogan.trust.hidden_walls import LIKELY
from eval.camus.splits import split_hash
from eval.camus.stills import held_out_stills
from eval.camus.two_chamber import VIEWS, list_hash
from eval.command import begin, write
from eval.hallucination.detection import pixel_detection, region_detection
from eval.hallucination.hidden_scores import MAP, Scored, score_clip, score_still
from eval.hallucination.hidden_sheet import draw_sheet
from eval.measures.baselines import checkpoint_facts, open_enhancer
from eval.measures.metrics import ratio_of_means
from eval.measures.provenance import provenance
from eval.paths import CAMUS, RESULTS, ROOT

RESULT = RESULTS / "hidden_walls.json"
SHEET = ROOT / "out" / "hidden_walls" / "sheet.png"
FIRST_SEED = 1_990_000_000  # hearts that nothing is trained, chosen or tested on
FRAMES = 5  # of a simulated clip: the middle one counts, its neighbours are for networks that see several
GRADES = ("Poor", "Medium", "Good")


@dataclass(frozen=True)
class HiddenWallsSettings:
    """What is measured, and where the result goes."""

    model: str = field(default=DEFAULT, metadata={"help": "checkpoint whose results are looked at"})
    data: Path = field(default=CAMUS, metadata={"help": "CAMUS' folder; the two-chamber one lies beside it"})
    clips: int = field(default=120, metadata={"help": "simulated clips"})
    patients: int | None = field(
        default=None, metadata={"help": "patients of each view and grade; all by default"}
    )
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: HiddenWallsSettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    if not settings.data.is_dir():
        raise EchoGANError(f"CAMUS is not in {settings.data}; give its folder with --data.")
    enhancer = open_enhancer(settings.model)
    sets = {"simulated": list(simulated(enhancer, settings.clips))}
    sets |= {f"{grade} stills": list(real(enhancer, settings, grade)) for grade in GRADES}
    result: dict[str, Any] = {"sets": {name: measure(frames) for name, frames in sets.items()}}
    draw_sheet(sets["Poor stills"], SHEET)
    finder = load_segmenter(WALLS, "walls")
    result |= {
        "settings": {k: v for k, v in asdict(settings).items() if k in ("clips", "patients")},
        "likely": LIKELY,
        "walls": {"sha256": finder.sha256, **finder.config.trained_on},
        "fusion": fusion_sha256(),
        "split_sha256": split_hash(),
        "views_sha256": list_hash(),
        **provenance([checkpoint_facts(enhancer)]),
    }
    show(result)
    write(result, settings.out, settings, lambda result: result["sets"])


def simulated(enhancer: Enhancer, count: int) -> Iterator[Scored]:
    """The middle frame of each simulated clip."""
    settings = PhantomSettings()
    for number in range(count):
        clip = phantom_clip(FIRST_SEED + number, settings, FRAMES, want=("degraded", "labels", "support"))
        yield score_clip(enhancer, clip, number)


def real(enhancer: Enhancer, settings: HiddenWallsSettings, grade: str) -> Iterator[Scored]:
    """The test stills of a grade in both views."""
    for view in VIEWS:
        for still in held_out_stills(settings.data, view, grade, settings.patients):
            found = score_still(enhancer, still)
            if found is not None:
                yield found


def measure(frames: list[Scored]) -> dict[str, Any]:
    """How well each score tells hidden and cleared walls from the rest, and what the map's threshold finds."""
    groups = {name: number for number, name in enumerate(sorted({one.group for one in frames}))}
    result: dict[str, Any] = {"frames": len(frames), "groups": len(groups), "likely": _at_threshold(frames)}
    for kind in ("hidden", "cleared"):
        shown = [one for one in frames if one.walls(kind) is not None]
        if not shown:
            continue
        wrong, faithful = [one.walls(kind) for one in shown], [one.faithful for one in shown]
        numbers = [groups[one.group] for one in shown]
        result[kind] = {
            name: _detection([one.scores[name] for one in shown], wrong, faithful, numbers)
            for name in shown[0].scores
        }
    return result


def _detection(
    scores: list[np.ndarray], wrong: Any, faithful: list[np.ndarray], groups: list[int]
) -> dict[str, Any]:
    found = [detect(scores, wrong, faithful, groups) for detect in (pixel_detection, region_detection)]
    return {name: value for one in found if one is not None for name, value in one.items()}


def _at_threshold(frames: list[Scored]) -> dict[str, Any]:
    """Shares flagged at LIKELY: of the cleared walls' pixels, of the faithful ones, of the whole tissue."""

    def share(masks: list[np.ndarray]) -> dict[str, float]:
        hits = [
            float((one.scores[MAP][mask] >= LIKELY).sum()) for one, mask in zip(frames, masks, strict=True)
        ]
        return ratio_of_means(np.array(hits), np.array([float(mask.sum()) for mask in masks]))

    return {
        "cleared": share([one.cleared for one in frames]),
        "faithful": share([one.faithful for one in frames]),
        "tissue": share([one.tissue for one in frames]),
    }


def show(result: dict[str, Any]) -> None:
    """Print a line for each set, kind of wall and score."""
    for name, found in result["sets"].items():
        print(name, {k: f"{v['mean']:.1%}" for k, v in found["likely"].items()})
        for kind in ("hidden", "cleared"):
            for score, one in found.get(kind, {}).items():
                print(
                    f"  {kind:8} {score:16} AUROC {one['auroc']['mean']:.3f}, AUPRC {one['auprc']['mean']:.3f} "
                    f"(base rate {one['base_rate']:.3f}), regions found at 5 % {one['found_at_5%']['mean']:.0%}"
                )


if __name__ == "__main__":
    begin(main, HiddenWallsSettings)
