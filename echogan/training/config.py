"""The settings of a training run: the source of its flags, and its config.json."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from echogan.errors import SettingsError, TrainingError
from echogan.model.checkpoint_config import NAME
from echogan.model.cyclegan import LossWeights
from echogan.model.discriminators import DiscriminatorConfig
from echogan.model.generators import SIZE_MULTIPLE, GeneratorConfig


def _number(default: Any, help: str, low: float, high: float) -> Any:
    return field(default=default, metadata={"help": help, "min": low, "max": high})


def _choice(default: str, help: str, *choices: str) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices})


@dataclass
class TrainingConfig:
    """Everything a run decides. Check it with `check`; `train` does so first."""

    name: str = field(default="run", metadata={"help": "name of the run: its folder, and its checkpoint"})
    folder: str = field(default="runs", metadata={"help": "where run folders are made"})
    resume: bool = field(default=False, metadata={"help": "go on where the run of this name stopped"})
    start_from: str = field(
        default="", metadata={"help": "run folder whose four networks a new run starts from; empty for none"}
    )
    steps: int = _number(
        8000, "training steps; the learning rate falls to 0 in the second half", 1, 10_000_000
    )
    batch_size: int = _number(4, "frames of each domain in a step, per process", 1, 256)
    size: int = _number(256, "height and width of the frames in pixels, a multiple of 16", 64, 1024)
    seed: int = _number(0, "everything random follows from it", 0, 100_000)
    learning_rate: float = _number(2e-4, "of both Adam optimisers", 1e-7, 1e-1)
    adversarial: float = _number(1.0, "weight of looking like the other domain", 0.0, 100.0)
    cycle: float = _number(5.0, "weight of cycle consistency", 0.0, 100.0)
    identity: float = _number(2.0, "weight of leaving frames of the target domain alone", 0.0, 100.0)
    cycle_noise: float = _number(0.02, "sd of the noise on fakes before the second generator", 0.0, 1.0)
    ema_decay: float = _number(0.999, "decay of the averaged generators, which are kept", 0.0, 0.99999)
    pool_size: int = _number(50, "past fakes that the discriminators still see, per side", 0, 10_000)
    channels: int = _number(32, "width of the generators", 4, 256)
    blocks: int = _number(6, "residual blocks of the generators", 1, 32)
    generator_norm: Literal["instance", "none"] = _choice(
        "instance", "norm of the generators", "instance", "none"
    )
    judge_filters: int = _number(48, "width of the discriminators", 4, 256)
    judge_norm: Literal["instance", "spectral", "none"] = _choice(
        "instance", "norm of the discriminators", "instance", "spectral", "none"
    )
    clips_per_round: int = _number(12, "clips of each domain rendered for a round of steps", 1, 10_000)
    frames_per_clip: int = _number(8, "frames rendered of each clip", 1, 1000)
    steps_per_round: int = _number(32, "steps that draw from one round's frames", 1, 1_000_000)
    workers: int = _number(1, "processes that render rounds ahead; 0 renders in the training process", 0, 64)
    threads: int = _number(1, "threads of torch on the CPU; they change a run's last bits", 1, 256)
    device: Literal["auto", "cpu", "cuda", "mps"] = _choice(
        "auto", "where to train", "auto", "cpu", "cuda", "mps"
    )
    tick: int = _number(25, "steps between lines of metrics.jsonl", 1, 100_000)
    preview_every: int = _number(250, "steps between previews", 1, 1_000_000)
    save_every: int = _number(200, "steps between saved states", 1, 1_000_000)
    eval_every: int = _number(250, "steps between measurements on held-out clips", 1, 1_000_000)
    held_out_clips: int = _number(8, "clips, never trained on, that choose the best checkpoint", 1, 1000)

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return Path(self.folder) / self.name

    def check(self) -> None:
        """Raise SettingsError, naming the setting and its range, unless every value can be used."""
        if not re.fullmatch(NAME, self.name):
            raise SettingsError(f"'{self.name}' cannot be a run's name; use letters, digits, '-' and '_'.")
        for f in fields(self):
            check_field(f.name, getattr(self, f.name), dict(f.metadata), type(f.default))
        if self.size % SIZE_MULTIPLE:
            raise SettingsError(f"size is {self.size}; give a multiple of {SIZE_MULTIPLE}, as 128 or 256.")

    def generator(self) -> GeneratorConfig:
        """How to build both generators."""
        return GeneratorConfig("pyramid", self.channels, self.blocks, self.generator_norm)

    def judge(self) -> DiscriminatorConfig:
        """How to build both discriminators."""
        return DiscriminatorConfig(self.judge_filters, self.judge_norm)

    def weights(self) -> LossWeights:
        """What each loss counts."""
        return LossWeights(self.adversarial, self.cycle, self.identity, self.cycle_noise)


def check_field(name: str, value: Any, metadata: dict[str, Any], kind: type) -> None:
    """Raise SettingsError unless one value has its field's type and lies in its range."""
    allowed = (int, float) if kind is float else (kind,)
    if type(value) not in allowed:
        raise SettingsError(f"{name} is {value!r}; it must be of type {kind.__name__}.")
    choices, low, high = (metadata.get(k) for k in ("choices", "min", "max"))
    if choices and value not in choices:
        raise SettingsError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")
    if low is not None and high is not None and not low <= value <= high:
        raise SettingsError(f"{name} is {value}; give a number from {low:g} to {high:g}.")


def decisive(config: TrainingConfig) -> dict[str, Any]:
    """The settings that a published checkpoint tells: all but the machine's own folders."""
    settings = asdict(config)
    del settings["folder"], settings["resume"]
    return settings | {"start_from": Path(config.start_from).name}


FREE_ON_RESUME = frozenset({
    "name", "folder", "resume", "steps", "workers", "threads", "device",
    "tick", "preview_every", "save_every", "eval_every",
})  # fmt: skip


def check_same(now: TrainingConfig, before: dict[str, Any]) -> None:
    """Raise TrainingError where a resumed run asks for another setting than it was started with.

    Where it runs, how long, and how often it reports may change. With the same `steps`, `threads` and device
    the result has the same bits as a run that was never stopped; other `steps` move the learning rate's fall.
    """
    changed = [
        f"{key} was {before[key]!r}, now {value!r}"
        for key, value in asdict(now).items()
        if key not in FREE_ON_RESUME and key in before and before[key] != value
    ]
    if changed:
        raise TrainingError(
            f"The run '{now.name}' was started with other settings ({'; '.join(changed)}). "
            "Resume with the same ones, or give the new run another name."
        )
