"""The settings of a training run: the source of its flags, and its config.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from echogan.core.errors import SettingsError, TrainingError
from echogan.core.scale import WORKING_SIZE
from echogan.core.settings import (
    NAME,
    NAME_WANTED,
    check_settings,
    choice,
    flatten_settings,
    number,
    switch,
    text,
)
from echogan.model.cyclegan import LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import SIZE_MULTIPLE, GeneratorConfig
from echogan.training.old_names import current_names
from echogan.training.run_folder import RunFolder

SMALLEST = 64  # pixels; the discriminators' deepest layers need more than one value


@dataclass
class TrainingConfig:
    """All settings of a run. `check` validates them; `train` calls it first."""

    name: str = text("run", "name of the run: its folder, and its checkpoint", NAME, NAME_WANTED)
    folder: str = text("runs", "where run folders are made")
    resume: bool = switch(False, "go on where the run of this name stopped")
    start_from: str = text(
        "",
        "run folder whose networks a new run starts from, or a checkpoint, whose generators; empty for none",
    )
    discriminators_first: int = number(
        0, "first steps in which the discriminators learn alone: they may then be new ones", 0, 10_000_000
    )
    low: str = text("", "shard folder of poor clips; empty for simulated ones")
    high: str = text("", "shard folder of good clips; empty for simulated ones")
    semireal: str = text(
        "", "shard folder of good clips, of other patients than --high, to make poor ones of"
    )
    phantom_share: float = number(0.0, "share of simulated clips beside those of the folders", 0.0, 1.0)
    ordinary_share: float = number(
        0.0, "share of the simulated good clips seen through ordinary windows, not the best", 0.0, 1.0
    )
    lesion_share: float = number(
        0.0, "share of the simulated clips, of both domains, with a lesion", 0.0, 1.0
    )
    lesion_share_high: float = number(
        -1.0, "another share with a lesion among the simulated good clips; below 0 for the same", -1.0, 1.0
    )
    look_share: float = number(
        0.7, "share of clips shown with another vendor's display, filters and pixels", 0.0, 1.0
    )
    reject_share: float = number(0.4, "share of those displays that show faint echoes as black", 0.0, 1.0)
    reject: float = number(
        0.12, "grey, of full scale, below which the strictest of them show black", 0.0, 0.5
    )
    canonical_grey: bool = switch(True, "bring every clip to the canonical grey curve first")
    dark_level: float = number(
        0.0, "grey, of full scale, to which black tissue is lifted on that curve, here and at use", 0.0, 0.25
    )
    known_only: bool = switch(
        True, "ask of a pair only what can be known of the truth: where signal survived"
    )
    semireal_share: float = number(
        0.5, "share of good clips made poor among the real low ones, with --low and --semireal", 0.0, 1.0
    )
    steps: int = number(
        8000, "training steps; the learning rate falls to 0 in the second half", 1, 10_000_000
    )
    batch_size: int = number(4, "frames of each domain in a step, per process", 1, 256)
    size: int = number(
        WORKING_SIZE, "height and width of the frames in pixels, a multiple of 16", SMALLEST, 1024
    )
    half_size_steps: int = number(0, "first steps at half that size: the whole frame in view", 0, 10_000_000)
    seed: int = number(0, "everything random follows from it", 0, 100_000)
    learning_rate: float = number(2e-4, "of both Adam optimisers", 1e-7, 1e-1)
    ema_decay: float = number(0.999, "decay of the averaged generators, which are kept", 0.0, 0.99999)
    pool_size: int = number(50, "past fakes that the discriminators still see, per side", 0, 10_000)
    patience: int = number(
        0, "end after so many measurements without a better one; 0 never does so", 0, 100_000
    )
    license: str = text(
        "",
        "licence of the weights; where empty, MIT after simulated clips alone, else not stated",
        r"[ -~]{0,200}",
        "text of at most 200 plain characters",
    )
    segmenter: str = text(
        "segmenter-phantom", "checkpoint that the anatomy is measured with, with --loss.anatomy"
    )
    generator: GeneratorConfig = field(default_factory=GeneratorConfig, metadata={"help": "both generators"})
    discriminator: DiscriminatorConfig = field(
        default_factory=DiscriminatorConfig, metadata={"help": "both discriminators"}
    )
    loss: LossWeights = field(
        default_factory=LossWeights, metadata={"help": "what each term of the loss counts"}
    )
    clips_per_round: int = number(12, "clips of each domain rendered for a round of steps", 1, 10_000)
    frames_per_clip: int = number(
        8, "frames rendered of each clip; 24 or more where a generator sees several", 1, 1000
    )
    steps_per_round: int = number(32, "steps that draw from one round's frames", 1, 1_000_000)
    workers: int = number(1, "processes that render rounds ahead; 0 renders in the training process", 0, 64)
    threads: int = number(1, "threads of torch on the CPU; they change a run's last bits", 1, 256)
    device: Literal["auto", "cpu", "cuda", "mps"] = choice(
        "auto", "where to train", "auto", "cpu", "cuda", "mps"
    )
    bf16: bool = switch(
        False,
        "half precision on the CPU too, as on a GPU: quicker on a CPU with AMX",
    )
    tick: int = number(25, "steps between lines of metrics.jsonl", 1, 100_000)
    preview_every: int = number(250, "steps between previews", 1, 1_000_000)
    save_every: int = number(200, "steps between saved states", 1, 1_000_000)
    eval_every: int = number(250, "steps between measurements on held-out clips", 1, 1_000_000)
    held_out_clips: int = number(8, "clips, never trained on, that choose the best checkpoint", 1, 1000)

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return Path(self.folder) / self.name

    def check(self) -> None:
        """Raise SettingsError, naming the setting and its range, unless every value can be used."""
        check_settings(self)
        for part in (self.generator, self.discriminator, self.loss):
            part.check()
        if self.half_size_steps and self.size < 2 * SMALLEST:
            raise SettingsError(
                f"size is {self.size}; to begin at half size give {2 * SMALLEST} or more, or 0 half_size_steps."
            )
        if self.discriminators_first >= self.steps:
            raise SettingsError(
                f"discriminators_first is {self.discriminators_first} of {self.steps} steps, so the generators "
                "would never learn; give fewer."
            )
        multiple = SIZE_MULTIPLE * (2 if self.half_size_steps else 1)
        if self.size % multiple:
            raise SettingsError(f"size is {self.size}; give a multiple of {multiple}, as 128 or 256.")


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
    """TrainingConfig from a config.json. Raises TypeError or ValueError if another version wrote it."""
    flat: dict[str, Any] = {}
    known = {name for name, _, _ in flatten_settings(TrainingConfig())}
    for key, value in current_names(settings).items():
        flat |= {f"{key}.{leaf}": v for leaf, v in value.items()} if isinstance(value, dict) else {key: value}
    if unknown := sorted(set(flat) - known):
        raise ValueError(f"unknown settings: {', '.join(unknown)}")
    return with_settings(TrainingConfig(), flat)


def as_begun(config: TrainingConfig) -> TrainingConfig:
    """The settings that the run of this name was started with: the defaults of a resumed run.

    Raises TrainingError if there is no run, or if another version started it.
    """
    try:
        begun = from_settings(RunFolder(config.run_path).read_config())
    except (TypeError, ValueError):
        raise TrainingError(
            f"The settings of '{config.name}' are not those of this version. Start a new run with them by hand."
        ) from None
    return replace(begun, name=config.name, folder=config.folder, resume=True)


def decisive(config: TrainingConfig) -> dict[str, Any]:
    """The settings that a published checkpoint records: all but the folders of this machine."""
    settings = asdict(config)
    for place in ("folder", "resume", "low", "high", "semireal"):
        del settings[place]
    return settings | {name: Path(settings[name]).name for name in ("start_from", "segmenter")}


FREE_ON_RESUME = frozenset({
    "name", "folder", "low", "high", "semireal", "resume", "steps", "workers", "threads", "device", "license",
    "tick", "preview_every", "save_every", "eval_every", "patience",
})  # fmt: skip


def check_same(now: TrainingConfig, before: dict[str, Any]) -> None:
    """Raise TrainingError if a resumed run asks for another setting than it was started with.

    FREE_ON_RESUME may change: where the run and its clips lie, how long it trains, how often it reports
    (`check_goes_on` compares the clips by their contents). With the same `steps`, `threads` and device the result has
    the same bits as a run that was never stopped; other `steps` change when the learning rate falls.
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
    """The value of a dotted name in config.json; `otherwise`, the default, if the run did not have that setting yet."""
    here: Any = settings
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            return otherwise
        here = here[part]
    return here
