"""Where lesions sit: the walls that clots and tumours prefer, the names of leaflets, the holes of septa."""

from __future__ import annotations

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Heart, Leaflet
from echogan.phantom.anatomy.outlines import signed_distance
from echogan.phantom.draw import Draw
from echogan.phantom.lesions.shapes import Wall, septum
from echogan.phantom.tissues import Tissue

Site = tuple[str, Tissue, int]
"""A place in words, the cavity, the index of the point on its `Wall`."""

_CHAMBERS = {Tissue.LV: "LV", Tissue.LA: "LA", Tissue.RA: "RA", Tissue.RV: "RV"}


def thrombus_sites(draw: Draw, heart: Heart) -> list[Site]:
    """Where clots form: on a wall that does not contract, at the apex, in the atrial appendage."""
    lv, sites = Wall.of(heart.cavities[Tissue.LV]), []
    if float(lv.vigour.min()) < 0.6:
        still = torch.where(lv.wall_cm > 0.3, 1 - lv.vigour, 0.0)
        index = int(still.argmax()) if float(still.std()) > 0 else int(lv.wall_cm.argmax())
        sites += 2 * [("LV, wall that contracts badly", Tissue.LV, index)]
    if heart.view in ("A4C", "A2C"):
        apex = int((lv.points - heart.apex).norm(dim=-1).argmin())
        shift = int(draw.uniform(-8, 8))
        sites += 2 * [("LV apex", Tissue.LV, (apex + shift) % len(lv.points))]
    elif heart.view == "PSAX-PM" and not sites:
        sites.append(("LV wall", Tissue.LV, _anywhere(draw, lv)))
    if (cavity := heart.cavities.get(Tissue.LA)) is not None:
        la = Wall.of(cavity)
        if heart.view == "PLAX":
            sites.append(("LA, posterior wall", Tissue.LA, _along(la, torch.tensor([0.2, 1.0]))))
        else:
            lateral = measure.perpendicular(heart.axis)
            sites.append(("LA appendage", Tissue.LA, _along(la, lateral - 0.6 * heart.axis)))
    return sites


def mass_sites(draw: Draw, heart: Heart) -> list[Site]:
    """Myxomas hang on the atrial septum, more often on its left side; other tumours on any wall."""
    sites = []
    for name, other, weight in ((Tissue.LA, Tissue.RA, 4), (Tissue.RA, Tissue.LA, 1)):
        if name not in heart.cavities:
            continue
        wall = Wall.of(heart.cavities[name])
        facing = None
        if other in heart.cavities:
            facing, _ = septum(wall, Wall.of(heart.cavities[other]), 1.0)
        if facing is not None and len(facing):
            middle = facing[int(draw.uniform(0.35, 0.75) * (len(facing) - 1))]
            index = int((wall.points - middle).norm(dim=-1).argmin())
            sites += weight * [(f"{_CHAMBERS[name]}, atrial septum", name, index)]
        else:
            sites += weight * [(f"{_CHAMBERS[name]} wall", name, _anywhere(draw, wall))]
    lv = Wall.of(heart.cavities[Tissue.LV])
    return [*sites, ("LV wall", Tissue.LV, _anywhere(draw, lv))]


def _anywhere(draw: Draw, wall: Wall) -> int:
    solid = torch.nonzero(wall.wall_cm > 0.1)[:, 0]
    return int(solid[min(int(draw.uniform(0, len(solid))), len(solid) - 1)])


def _along(wall: Wall, direction: Tensor) -> int:
    """The solid wall's point that lies furthest in a direction."""
    return int(torch.where(wall.wall_cm > 0.1, wall.points @ direction, -1e3).argmax())


def leaflet_name(heart: Heart, leaflet: Leaflet) -> str:
    if not leaflet.ventricular:
        return "aortic cusp"
    lv, rv = heart.cavities[Tissue.LV], heart.cavities.get(Tissue.RV)
    if rv is None:
        return "mitral leaflet"
    right = [_reach(rv, other.closed) < _reach(lv, other.closed) for other in heart.leaflets]
    index = next(k for k, other in enumerate(heart.leaflets) if other is leaflet)
    # The leaflet that hangs from the septum's side: anterior of the mitral, septal of the tricuspid valve.
    other_side = lv if right[index] else rv
    peers = [k for k, other in enumerate(heart.leaflets) if other.ventricular and right[k] == right[index]]
    inner = index == min(peers, key=lambda k: _reach(other_side, heart.leaflets[k].hinge))
    if right[index]:
        return "septal tricuspid leaflet" if inner else "anterior tricuspid leaflet"
    return "anterior mitral leaflet" if inner else "posterior mitral leaflet"


def _reach(cavity: Cavity, point: Tensor) -> float:
    return float(signed_distance(cavity.outline, point[None])[0])


def defect_place(draw: Draw, heart: Heart, one: Tensor, atrial: bool) -> tuple[str, float]:
    """Secundum in the middle of the atrial septum; in the ventricular one below the aorta, or in the muscle."""
    if atrial:
        return "atrial septum", draw.uniform(0.35, 0.65)
    aorta = heart.cavities.get(Tissue.AORTA)
    if aorta is None:
        return "ventricular septum, muscular", draw.uniform(0.25, 0.75)
    if float(torch.cdist(one, aorta.outline).min()) > 1.2:
        return "ventricular septum, muscular", draw.uniform(0.25, 0.75)
    centre = aorta.outline.mean(0)
    last = float((one[-1] - centre).norm()) < float((one[0] - centre).norm())
    share = draw.uniform(0.12, 0.3)
    return "ventricular septum, below the aortic valve", 1 - share if last else share
