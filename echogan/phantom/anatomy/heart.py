"""A heart as a drawing: outlines of its cavities with their walls, valves, muscles and strands, in cm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from echogan.phantom.tissues import Tissue

View = Literal["A4C", "A2C", "PLAX", "PSAX-PM", "PSAX-MV"]
VIEWS: tuple[View, ...] = get_args(View)


@dataclass(frozen=True)
class Cavity:
    """A cavity at end-diastole. All in probe coordinates (x to the right, z down, probe face at 0), cm.

    outline  (n, 2), closed and dense     wall_cm  (n,) thickness of its wall at each point, 0 where it has none
    wall     the tissue of that wall      vigour   (n,) share of a normal contraction at each point (LV; else ones)
    """

    outline: Tensor
    wall_cm: Tensor
    wall: Tissue
    vigour: Tensor


@dataclass(frozen=True)
class Leaflet:
    """One valve leaflet at end-diastole: hinge, tip when closed, tip when open, (2,) each in cm.

    bow       offset of the middle from the chord, as a share of the chord
    strength  echo amplitude against myocardium
    ventricular  True: open while the heart fills (mitral, tricuspid); False: open while it ejects (aortic)
    """

    hinge: Tensor
    closed: Tensor
    opened: Tensor
    bow: float
    strength: float
    ventricular: bool = True


@dataclass(frozen=True)
class Ellipse:
    """A solid inside a cavity (papillary muscle, moderator band): centre (2,), half axes in cm, angle in radians."""

    centre: Tensor
    half_axes: tuple[float, float]
    angle: float
    tissue: Tissue
    inside: Tissue


@dataclass(frozen=True)
class Strand:
    """A polyline of some width (n, 2) in cm: a chord (tissue VALVE, bright and thin) or a vein (tissue VEIN, fluid)."""

    points: Tensor
    half_width_cm: float
    tissue: Tissue


@dataclass(frozen=True)
class Heart:
    """One heart before one probe, at end-diastole.

    cavities  by Tissue (LV always; LA, RV, RA, AORTA where the view shows them; VEIN for e.g. a descending aorta)
    apex, axis, length, reach  the LV's apex (2,), unit vector to its base (2,), apex-to-base and apex-to-atrial-roof
              lengths in cm; in short axis the apex is the LV's centre and length is 0
    fibrous   points (n, 2) where valves hang and shine; sizes  lengths in cm, areas in cm2, shares, for the truth
    findings  the classes that a reader would report, e.g. {"LA": "enlarged", "LV_wall": "hypertrophied", ...}
    """

    view: View
    cavities: dict[Tissue, Cavity]
    apex: Tensor
    axis: Tensor
    length: float
    reach: float
    leaflets: tuple[Leaflet, ...]
    ellipses: tuple[Ellipse, ...]
    strands: tuple[Strand, ...]
    fibrous: Tensor
    sizes: dict[str, float]
    findings: dict[str, str]
