"""Prevalence ladder: unpaired networks trained on domains with different shares of lesions.

Where lesions are rarer among the good clips than among the poor ones, matching the two distributions means erasing
lesions; where they are more common, inventing them (Cohen et al. 2018, MICCAI, "Distribution matching losses can
hallucinate features in medical image translation"). These networks are meant to be bad: they test diagnostics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from echogan.core.errors import EchoGANError
from echogan.model.networks.generators import SMALL
from echogan.training.config import TrainingConfig, with_settings
from echogan.training.run_folder import RunFolder
from echogan.training.trainer import train
from eval.ablations.ablations import finished

RUNS = Path("eval/networks/ladder")
FIRST_SEED = 61
INPUT_SHARES = (0.0, 0.5)
TARGET_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def row_name(low: float, high: float) -> str:
    """The name of a row: the shares of poor and of good clips with a lesion."""
    return f"{low:.0%} to {high:.0%}"


ROWS = {row_name(low, high): (low, high) for low in INPUT_SHARES for high in TARGET_SHARES}
"""Name of a row -> the shares of the low and of the high domain with a lesion."""
CORNERS = ERASING, INVENTING, BALANCED = row_name(0.5, 0), row_name(0, 0.75), row_name(0.5, 0.5)

# No identity loss and no vendor looks: both hold a network back from what it is to be caught at here.
BASE = with_settings(
    TrainingConfig(
        steps=1200, size=128, batch_size=1, clips_per_round=4, frames_per_clip=4, steps_per_round=60, workers=0,
        look_share=0.0, save_every=300, ema_decay=0.995, eval_every=1200, preview_every=1200, held_out_clips=4,
    ),
    {f"generator.{name}": value for name, value in SMALL.items()}
    | {"discriminator.filters": 24, "loss.identity": 0.0},
)  # fmt: skip


def configure(row: str, seed: int, steps: int, runs: Path, size: int = BASE.size) -> TrainingConfig:
    """The training settings of a row's run; `seed` counts from 0, `size` is of the frames in pixels."""
    low, high = ROWS[row]
    name = f"{100 * low:.0f}-to-{100 * high:.0f}-seed-{FIRST_SEED + seed}"
    if steps != BASE.steps:  # a short run has another learning rate, so it gets a folder of its own
        name += f"-{steps}"
    if size != BASE.size:
        name += f"-{size}px"
    return replace(
        BASE, name=name, folder=str(runs), seed=FIRST_SEED + seed, steps=steps, size=size,
        lesion_share=low, lesion_share_high=high,
    )  # fmt: skip


def train_missing(rows: tuple[str, ...], seeds: int, steps: int, runs: Path, size: int = BASE.size) -> None:
    """Train every run that is not finished, all rows of a seed before the next. A stopped run is resumed."""
    for seed in range(seeds):
        for row in rows:
            config = configure(row, seed, steps, runs, size)
            if finished(config):
                continue
            print(f"{row}, seed {config.seed}: training", flush=True)
            train(replace(config, resume=config.run_path.exists()), say=lambda _: None)
            if not finished(config):
                raise EchoGANError(f"The run of {row} was stopped; the same command resumes it.")


def finished_runs(
    seeds: int, steps: int, runs: Path, size: int = BASE.size
) -> Iterator[tuple[str, int, Path]]:
    """(row, seed, checkpoint folder) of every finished run of the ladder."""
    for row in ROWS:
        for seed in range(seeds):
            if finished(config := configure(row, seed, steps, runs, size)):
                yield row, config.seed, RunFolder(config.run_path).checkpoint


def facts(size: int = BASE.size) -> dict[str, Any]:
    """What all rows share, as JSON."""
    return {
        "steps": BASE.steps, "size": size, "generator": dict(SMALL), "loss": {"identity": BASE.loss.identity,
        "cycle": BASE.loss.cycle, "paired": BASE.loss.paired}, "looks": BASE.look_share,
    }  # fmt: skip
