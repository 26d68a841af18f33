"""Ablation study: short runs with one part of the training changed, measured on the same held-out data.

    python -m eval ablations [--rows base "no cycle"] [--seeds 1]     train missing runs, measure, write
    python -m eval ablations --steps 20                               a short run that writes nothing

Runs are saved in runs/ablations, in one folder for each row and seed. A stopped run is resumed. Rows on real stills
need CAMUS' shards (`python -m eval camus_shards`) and are left out without them. Choices are made by these figures, so
neither the frozen segmenter nor test patients are used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from echogan.core.errors import EchoGANError
from echogan.core.settings import flatten_settings
from echogan.model.checkpoints.checkpoint import describe_checkpoint
from echogan.model.networks.generators import SMALL
from echogan.phantom import PHANTOM_VERSION
from echogan.training.config import TrainingConfig, check_same, with_settings
from echogan.training.data.loader import open_data
from echogan.training.run_folder import RunFolder
from echogan.training.trainer import train
from eval.ablations.measures import AblationMeasures, open_measures
from eval.ablations.render_cache import with_cache
from eval.command import begin, write
from eval.measures.intervals import interval
from eval.measures.provenance import provenance
from eval.paths import RESULTS

RESULT = RESULTS / "ablations.json"
RUNS = Path("runs/ablations")
SHARDS = Path("runs/camus")
FIRST_SEED = 51

BASE = TrainingConfig(
    steps=6000, size=128, batch_size=1, clips_per_round=4, frames_per_clip=4, steps_per_round=60,
    save_every=500, eval_every=2000, preview_every=2000, held_out_clips=4,
)  # fmt: skip
REAL = {"high": str(SHARDS / "high"), "low": str(SHARDS / "low"), "semireal": str(SHARDS / "semireal")}
ROWS: dict[str, dict[str, Any]] = {
    "base": {},
    "no cycle": {"loss.cycle": 0.0},
    "no identity": {"loss.identity": 0.0},
    "no noise on fakes": {"loss.cycle_noise": 0.0},
    "with structure": {"loss.structure": 1.0},
    "with illumination": {"loss.illumination": 1.0},
    "with anatomy": {"loss.anatomy": 0.25},
    "with labels": {"loss.labels": 0.5},
    "with temporal": {"loss.temporal": 1.0},
    "with flicker": {"loss.flicker": 1.0},
    "with ordinary windows": {"ordinary_share": 0.3},
    "all that the unpaired network had": {
        "loss.cycle": 3.0,
        "loss.structure": 1.0,
        "loss.anatomy": 0.5,
        "loss.flicker": 8.0,
        "ordinary_share": 0.3,
    },
    "PatchGAN, 70 px": {"discriminator.kind": "patch70"},
    "U-Net discriminator": {"discriminator.kind": "unet"},
    "group norm in D": {"discriminator.norm": "group"},
    "spectral norm in D": {"discriminator.norm": "spectral"},
    "no norm in G": {"generator.norm": "none"},
    "small G": {f"generator.{name}": value for name, value in SMALL.items()},
    "hinge": {"loss.adversarial_kind": "hinge"},
    "gradient penalty": {"loss.gradient_penalty": 0.01},
    "CAMUS": REAL | {"semireal_share": 0.6},
    "CAMUS and phantom": REAL | {"semireal_share": 0.6, "phantom_share": 0.5},
}
"""Name of a row -> the settings that it changes in BASE."""


@dataclass(frozen=True)
class AblationSettings:
    """Which rows are trained, and where the result goes."""

    rows: tuple[str, ...] = field(default=tuple(ROWS), metadata={"help": "names of the rows to train"})
    seeds: int = field(default=1, metadata={"help": "runs of each row, with different seeds"})
    steps: int = field(default=BASE.steps, metadata={"help": "training steps of each run"})
    measure_only: bool = field(default=False, metadata={"help": "train nothing; measure the finished runs"})
    runs: Path = field(default=RUNS, metadata={"help": "folder of the runs"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: AblationSettings) -> None:
    """Train the missing runs, measure the finished ones, print and write."""
    if unknown := set(settings.rows) - set(ROWS):
        raise EchoGANError(f"There is no row {', '.join(sorted(unknown))}; choose from {', '.join(ROWS)}.")
    configs = {
        (row, seed): configure(settings, row, seed) for seed in range(settings.seeds) for row in settings.rows
    }
    for (row, seed), config in configs.items():
        if not settings.measure_only and not finished(config) and has_shards(config):
            data = open_data(config)
            if finished(base := configure(settings, "base", seed)):
                same_clips(config.name, data.facts(), trained_on(base))
            print(f"{row}, seed {FIRST_SEED + seed}: training", flush=True)
            data = with_cache(data, settings.runs / "clips")
            train(replace(config, resume=config.run_path.exists()), data, say=lambda _: None)
            if not finished(config):
                raise EchoGANError(f"The run of {row} was stopped; the same command resumes it.")
    result = collect(settings, open_measures())
    show(result)
    if settings.steps == BASE.steps:
        write(result, settings.out, settings, measured, but=("rows", "seeds", "measure_only"))


def measured(result: dict[str, Any]) -> list[str]:
    """Every run of a result by row and seed, and every measure."""
    runs = [f"{row} {run['seed']}" for row, found in result["rows"].items() for run in found["runs"]]
    return runs + sorted({name for found in result["rows"].values() for name in found["mean"]})


def configure(settings: AblationSettings, row: str, seed: int) -> TrainingConfig:
    """The training settings of a row's run; `seed` counts from 0."""
    name = "".join(c if c.isalnum() else "-" for c in row) + f"-{FIRST_SEED + seed}"
    if settings.steps != BASE.steps:  # a short run has another learning rate, so it gets a folder of its own
        name += f"-{settings.steps}"
    own = {"name": name, "folder": str(settings.runs), "seed": FIRST_SEED + seed, "steps": settings.steps}
    return with_settings(BASE, ROWS[row] | own)


def has_shards(config: TrainingConfig) -> bool:
    """Whether the shards that a run needs are there."""
    return all(not folder or Path(folder).is_dir() for folder in (config.low, config.high, config.semireal))


def finished(config: TrainingConfig) -> bool:
    """Whether a run has reached its last step. Raises TrainingError for a folder with other settings."""
    folder = RunFolder(config.run_path)
    if not folder.checkpoint.is_dir():
        return False
    check_same(config, folder.read_config())
    about = json.loads((folder.checkpoint / "config.json").read_text())
    return about["training"]["finished_steps"] >= config.steps


def trained_on(config: TrainingConfig) -> dict[str, Any]:
    """The training data of a finished run, from its checkpoint."""
    return describe_checkpoint(RunFolder(config.run_path).checkpoint).config.trained_on


def same_clips(name: str, own: dict[str, Any], base: dict[str, Any]) -> None:
    """Raise EchoGANError where a run saw other simulated clips than "base", so that the two cannot be compared."""
    for side in ("low", "high"):
        strange = set(simulated(own.get(side))) - set(simulated(base.get(side)))
        if strange and any(simulated(base.get(side))):
            raise EchoGANError(
                f"{name} was trained on other simulated clips than the base row (phantom, share foreshortened: "
                f"{', '.join(map(str, sorted(strange)))}). Train all rows of a table with one version, or give another "
                "folder with --runs."
            )


def simulated(source: Any) -> Iterator[tuple[str, float]]:
    """(phantom version, share foreshortened) of every source of simulated clips in a `trained_on` entry."""
    if isinstance(source, list):
        for one in source:
            yield from simulated(one)
    elif isinstance(source, dict):
        if "foreshortened" in source:
            yield source["phantom"], source["foreshortened"]
        yield from simulated(source.get("mixture"))


def collect(settings: AblationSettings, measures: AblationMeasures) -> dict[str, Any]:
    """The result as JSON: every finished run, and the means of each row and its differences from "base".

    Differences are over the seeds that both rows have. Intervals are over clips or patients. Raises EchoGANError where
    runs were trained on other simulated clips than "base".
    """
    runs = {
        (row, seed): AblationRun.of(RunFolder(config.run_path).checkpoint, measures)
        for row in ROWS
        for seed in range(settings.seeds)
        if finished(config := configure(settings, row, seed))
    }
    found: dict[str, Any] = {}
    for row, changed in ROWS.items():
        own = {seed: run for (name, seed), run in runs.items() if name == row}
        pairs = [(run, runs["base", seed]) for seed, run in own.items() if ("base", seed) in runs]
        if not own:
            continue
        for run, base in pairs:
            same_clips(row, run.trained_on, base.trained_on)
        found[row] = {
            "changes": {k: v for k, v in changed.items() if k not in ("low", "high", "semireal")},
            "runs": [{"seed": FIRST_SEED + seed, **run.facts()} for seed, run in own.items()],
            "mean": summarise([run.values for run in own.values()], measures),
            "minus_base": summarise([run.minus(base) for run, base in pairs if row != "base"], measures),
        }
    own_settings = ("name", "folder", "resume", "seed")
    base = {name: value for name, value, _ in flatten_settings(BASE) if name not in own_settings}
    versions = provenance([])["versions"]
    return {"rows": found, "base": base, **measures.facts(), "phantom": PHANTOM_VERSION, "versions": versions}


@dataclass(frozen=True)
class AblationRun:
    """A finished run: the values of each measure, the sha256 of its weights, and its training data."""

    values: dict[str, list[float]]
    sha256: str
    trained_on: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, measures: AblationMeasures) -> AblationRun:
        """Measure a checkpoint."""
        about = describe_checkpoint(folder)
        return cls(measures(folder), about.sha256, about.config.trained_on)

    def minus(self, other: AblationRun) -> dict[str, list[float]]:
        """The values of each measure less those of another run on the same clips."""
        return {name: np.subtract(own, other.values[name]).tolist() for name, own in self.values.items()}

    def facts(self) -> dict[str, Any]:
        """Means and provenance, as JSON."""
        means = {name: float(np.nanmean(values)) for name, values in self.values.items()}
        return {"sha256": self.sha256, "trained_on": self.trained_on, "means": means}


def summarise(
    runs: Sequence[dict[str, list[float]]], measures: AblationMeasures
) -> dict[str, dict[str, float]]:
    """The mean of each measure over runs, with its interval over clips or patients; empty without runs."""
    names = runs[0] if runs else ()
    return {name: interval(np.mean([run[name] for run in runs], 0), measures.groups(name)) for name in names}


def show(result: dict[str, Any]) -> None:
    """Print a line for each row."""
    for row, found in result["rows"].items():
        means = found["mean"]
        values = "  ".join(
            f"{name} {means[name]['mean']:.3f}" for name in AblationMeasures.NAMES if name in means
        )
        print(f"{row:22} {len(found['runs'])} seeds  {values}")


if __name__ == "__main__":
    begin(main, AblationSettings)
