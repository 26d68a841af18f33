"""What lesions there are, which views carry them, how large and how bright they are, and one lesion's truth.

Sizes follow what is reported: thrombi of 0.8-2.5 cm at the apex, on an akinetic wall or in the left atrial appendage;
myxomas and other tumours of 1.5-4 cm; vegetations of 0.4-1.8 cm; effusions of 0.4-2 cm (small below 1, large from
2 cm: Klein et al., JASE 2013;26:965-1012); septal defects of 0.4-1.5 cm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from echogan.phantom.anatomy.heart import View
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue

LesionKind = Literal["thrombus", "vegetation", "mass", "effusion", "septal-defect"]
LESIONS: tuple[LesionKind, ...] = get_args(LesionKind)

CARRIED_BY: dict[LesionKind, tuple[View, ...]] = {
    "thrombus": ("A4C", "A2C", "PLAX", "PSAX-PM"),
    "vegetation": ("A4C", "A2C", "PLAX", "PSAX-MV"),
    "mass": ("A4C", "A2C", "PLAX", "PSAX-PM"),
    "effusion": ("A4C", "A2C", "PLAX", "PSAX-PM", "PSAX-MV"),
    "septal-defect": ("A4C", "PLAX", "PSAX-PM"),
}
"""The views that a kind is drawn in; a single heart may still lack the room or the valve for it."""

SIZES_CM: dict[LesionKind, tuple[float, float]] = {
    "thrombus": (0.8, 2.5), "vegetation": (0.4, 1.8), "mass": (1.5, 4.0), "effusion": (0.4, 2.0),
    "septal-defect": (0.4, 1.5),
}  # fmt: skip
"""Greatest diameter; of an effusion the greatest depth, of a defect the gap."""

LEVELS_DB: dict[LesionKind, tuple[float, float]] = {
    "thrombus": (-8, 1), "vegetation": (-4, 3), "mass": (-6, 2), "effusion": (-60, -60),
    "septal-defect": (-60, -60),
}  # fmt: skip
"""Mean level against normal myocardium; fluid has the level of the blood that the clip draws."""


def drawn_kinds(draw: Draw, view: View, share: float) -> list[LesionKind]:
    """For a share of all draws the kinds that the view carries, in the order in which to try them; else none."""
    carried: list[LesionKind] = [kind for kind in LESIONS if view in CARRIED_BY[kind]]
    ill, first = draw.chance(share), int(draw.uniform(0, len(carried)))
    return carried[first:] + carried[:first] if ill else []


@dataclass(frozen=True)
class Swing:
    """A lesion of discs around a root: discs (k, 3) are u away from the root, v across, radius, cm.

    lean   angle in radians between the root's direction and u    lag_s  how late it follows its root
    attach how far along its leaflet a vegetation's root lies, 0 hinge to 1 tip
    flutter_rad, flutter_hz, phase    its own oscillation, greater towards its end
    """

    discs: Tensor
    lean: float
    lag_s: float
    flutter_rad: float
    flutter_hz: float
    phase: float
    attach: float = 1.0


@dataclass(frozen=True)
class Effusion:
    """Fluid around the heart: greatest depth in cm, the least as a share of it, the side (2,) where it is deepest."""

    depth_cm: float
    least: float
    side: Tensor
    centre: Tensor


@dataclass(frozen=True)
class Lesion:
    """One lesion at end-diastole.

    outline   (n, 2) cm in probe coordinates; None for what swings (`swing`) and for an effusion
    level_db  mean against normal myocardium    size_cm   greatest and least diameter; an effusion: its depths
    area_cm2  at rest; None for an effusion: `area_on` measures it
    cavity    the chamber it lies in (a defect: the first of the two, `neighbour` the second)
    leaflet   index of the leaflet that carries a vegetation    root, towards   (2,) where a stalk begins, and its
    direction    layered   thrombus: layers parallel to the wall    seed  of its texture
    """

    kind: LesionKind
    place: str
    level_db: float
    size_cm: tuple[float, float]
    area_cm2: float | None
    seed: int
    outline: Tensor | None = None
    cavity: Tissue | None = None
    neighbour: Tissue | None = None
    layered: bool = False
    swing: Swing | None = None
    leaflet: int | None = None
    root: Tensor | None = None
    towards: Tensor | None = None
    effusion: Effusion | None = None

    @property
    def mobile(self) -> bool:
        """Whether it swings: drawn as discs in each frame, not on the reference map."""
        return self.swing is not None

    def truth(self) -> dict[str, object]:
        """What the clip's ground truth says, ready for JSON; the area is at rest and may be None."""
        fluid = self.kind in ("effusion", "septal-defect")
        return {
            "kind": self.kind,
            "place": self.place,
            "size_cm": [round(size, 3) for size in self.size_cm],
            "area_cm2": None if self.area_cm2 is None else round(self.area_cm2, 3),
            "level_db": None if fluid else round(self.level_db, 2),
            "mobile": self.mobile,
        }
