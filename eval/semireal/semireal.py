"""Semi-real lesions: lesions put into real stills, and how many of them networks erase or invent.

    python -m eval semireal [--model echogan runs/my-run/checkpoint]      also writes a contact sheet to out/semireal

The stills are CAMUS' Good and Medium ones of test patients, in both views; each gets one lesion of a kind that the
view can have (`eval.semireal.lesions`), with the speckle of the still itself, and is then degraded by the simulator's
artefacts, as semi-real frames are. The control is the same still without the lesion, degraded alike.

Visible, erased, invented and detected mean what they mean for simulated clips (`eval.simulated.lesions`); the clear
truth is the still itself. For networks with a calibration also whether what is erased or invented is flagged
(`eval.semireal.flags`). Without CAMUS beside the project nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from echogan.calibration.lesion_clips import LesionClip
from echogan.core.errors import EchoGANError
from echogan.enhance.enhancer import Enhancer
from echogan.trust.fusion import fusion_sha256
from eval.camus.splits import split_hash
from eval.camus.stills import Still, held_out_stills
from eval.camus.two_chamber import VIEWS, CamusView, list_hash
from eval.command import begin, write
from eval.measures import classical
from eval.measures.baselines import (
    NETWORKS,
    Method,
    checkpoint_facts,
    enhancer_method,
    filter_method,
    open_enhancers,
    untouched,
)
from eval.measures.provenance import provenance
from eval.paths import CAMUS, ORACLE, RESULTS, ROOT
from eval.semireal.flags import flags
from eval.semireal.insert import degraded_clip, semireal_clip
from eval.semireal.lesions import KINDS
from eval.semireal.sheet import draw_sheet
from eval.simulated.lesion_cases import LEAST_CONTRAST, LEAST_SUPPORT, LesionCase, make_case, thresholds
from eval.simulated.lesions import ERASED, measure, sensitivity, show

RESULT = RESULTS / "semireal.json"
SHEET = ROOT / "out" / "semireal" / "sheet.png"
FIRST_SEED = 42_000_000
GRADES = ("Good", "Medium")
FILTER = "non-local means"


@dataclass(frozen=True)
class SemirealSettings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints, by name or folder"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "checkpoint trained with pairs; None leaves it out"}
    )
    data: Path = field(default=CAMUS, metadata={"help": "CAMUS' folder"})
    patients: int | None = field(
        default=None, metadata={"help": "most patients of each view and grade, for a short run"}
    )
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})
    sheet: Path = field(default=SHEET, metadata={"help": "PNG of the contact sheet, which shows patients"})


def main(settings: SemirealSettings) -> None:
    """Measure, print and write."""
    if not (settings.data / "index.csv").is_file():
        print(f"No CAMUS stills in {settings.data}: semi-real lesions are not measured.")
        return
    torch.set_num_threads(1)
    enhancers = open_enhancers([*settings.model, *([str(settings.oracle)] if settings.oracle else [])])
    methods: dict[str, Method] = {"input": untouched}
    methods |= {name: enhancer_method(enhancer) for name, enhancer in enhancers.items()}
    methods[FILTER] = filter_method(classical.classical_filters()[FILTER])
    clips = list(semireal_clips(settings.data, settings.patients))
    found = measure_clips(clips, methods, {name: enhancers[name] for name in settings.model}, settings.sheet)
    facts = [checkpoint_facts(enhancer) for enhancer in enhancers.values()]
    own = facts[: len(settings.model)]
    result = {
        **found,
        "data": "CAMUS stills, test patients, Good and Medium grade of each view",
        "split_sha256": split_hash(),
        "views_sha256": list_hash(),
        "settings": {
            "first_seed": FIRST_SEED, "least_support": LEAST_SUPPORT, "least_contrast": LEAST_CONTRAST,
            "erased_under": ERASED,
        },
        "fusion": fusion_sha256(),
        **provenance(own),
        **({"oracle": facts[-1]} if settings.oracle else {}),
    }  # fmt: skip
    write(result, settings.out, settings, lambda result: result["rows"])


def measure_clips(
    clips: list[LesionClip], methods: dict[str, Method], networks: dict[str, Enhancer], sheet: Path
) -> dict[str, Any]:
    """What methods do to the clips, and what is flagged of the networks' results. Draws the contact sheet."""
    cases = [case for case in map(make_case, clips) if case is not None]
    print(f"visible in {len(cases)} of {len(clips)} stills", flush=True)
    if not cases:
        raise EchoGANError("No lesion is visible in any of these stills: give more --patients.")
    draw_sheet(cases, methods[next(iter(networks))], sheet)
    least = thresholds(cases)
    found = {
        "rows": {row: measure(cases, method, least) for row, method in methods.items()},
        "drawn": drawn(clips, cases),
        "detector": {**least, "detected": sensitivity(cases, least)},
        "flags": {row: flags(cases, enhancer) for row, enhancer in networks.items()},
    }
    show(found)
    return found


def semireal_clips(data: Path, most_patients: int | None) -> Iterator[LesionClip]:
    """Each still degraded with one lesion, the kinds of a view in turn; a heart without room for one gets the next."""
    seed = FIRST_SEED
    for view in VIEWS:
        images = [still for grade in GRADES for still in held_out_stills(data, view, grade, most_patients)]
        for turn, still in enumerate(images):
            clip = first_that_fits(still, view, turn // 2 + turn % 2, seed)
            if clip is not None:
                yield degraded_clip(clip, seed)
            seed += 1


def first_that_fits(still: Still, view: CamusView, turn: int, seed: int) -> LesionClip | None:
    """The still with a lesion of the kind whose turn it is, or of the next that the heart has room for."""
    kinds = KINDS[view]
    for later in range(len(kinds)):
        clip = semireal_clip(still, kinds[(turn + later) % len(kinds)], seed)
        if clip is not None:
            return clip
    return None


def drawn(clips: list[LesionClip], cases: list[LesionCase]) -> dict[str, dict[str, int]]:
    """How many clips of each kind there are, how many show their lesion, and of how many patients those are."""
    found: dict[str, dict[str, int]] = {}
    for kind in sorted({str(clip.facts["kind"]) for clip in clips}):
        shown = [case for case in cases if case.kind == kind]
        found[kind] = {
            "clips": sum(clip.facts["kind"] == kind for clip in clips),
            "visible": len(shown),
            "patients": len({case.clip.facts["patient"] for case in shown}),
        }
    return found


if __name__ == "__main__":
    begin(main, SemirealSettings)
