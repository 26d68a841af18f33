"""The settings of a training run: the source of its flags, and its config.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import Field, asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from echogan.core.errors import SettingsError, TrainingError
from echogan.core.scale import WORKING_SIZE
from echogan.model.checkpoints.checkpoint_config import NAME
from echogan.model.cyclegan import LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import SIZE_MULTIPLE, GeneratorConfig
from echogan.training.old_names import current_names
from echogan.training.run_folder import RunFolder

SMALLEST = 64  # pixels; the discriminators' deepest layers need more than one value


def _number(default: Any, help: str, low: float, high: float) -> Any:
    return field(default=default, metadata={"help": help, "min": low, "max": high})


def _text(default: str, help: str) -> Any:
    return field(default=default, metadata={"help": help})


def _choice(default: str, help: str, *choices: str) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices})


@dataclass
class TrainingConfig:
    """Everything a run decides. Check it with `check`; `train` does so first."""

    name: str = field(default="run", metadata={"help": "name of the run: its folder, and its checkpoint"})
    folder: str = field(default="runs", metadata={"help": "where run folders are made"})
    resume: bool = field(default=False, metadata={"help": "go on where the run of this name stopped"})
    start_from: str = _text(
        "",
        "run folder whose networks a new run starts from, or a checkpoint, whose generators; empty for none",
    )
    discriminators_first: int = _number(
        0, "first steps in which the discriminators learn alone: they may then be new ones", 0, 10_000_000
    )
    low: str = _text("", "shard folder of poor clips; empty for simulated ones")
    high: str = _text("", "shard folder of good clips; empty for simulated ones")
    semireal: str = _text(
        "", "shard folder of good clips, of other patients than --high, to make poor ones of"
    )
    phantom_share: float = _number(0.0, "share of simulated clips beside those of the folders", 0.0, 1.0)
    ordinary_share: float = _number(
        0.0, "share of the simulated good clips seen through ordinary windows, not the best", 0.0, 1.0
    )
    lesion_share: float = _number(
        0.0, "share of the simulated clips, of both domains, with a lesion", 0.0, 1.0
    )
    look_share: float = _number(
        0.7, "share of clips shown with another vendor's display, filters and pixels", 0.0, 1.0
    )
    canonical_grey: bool = field(
        default=True, metadata={"help": "bring every clip to the canonical grey curve first"}
    )
    known_only: bool = field(
        default=True,
        metadata={"help": "ask of a pair only what can be known of the truth: where signal survived"},
    )
    semireal_share: float = _number(
        0.5, "share of good clips made poor among the real low ones, with --low and --semireal", 0.0, 1.0
    )
    steps: int = _number(
        8000, "training steps; the learning rate falls to 0 in the second half", 1, 10_000_000
    )
    batch_size: int = _number(4, "frames of each domain in a step, per process", 1, 256)
    size: int = _number(
        WORKING_SIZE, "height and width of the frames in pixels, a multiple of 16", SMALLEST, 1024
    )
    half_size_steps: int = _number(0, "first steps at half that size: the whole frame in view", 0, 10_000_000)
    seed: int = _number(0, "everything random follows from it", 0, 100_000)
    learning_rate: float = _number(2e-4, "of both Adam optimisers", 1e-7, 1e-1)
    ema_decay: float = _number(0.999, "decay of the averaged generators, which are kept", 0.0, 0.99999)
    pool_size: int = _number(50, "past fakes that the discriminators still see, per side", 0, 10_000)
    patience: int = _number(
        0, "end after so many measurements without a better one; 0 never does so", 0, 100_000
    )
    license: str = _text(
        "",
        "licence of the weights; where empty, MIT after simulated clips alone, else not stated",
    )
    segmenter: str = _text(
        "segmenter-phantom", "checkpoint that the anatomy is measured with, with --loss.anatomy"
    )
    generator: GeneratorConfig = field(default_factory=GeneratorConfig, metadata={"help": "both generators"})
    discriminator: DiscriminatorConfig = field(
        default_factory=DiscriminatorConfig, metadata={"help": "both discriminators"}
    )
    loss: LossWeights = field(
        default_factory=LossWeights, metadata={"help": "what each term of the loss counts"}
    )
    clips_per_round: int = _number(12, "clips of each domain rendered for a round of steps", 1, 10_000)
    frames_per_clip: int = _number(
        8, "frames rendered of each clip; 24 or more where a generator sees several", 1, 1000
    )
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
        for name, value, f in flatten_settings(self):
            check_field(name, value, dict(f.metadata), type(f.default))
        for part in (self.generator, self.discriminator, self.loss):
            part.check()
        if not re.fullmatch(r"[ -~]{0,200}", self.license):
            raise SettingsError("The license cannot be kept; give at most 200 plain characters.")
        if self.half_size_steps and self.size < 2 * SMALLEST:
            raise SettingsError(
                f"size is {self.size}; to begin at half size give {2 * SMALLEST} or more, or 0 half_size_steps."
            )
        if self.discriminators_first >= self.steps:
            raise SettingsError(
                f"discriminators_first is {self.discriminators_first} of {self.steps} steps, so the generators would never learn; give "
                "fewer."
            )
        multiple = SIZE_MULTIPLE * (2 if self.half_size_steps else 1)
        if self.size % multiple:
            raise SettingsError(f"size is {self.size}; give a multiple of {multiple}, as 128 or 256.")


def flatten_settings(config: Any, prefix: str = "") -> Iterator[tuple[str, Any, Field[Any]]]:
    """(dotted name, value, field) of every setting, those of the parts included: loss.cycle, discriminator.norm."""
    for f in fields(config):
        value = getattr(config, f.name)
        if is_dataclass(value):
            yield from flatten_settings(value, f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, value, f


def with_settings(config: TrainingConfig, values: dict[str, Any]) -> TrainingConfig:
    """The settings with some values replaced, by their dotted names."""
    parts: dict[str, dict[str, Any]] = {}
    own: dict[str, Any] = {}
    for name, value in values.items():
        part, _, leaf = name.rpartition(".")
        (parts.setdefault(part, {}) if part else own)[leaf] = value
    changed = {part: replace(getattr(config, part), **leaf) for part, leaf in parts.items()}
    return replace(config, **own, **changed)


def from_settings(settings: dict[str, Any]) -> TrainingConfig:
    """TrainingConfig from a config.json. Raises TypeError or ValueError where it is another version's."""
    flat: dict[str, Any] = {}
    known = {name for name, _, _ in flatten_settings(TrainingConfig())}
    for key, value in current_names(settings).items():
        flat |= {f"{key}.{leaf}": v for leaf, v in value.items()} if isinstance(value, dict) else {key: value}
    if unknown := sorted(set(flat) - known):
        raise ValueError(f"unknown settings: {', '.join(unknown)}")
    return with_settings(TrainingConfig(), flat)


def as_begun(config: TrainingConfig) -> TrainingConfig:
    """The settings that the run of this name was started with: what a resumed run takes where it is told nothing.

    Raises TrainingError where there is no run, or where it is of another version.
    """
    try:
        begun = from_settings(RunFolder(config.run_path).read_config())
    except (TypeError, ValueError):
        raise TrainingError(
            f"The settings of '{config.name}' are not those of this version. Start a new run with them by hand."
        ) from None
    return replace(begun, name=config.name, folder=config.folder, resume=True)


def check_field(name: str, value: Any, metadata: dict[str, Any], kind: type) -> None:
    """Raise SettingsError unless one value has its field's type and lies in its range."""
    allowed = (int, float) if kind is float else (kind,)
    if type(value) not in allowed:
        raise SettingsError(f"{name} is {value!r}; it must be of type {kind.__name__}.")
    choices, low, high = (metadata.get(k) for k in ("choices", "min", "max"))
    if choices and value not in choices:
        raise SettingsError(f"{name} is {value!r}; choose one of {', '.join(map(str, choices))}.")
    if low is not None and high is not None and not low <= value <= high:
        raise SettingsError(f"{name} is {value}; give a number from {low:,.10g} to {high:,.10g}.")


def decisive(config: TrainingConfig) -> dict[str, Any]:
    """The settings that a published checkpoint tells: all but the machine's own folders."""
    settings = asdict(config)
    for place in ("folder", "resume", "low", "high", "semireal"):
        del settings[place]
    return settings | {name: Path(settings[name]).name for name in ("start_from", "segmenter")}


FREE_ON_RESUME = frozenset({
    "name", "folder", "low", "high", "semireal", "resume", "steps", "workers", "threads", "device", "license",
    "tick", "preview_every", "save_every", "eval_every", "patience",
})  # fmt: skip


def check_same(now: TrainingConfig, before: dict[str, Any]) -> None:
    """Raise TrainingError where a resumed run asks for another setting than it was started with.

    Where it runs and where its clips lie, how long, and how often it reports may change (`check_goes_on` knows the
    clips by their contents). With the same `steps`, `threads` and device
    the result has the same bits as a run that was never stopped; other `steps` move the learning rate's fall.
    """
    changed = [
        f"{name} was {old!r}, now {value!r}"
        for name, value, f in flatten_settings(now)
        if name not in FREE_ON_RESUME and (old := _leaf(before, name, f.default)) != value
    ]
    if changed:
        raise TrainingError(
            f"The run '{now.name}' was started with other settings ({'; '.join(changed)}). "
            "Resume with the same ones, or give the new run another name."
        )


def _leaf(settings: dict[str, Any], name: str, otherwise: Any) -> Any:
    """The value of a dotted name in config.json; of a setting that a run did not have yet, `otherwise`: its default."""
    here: Any = settings
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            return otherwise
        here = here[part]
    return here
