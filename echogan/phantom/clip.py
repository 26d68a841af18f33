"""What a phantom clip is drawn from, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from echogan.phantom.acoustics.probe import AcousticSettings
from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.anatomy.sizes import HeartSettings
from echogan.phantom.artefacts.degradation import DegradationSettings
from echogan.phantom.medium.echogenicity import EchogenicitySettings
from echogan.phantom.medium.weak_walls import WeakWallSettings
from echogan.phantom.motion.beating import MotionSettings

Want = Literal["clean", "degraded", "labels", "support"]
WANTS: tuple[Want, ...] = ("clean", "degraded", "labels")


@dataclass(frozen=True)
class PhantomSettings:
    """Everything a phantom clip is drawn from."""

    heart: HeartSettings = field(default_factory=HeartSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    echogenicity: EchogenicitySettings = field(default_factory=EchogenicitySettings)
    weak_walls: WeakWallSettings = field(default_factory=WeakWallSettings)
    acoustics: AcousticSettings = field(default_factory=AcousticSettings)
    degradation: DegradationSettings = field(default_factory=DegradationSettings)
    frame: FrameSettings = field(default_factory=FrameSettings)
    view_shares: tuple[float, ...] = field(
        default=(0.4, 0.15, 0.15, 0.15, 0.15), metadata={"help": "share of each view: " + ", ".join(VIEWS)}
    )
    lesion_share: float = field(
        default=0.0,
        metadata={"help": "share of hearts with a lesion that they can carry", "min": 0, "max": 1},
    )


@dataclass(frozen=True)
class PhantomClip:
    """A simulated clip; frames are (T, S, S) on the phantom's device, and None where not asked for.

    clean, degraded  uint8 grey              labels       uint8 Tissue values
    support          uint8, 255 x the share of normal myocardium's signal that survives the degradation
    lesion_mask      bool, with the labels   sector_mask  bool (S, S)
    fan              apex_x, apex_y, left_deg, right_deg, r_min, r_max, lengths in pixels
    truth            JSON-able: seed, view, sizes and findings, volumes per frame, the lesion, the degradation
    """

    clean: Tensor | None
    degraded: Tensor | None
    labels: Tensor | None
    lesion_mask: Tensor | None
    support: Tensor | None
    sector_mask: Tensor
    fan: tuple[float, float, float, float, float, float]
    truth: dict
