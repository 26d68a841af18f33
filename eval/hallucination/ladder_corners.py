"""The corners of the prevalence ladder at the working size, several trainings each: do unpaired networks go wrong?

    python -m eval ladder [--seeds 3] [--steps 1200]      trains what is missing, some minutes a run on one core

Erasing (half of the poor clips have a lesion, none of the good ones), inventing (none and three quarters), balanced
(half and half). What is measured is what `eval.hallucination.hallucination` measures at the ladder's own size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from echogan.core.scale import WORKING_SIZE
from echogan.trust.fusion import fusion_sha256
from eval.command import begin, write
from eval.hallucination.hallucination import (
    FIRST_SEED,
    FRAMES,
    ladder_rows,
    show_rows,
    test_clips,
)
from eval.hallucination.ladder import BASE, CORNERS, RUNS, facts, train_missing
from eval.measures.provenance import provenance
from eval.paths import RESULTS

RESULT = RESULTS / "ladder.json"


@dataclass(frozen=True)
class LadderSettings:
    """Which networks are trained, on what they are measured, and where the result goes."""

    seeds: int = field(default=3, metadata={"help": "runs of each corner, with different seeds"})
    steps: int = field(default=BASE.steps, metadata={"help": "training steps of each run"})
    size: int = field(default=WORKING_SIZE, metadata={"help": "side of the frames in training, pixels"})
    clips: int = field(default=12, metadata={"help": "clips of each kind of lesion"})
    runs: Path = field(default=RUNS, metadata={"help": "folder of the runs"})
    kept: Path = field(default=Path("runs/lesions"), metadata={"help": "cache folder of the rendered clips"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: LadderSettings) -> None:
    """Train the missing runs, measure them, print and write."""
    torch.set_num_threads(1)
    train_missing(CORNERS, settings.seeds, settings.steps, settings.runs, settings.size)
    clips = test_clips(settings.clips, FRAMES, settings.kept)
    result: dict[str, Any] = {
        "rows": ladder_rows(clips, settings.seeds, settings.steps, settings.runs, settings.size),
        "ladder": facts(settings.size) | {"steps": settings.steps},
        "settings": {"clips": settings.clips, "first_seed": FIRST_SEED, "seeds": settings.seeds},
        "fusion": fusion_sha256(),
        **provenance([]),
    }
    show_rows(result["rows"])
    write(result, settings.out, settings, lambda result: result["rows"])


if __name__ == "__main__":
    begin(main, LadderSettings)
