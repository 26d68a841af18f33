"""The settings of a segmenter's training, and which of them a resumed run may change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from echogan.core.errors import TrainingError
from echogan.core.settings import NAME, NAME_WANTED, check_settings, choice, number, switch, text
from echogan.model.networks.segmenter import CLASSES, SegmenterConfig

FREE_ON_RESUME = {"folder", "resume", "steps", "threads", "tick", "save_every"}


@dataclass(frozen=True)
class SegmentConfig:
    """Everything a run decides."""

    name: str = text("segmenter", "name of the run's folder and of the checkpoint", NAME, NAME_WANTED)
    folder: str = text("runs", "where run folders are made")
    finds: str = choice("structures", "what the network learns to find", *CLASSES)
    start_from: str = text(
        "", "segmenter (name or folder) whose weights, but for the last layer, the network starts with"
    )
    resume: bool = switch(False, "go on where the run of this name stopped")
    steps: int = number(3000, "training steps; the learning rate falls to 0 along a cosine", 1, 1_000_000)
    batch_size: int = number(8, "frames in a step", 1, 256)
    size: int = number(128, "height and width of the frames, pixels", 64, 512)
    channels: int = number(8, "width of the first level", 4, 64)
    learning_rate: float = number(2e-3, "of AdamW at the start", 1e-7, 1e-1)
    ema_decay: float = number(0.99, "decay of the averaged weights, which are kept", 0.0, 0.9999)
    seed: int = number(0, "everything random follows from it", 0, 250)
    clips_per_round: int = number(6, "clips rendered for a round of steps", 1, 1000)
    frames_per_clip: int = number(2, "frames rendered of each clip and look", 1, 100)
    steps_per_round: int = number(24, "steps between rounds of new clips", 1, 100_000)
    rounds_kept: int = number(16, "rounds that steps draw from", 1, 1000)
    held_out_clips: int = number(10, "clips, never trained on, for the Dice", 1, 1000)
    threads: int = number(1, "threads of torch on the CPU", 1, 256)
    tick: int = number(25, "steps between lines of metrics.jsonl", 1, 100_000)
    save_every: int = number(100, "steps between saved states", 1, 1_000_000)

    def check(self) -> None:
        """Raise SettingsError, naming the setting and its range, unless every value can be used."""
        check_settings(self)
        self.segmenter().check()

    def segmenter(self) -> SegmenterConfig:
        """How to build the network."""
        return SegmenterConfig(self.name, self.channels, self.size, self.finds)


def check_same(config: SegmentConfig, before: dict[str, Any]) -> None:
    """Raise TrainingError where the settings are not those that the run was started with, but for the free ones."""
    now = asdict(config)
    changed = [k for k in now if k not in FREE_ON_RESUME and k in before and now[k] != before[k]]
    if changed:
        raise TrainingError(
            f"The run '{config.name}' was started with another {', '.join(changed)}. "
            "Resume with the same settings, or give the new run another name."
        )
