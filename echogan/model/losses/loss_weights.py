"""What each term of the training loss counts: the one place of all weights, and of the flags made from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from echogan.core.errors import SettingsError
from echogan.core.settings import check_settings, number, switch

AdversarialKind = Literal["lsgan", "hinge"]
PARTIAL = ("labels", "temporal", "flicker", "paired", "target_structure", "lesion", "between")
"""Terms that only some batches can give."""


def _weight(default: float, help: str, largest: float = 100.0) -> float:
    return number(default, help, 0.0, largest)


def _count(default: int, help: str, largest: int) -> int:
    return number(default, help, 1, largest)


def _switch(help: str) -> bool:
    return switch(False, help)


@dataclass(frozen=True)
class LossWeights:
    """What each term counts. A term of weight 0 is off and costs nothing, not even a network's forward pass.

    The terms are explained, with their papers, where they are computed: losses.py, adversarial_losses.py,
    paired_losses.py, contrast_losses.py, anatomy_losses.py, cutmix.py and penalties.py. `temporal`, `flicker`,
    `paired`, `target_structure`, `between`, `lesion` and `labels` also need a batch that carries the next frame, the
    target, the lesions or the labels; on one without, they are off.
    """

    adversarial: float = _weight(1.0, "weight of looking like the other domain")
    cycle: float = _weight(5.0, "weight of cycle consistency")
    identity: float = _weight(2.0, "weight of leaving frames of the target domain alone")
    cycle_noise: float = _weight(0.02, "sd of the noise on fakes before the second generator", 1.0)
    adversarial_kind: AdversarialKind = field(
        default="lsgan",
        metadata={"help": "adversarial loss: least squares or hinge", "choices": ("lsgan", "hinge")},
    )
    cycle_jitter: bool = _switch("round fakes to 8 bits, dithered, before the second generator")
    structure: float = _weight(0.0, "weight of 1 - SSIM between a frame and its translation")
    illumination: float = _weight(0.0, "weight of keeping the local brightness (low-pass L1)")
    anatomy: float = _weight(0.0, "weight of a frozen segmenter's agreement before and after")
    labels: float = _weight(0.0, "weight of the anatomic labels, a head of the discriminators")
    temporal: float = _weight(0.0, "weight of adding the same change to adjacent frames")
    flicker: float = _weight(0.0, "weight of changing a little less from frame to frame than the input")
    paired: float = _weight(0.0, "weight of L1 to the target of simulated and semi-real pairs")
    removal: float = number(
        1.0, "how often removing too much counts against leaving too much, in pairs", 1.0, 20.0
    )
    addition: float = number(
        1.0, "how often adding too much counts against adding too little, in pairs", 1.0, 20.0
    )
    target_structure: float = _weight(0.0, "weight of 1 - SSIM to the target of pairs")
    lesion: float = _weight(0.0, "weight of the contrast that lesions of simulated pairs lose")
    between: float = _weight(0.0, "weight of spots that leave what is between a pair's frame and its target")
    gradient_penalty: float = _weight(0.0, "weight of the R1 gradient penalty on real frames", 1000.0)
    penalty_every: int = _count(16, "steps between gradient penalties, each counted as many times", 1000)
    cutmix: float = _weight(1.0, "weight of CutMix; only a unet discriminator has it")
    cutmix_warmup: int = _count(2000, "steps until CutMix is drawn every second time", 1_000_000)
    black_outside: bool = _switch("paint frames black outside the sector before any network sees them")

    @property
    def degrades(self) -> bool:
        """Whether a term teaches `to_low` to degrade; identity alone would teach it to change nothing."""
        w = self
        return any((w.adversarial, w.cycle, w.structure, w.illumination, w.anatomy, w.labels))

    def check(self) -> None:
        """Raise SettingsError, naming the field and its range, unless every value can be used."""
        check_settings(self, "Loss")
        terms = ("adversarial", "cycle", "identity", "structure", "illumination", "anatomy")
        if not any(getattr(self, name) for name in (*terms, *PARTIAL)):
            raise SettingsError(
                "Every loss weight is 0, so nothing would be learnt; give adversarial or another."
            )
