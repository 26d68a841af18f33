"""The beating heart: its timing, how strongly it must contract for its ejection fraction, and where tissue goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.anatomy.sizes import about
from echogan.phantom.anatomy.views.measured import lv_diameter
from echogan.phantom.draw import Draw
from echogan.phantom.motion import deformation
from echogan.phantom.motion.cycle import Cycle, draw_cycle
from echogan.phantom.motion.deformation import Deformation
from echogan.phantom.tissues import Tissue

Range = tuple[float, float]
MAX_STRENGTH = 0.62  # of the LV's inward motion by its radius: beyond it walls would meet
# Steps of the fixed point that inverts the displacement; damped, for else it swings where walls thicken.
HALF_STEPS, FULL_STEPS = 3, 5


@dataclass(frozen=True)
class MotionSettings:
    """How the heart beats and how the probe is held."""

    heart_rate: Range = field(default=(52, 105), metadata=about("heart rate, beats per minute", 35, 160))
    frame_rate: Range = field(default=(25, 60), metadata=about("frame rate, frames per second", 10, 120))
    rhythm: Range = field(
        default=(0.0, 0.05), metadata=about("beat-to-beat spread of the interval, share", 0, 0.3)
    )
    breathing_cm: Range = field(
        default=(0.03, 0.2), metadata=about("way of the heart with breathing, cm", 0, 1)
    )
    probe_cm: Range = field(
        default=(0.0, 0.06), metadata=about("drift of the probe over a second, cm", 0, 0.5)
    )
    turnover_rad: Range = field(
        default=(0.8, 2.6), metadata=about("speckle's turn by out-of-plane motion per contraction, rad", 0, 6)
    )
    jitter_rad: Range = field(
        default=(0.6, 1.2), metadata=about("speckle's random turn from frame to frame, rad", 0, 3)
    )


@dataclass(frozen=True)
class Motion:
    """One clip's motion; T frames.

    cycle       phase, contraction (0 end-diastole, 1 end-systole) and valve openings, (T,) each
    field       where tissue goes by end-systole
    blend       (T, 3) weights of the three `origins`
    drift_cm    (T, 2) shift of the whole heart by breathing and probe: tissue seen at x in a frame came from
                the blended origin of x - drift
    turnover    (T,) radians by which out-of-plane motion has turned the speckle
    shortening  share of the LV's length lost in systole, also where the view does not show it
    """

    cycle: Cycle
    field: Deformation
    blend: Tensor
    drift_cm: Tensor
    turnover: Tensor
    shortening: float

    @property
    def contraction(self) -> Tensor:
        """How far each frame is into systole, about 0 to 1: (T,)."""
        return self.cycle.contraction


def draw_motion(draw: Draw, heart: Heart, settings: MotionSettings | None = None, frames: int = 32) -> Motion:
    """Draw one clip's rates, breathing and speckle turnover, and solve the contraction for the heart's EF."""
    s = settings or MotionSettings()
    cycle = draw_cycle(
        draw, draw.within(s.heart_rate), draw.within(s.frame_rate), draw.within(s.rhythm), frames
    )
    e = cycle.contraction
    time = torch.arange(frames) / cycle.frame_rate
    breath = 2 * math.pi * draw.uniform(0.2, 0.33) * time + draw.uniform(0, 2 * math.pi)
    way = torch.tensor([draw.uniform(-0.7, 0.7), 1.0]) * draw.within(s.breathing_cm)
    slide = draw.normal(2) * draw.within(s.probe_cm)
    drift = torch.sin(breath)[:, None] * way + (time - time.mean())[:, None] * slide
    jitter = draw.within(s.jitter_rad) * draw.normal(frames)
    jitter[1:] = 0.7 * jitter[1:] + 0.5 * jitter[:-1]
    turnover = draw.within(s.turnover_rad) * e + 0.4 * torch.sin(breath + 0.5) + jitter.cumsum(0)
    shortening = (0.03 + 0.2 * heart.sizes["ejection_fraction"]) * draw.uniform(0.85, 1.1)
    field_ = solve(heart, shortening, right=draw.uniform(0.16, 0.34), further=draw.uniform(0.1, 0.5))
    blend = torch.stack([(1 - e) * (1 - 2 * e), 4 * e * (1 - e), e * (2 * e - 1)], 1)
    return Motion(cycle, field_, blend, drift, turnover, shortening)


def solve(heart: Heart, shortening: float, right: float, further: float) -> Deformation:
    """The field that brings the LV to the heart's EF and the atria to their end-systolic areas.

    right  the RV free wall's share of its way to the septum; further  what the tricuspid ring moves beyond the mitral
    """
    fraction = heart.sizes["ejection_fraction"]
    pulls = [deformation.left_pull(heart, shortening, fraction)]
    if Tissue.RV in heart.cavities:
        pulls.append(deformation.right_pull(heart))
    strengths = [0.3, right * (0.5 + fraction)][: len(pulls)]
    atria = [t for t in (Tissue.LA, Tissue.RA) if t in heart.cavities and heart.view != "PLAX"]
    pulls += [deformation.atrial_pull(heart, tissue) for tissue in atria]
    strengths += [0.1] * len(atria)
    lift = shortening * heart.length
    field_ = Deformation(
        tuple(pulls), tuple(strengths), lift, further if heart.view == "A4C" else 0.0,
        heart.apex, heart.axis, heart.length, heart.reach,
    )  # fmt: skip
    shown = {tissue: heart.cavities[tissue].outline for tissue in (Tissue.LV, *atria)}
    parts = {tissue: field_.parts(outline) for tissue, outline in shown.items()}

    def moved(tissue: Tissue) -> Tensor:
        weights = torch.tensor([1.0, *strengths])
        return shown[tissue] + torch.einsum("p,pnd->nd", weights, parts[tissue])

    def lacking(tissue: Tissue) -> float:
        if tissue == Tissue.LV:
            return reached(heart, moved(tissue), shortening) - fraction
        wanted = heart.sizes["la_area_cm2" if tissue == Tissue.LA else "ra_area_cm2"]
        return float(measure.area(moved(tissue))) - wanted

    for _ in range(2):
        for k, tissue in enumerate(atria, len(pulls) - len(atria)):
            _solve_one(strengths, k, -0.15, 0.8, partial(lacking, tissue))
        _solve_one(strengths, 0, 0.0, MAX_STRENGTH, partial(lacking, Tissue.LV))
    return replace(field_, strengths=tuple(strengths))


def _solve_one(
    strengths: list[float], index: int, low: float, high: float, excess: Callable[[], float]
) -> None:
    """Set one strength, within limits, so that `excess`, which grows with it, is 0: regula falsi (Illinois)."""

    def at(value: float) -> float:
        strengths[index] = value
        return excess()

    below, above = at(low), at(high)
    if below >= 0 or above <= 0:
        strengths[index] = low if below >= 0 else high
        return
    last = 0
    for _ in range(12):
        value = at((low * above - high * below) / (above - below))
        if abs(value) < 1e-4:
            return
        if value < 0:
            low, below = strengths[index], value
            above = above / 2 if last < 0 else above
        else:
            high, above = strengths[index], value
            below = below / 2 if last > 0 else below
        last = -1 if value < 0 else 1


def lv_volume(heart: Heart, outline: Tensor) -> Tensor | None:
    """LV volume of outlines (..., n, 2) in ml: disks in apical views, Teichholz in PLAX, None in short axis."""
    if heart.length == 0:
        return None
    if heart.view == "PLAX":
        return measure.teichholz(lv_diameter(heart, outline))
    return measure.disk_volume(outline, heart.axis)


def reached(heart: Heart, systolic: Tensor, shortening: float) -> float:
    """The ejection fraction of an end-systolic LV outline (n, 2); in short axis area times shortening."""
    rest = heart.cavities[Tissue.LV].outline
    before, after = lv_volume(heart, rest), lv_volume(heart, systolic)
    if before is None or after is None:
        return 1 - float(measure.area(systolic) / measure.area(rest)) * (1 - shortening)
    return 1 - float(after / before)


def displacement(heart: Heart, motion: Motion, points: Tensor) -> Tensor:
    """How far tissue at end-diastolic `points` (..., 2) has moved at end-systole: (..., 2) in cm."""
    return motion.field.at(points)


def moved(heart: Heart, motion: Motion, points: Tensor) -> Tensor:
    """Where tissue at end-diastolic `points` (..., 2) is in every frame: (T, ..., 2) in cm."""
    shape = (-1, *[1] * (points.dim() - 1))
    way = displacement(heart, motion, points)
    return points + motion.contraction.view(*shape, 1) * way + motion.drift_cm.view(*shape, 2)


def origins(heart: Heart, motion: Motion, points: Tensor) -> Tensor:
    """Where the tissue now at `points` (..., 2) was at end-diastole, at contraction 0, 1/2 and 1: (3, ..., 2).

    Inverted by fixed point. A frame's origins are the blend of the three, less the frame's drift.
    """
    flat = points.reshape(-1, 2)
    half = flat - 0.5 * motion.field.at(flat)
    for _ in range(HALF_STEPS):
        half = 0.2 * half + 0.8 * (flat - 0.5 * motion.field.at(half))
    full = 2 * half - flat
    for _ in range(FULL_STEPS):
        full = 0.35 * full + 0.65 * (flat - motion.field.at(full))
    return torch.stack([flat, half, full]).reshape(3, *points.shape)


def leaflet_curves(heart: Heart, motion: Motion, count: int = 48) -> Tensor:
    """Points along every leaflet in every frame: (T, leaflets, count, 2) in cm."""
    c, leaflets = motion.cycle, heart.leaflets
    if not leaflets:
        return torch.zeros(len(c.contraction), 0, count, 2)
    av = torch.tensor([leaflet.ventricular for leaflet in leaflets])
    opening = torch.where(av, c.filling[:, None], c.ejecting[:, None])
    hinge, closed, opened = (
        torch.stack([getattr(x, n) for x in leaflets]) for n in ("hinge", "closed", "opened")
    )
    bow = torch.tensor([leaflet.bow for leaflet in leaflets])
    shift = motion.contraction[:, None, None] * displacement(heart, motion, hinge) + motion.drift_cm[:, None]
    tip = closed + opening[..., None] * (opened - closed) + shift
    if heart.view == "PSAX-MV":
        far = (
            motion.contraction[:, None, None] * displacement(heart, motion, closed) + motion.drift_cm[:, None]
        )
        tip, bow = closed + far, bow * (0.06 + 0.94 * opening)
    else:
        turn = torch.arange(len(leaflets)) * 1.7
        flutter = opening * torch.sin(2 * math.pi * 17.3 * c.time[:, None] + turn) * 0.05
        across = torch.stack([-(tip - hinge - shift)[..., 1], (tip - hinge - shift)[..., 0]], -1)
        tip, bow = tip + flutter[..., None] * across, bow * (1 - 0.5 * opening)
    base = hinge + shift
    chord = tip - base
    middle = (base + tip) / 2 + torch.stack([-chord[..., 1], chord[..., 0]], -1) * bow[..., None]
    share = torch.linspace(0, 1, count)[:, None]
    base, middle, tip = base[..., None, :], middle[..., None, :], tip[..., None, :]
    return (1 - share) ** 2 * base + 2 * share * (1 - share) * middle + share**2 * tip
