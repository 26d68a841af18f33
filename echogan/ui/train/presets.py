"""Where a run may begin: three sets of settings, each a few changes to the usual ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from echogan.core.scale import WORKING_SIZE
from echogan.core.settings import flatten_settings
from echogan.model.networks.generators import SMALL
from echogan.training.config import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """`changed` maps dotted names of settings to values; `own_data` asks for two folders of clips."""

    label: str
    about: str
    stem: str  # of the names of its runs
    changed: dict[str, Any] = field(default_factory=dict)
    own_data: bool = False

    def values(self) -> dict[str, Any]:
        """Every setting by its dotted name."""
        return {name: value for name, value, _ in flatten_settings(TrainingConfig())} | self.changed


# Small enough that a visitor sees it move. An average over 1,000 steps would show the beginning to the end.
QUICK = {
    "steps": 600,
    "size": 128,
    "batch_size": 4,
    "ema_decay": 0.98,
    "tick": 5,
    "preview_every": 25,
    "eval_every": 50,
    "save_every": 50,
    "generator.channels": SMALL["channels"],
    "generator.blocks": SMALL["blocks"],
    "discriminator.filters": 24,
}
WHOLE = {"size": WORKING_SIZE, "half_size_steps": 4000}
# As the default network was trained: unpaired and in pairs (docs/method.md, "Pairs").
ANCHORED = {
    "loss.paired": 10.0,
    "loss.target_structure": 1.0,
    "loss.identity": 4.0,
    "loss.flicker": 4.0,
    "ordinary_share": 0.4,
    "lesion_share": 0.2,
}

PRESETS = (
    Preset(
        "Try it in five minutes",
        f"Simulated hearts, {QUICK['size']} px, small networks: to see a run from its start to its end on two CPU "
        "cores. The result is a toy.",
        "try",
        QUICK,
    ),
    Preset(
        "Standard",
        f"Simulated hearts, unpaired and in pairs, {WORKING_SIZE} px: networks of the size of those that come with "
        "EchoGANhance. Some hours on a CPU.",
        "standard",
        WHOLE | ANCHORED,
    ),
    Preset(
        "From my folders",
        "Your clips: a folder of poor ones and a folder of good ones. They need not show the same patients.",
        "mine",
        WHOLE,
        own_data=True,
    ),
)


def preset(label: str | None) -> Preset:
    """The preset of that label; the first where there is none."""
    return next((found for found in PRESETS if found.label == label), PRESETS[0])
