"""Irregular shapes of lesions in cm: on a wall, in a septum, or as a chain of discs that can swing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity
from echogan.phantom.anatomy.outlines import closed_spline, signed_distance
from echogan.phantom.anatomy.views.shapes import evenly, wave
from echogan.phantom.draw import Draw

SUNK_CM = 0.05
"""A lesion on a wall reaches so far into it, so that no blood shows between them."""
CLEAR_CM = 0.12
"""A hole reaches so far beyond the septum's smooth outlines, so that no uneven wall is left across it."""
_STEP_CM = 0.08


@dataclass(frozen=True)
class Wall:
    """A cavity's outline at even steps: points (n, 2), normals into the cavity (n, 2), wall thickness, vigour (n,)."""

    points: Tensor
    inward: Tensor
    wall_cm: Tensor
    vigour: Tensor

    @classmethod
    def of(cls, cavity: Cavity) -> Wall:
        """The wall of a cavity, about 0.8 mm from point to point."""
        around = (cavity.outline.roll(-1, 0) - cavity.outline).norm(dim=-1).sum()
        points = evenly(cavity.outline, max(24, int(around / _STEP_CM)))
        outward, _ = measure.normals(points)
        nearest = torch.cdist(points, cavity.outline).argmin(1)
        return cls(points, -outward, cavity.wall_cm[nearest], cavity.vigour[nearest])

    def run(self, index: int) -> Tensor:
        """Signed way along the outline from a point to each point: (n,) in cm."""
        step = (self.points.roll(-1, 0) - self.points).norm(dim=-1)
        way = step.cumsum(0) - step
        way = way - way[index]
        return way - step.sum() * torch.round(way / step.sum())


def extent(outline: Tensor) -> tuple[float, float]:
    """Greatest and least diameter of an outline (n, 2): in cm."""
    angle = torch.arange(48) * (math.pi / 48)
    along = outline @ torch.stack([torch.cos(angle), torch.sin(angle)])
    width = along.amax(0) - along.amin(0)
    return float(width.max()), float(width.min())


def mural(draw: Draw, wall: Wall, index: int, length: float, rise: float) -> Tensor:
    """A layer on the wall around a point, `length` cm in its greatest diameter, that rises by a share of its length
    above the line between its ends: outline (n, 2)."""
    ripple, skew = wave(draw, 24, 1, 7), draw.uniform(0.7, 1.4)
    flat, half = draw.uniform(0.5, 0.8), length / 2
    way = wall.run(index)
    outline = wall.points
    for _ in range(6):
        order = way.argsort()
        base = wall.points[order][way[order].abs() <= half]
        base = base - SUNK_CM * wall.inward[order][way[order].abs() <= half]
        cover = _cover(base, wall.inward[index], rise * length, flat, skew, ripple)
        outline = _rounded(torch.cat([base, cover]), 0.04 + 0.03 * length)
        half *= length / extent(outline)[0]
    at = wall.points[index]
    return at + (outline - at) * (length / extent(outline)[0])


def _cover(base: Tensor, inward: Tensor, rise: float, flat: float, skew: float, ripple: Tensor) -> Tensor:
    """The free surface, from the base's last point back to its first."""
    share = torch.linspace(1, 0, len(ripple) + 2)[1:-1]
    chord = base[-1] - base[0]
    normal = torch.stack([-chord[1], chord[0]]) / chord.norm().clamp_min(1e-6)
    normal = normal * torch.sign(normal @ inward)
    height = rise * torch.sin(math.pi * share**skew) ** flat
    height = height * (1 + 0.10 * ripple) + 0.03 * ripple * torch.sin(math.pi * share)
    return base[0] + share[:, None] * chord + height.clamp_min(0)[:, None] * normal


def _rounded(outline: Tensor, radius_cm: float) -> Tensor:
    """The outline with its corners worn off: a Gaussian mean over its neighbourhood, (96, 2)."""
    points = evenly(outline, 96)
    step = float((points[1] - points[0]).norm())
    reach = (torch.arange(96) - 48.0) * step / radius_cm
    taps = torch.fft.rfft(torch.softmax(-0.5 * reach.square(), 0).roll(-48))
    return torch.fft.irfft(torch.fft.rfft(points, dim=0) * taps[:, None], n=96, dim=0)


def lump(draw: Draw, wall: Wall, index: int, length: float, least: float) -> Tensor | None:
    """A lobulated mass with a broad base on the wall, at most `length` cm, shrunk until the cavity has room for it:
    outline (n, 2), or None where it would be smaller than `least` cm."""
    angle = torch.arange(14) * (2 * math.pi / 14)
    radius = 1 + 0.09 * wave(draw, 14, 2, 6)
    radius = radius + draw.uniform(0.04, 0.12) * torch.cos(
        draw.uniform(2.6, 5.4) * angle + draw.uniform(0, 6)
    )
    shape = torch.stack([torch.cos(angle), draw.uniform(0.6, 0.9) * torch.sin(angle)], -1) * radius[:, None]
    shape = closed_spline(shape, 8)
    inward = wall.inward[index]
    turn = math.atan2(float(inward[1]), float(inward[0])) + draw.uniform(-1.0, 1.0)
    shape = shape @ torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    overlap = draw.uniform(0.06, 0.14)
    while length >= least:
        grown = shape * (length / extent(shape)[0])
        grown = grown + wall.points[index] - (grown @ inward).amin() * inward - overlap * length * inward
        outside = signed_distance(wall.points, grown)
        beyond = (grown - wall.points[index]) @ inward > 0.45 * length
        if float(torch.where(beyond, outside, -1.0).max()) < -0.25:
            nearest = torch.cdist(grown, wall.points).argmin(1)
            held = wall.points[nearest] - SUNK_CM * wall.inward[nearest]
            outline = _rounded(torch.where(outside[:, None] > SUNK_CM, held, grown), 0.04 * length)
            if extent(outline)[0] >= least:
                return outline
        length *= 0.92
    return None


def septum(first: Wall, second: Wall, thickest: float) -> tuple[Tensor, Tensor]:
    """The stretch where two cavities lie within `thickest` cm of each other, in order along the first one's outline:
    its points on the first and the nearest ones on the second, two (m, 2), m may be 0."""
    apart, nearest = torch.cdist(first.points, second.points).min(1)
    far = int(apart.argmax())
    order = torch.arange(len(apart)).roll(-far)
    # The second cavity may be short: only points that face it count.
    across = second.points[nearest] - first.points
    facing = -(across * first.inward).sum(-1) > 0.7 * apart
    order = order[((apart < thickest) & facing)[order]]
    return first.points[order], second.points[nearest[order]]


def gap(draw: Draw, one: Tensor, other: Tensor, middle: int, length: float) -> tuple[Tensor, float] | None:
    """A hole of `length` cm through a septum between facing points, its ends rounded and uneven: outline (n, 2), which
    reaches a little into both cavities, and the area in cm2 of the wall that is missing."""
    centre = (one + other) / 2
    way = (centre - centre[middle]).norm(dim=-1) * torch.sign(torch.arange(len(one)) - middle)
    cut = torch.nonzero(way.abs() <= length / 2)[:, 0]
    if len(cut) < 3:
        return None
    start, stop = int(cut[0]), int(cut[-1])
    ends = []
    for index, inner in ((stop, -1.0), (start, 1.0)):
        across = other[index] - one[index]
        along = (centre[stop] - centre[start]) / (centre[stop] - centre[start]).norm().clamp_min(1e-6)
        bulge = inner * min(0.12 * length, 0.3 * float(across.norm())) * along
        shares = torch.tensor([0.25, 0.5, 0.75]) if index == stop else torch.tensor([0.75, 0.5, 0.25])
        weight = (4 * shares * (1 - shares))[:, None]
        jitter = 0.03 * draw.normal(3, 1) * along
        ends.append(one[index] + shares[:, None] * across + weight * bulge + jitter)
    outline = torch.cat([one[cut], ends[0], other[cut].flip(0), ends[1]])
    across = other[cut] - one[cut]
    across = CLEAR_CM * across / across.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    open_ = torch.cat([one[cut] - across, ends[0], (other[cut] + across).flip(0), ends[1]])
    return open_, float(measure.area(outline))


def chain(draw: Draw, length: float, slender: float, count: int) -> Tensor:
    """Overlapping discs along the u axis from the root at 0, `length` cm in all: (count, 3) u, v, radius."""
    share = torch.arange(count) / (count - 1)
    swell = 0.75 + 0.45 * torch.sin(math.pi * (share * draw.uniform(0.6, 1.0) + draw.uniform(0, 0.2)))
    radius = 0.5 * slender * swell * (1 + 0.12 * draw.normal(count)).clamp(0.75, 1.25)
    u = share * (1 - radius[0] - radius[-1]) + radius[0] * 0.6
    v = 0.25 * radius * draw.normal(count).clamp(-1.5, 1.5)
    discs = torch.stack([u, v, radius], -1)
    return discs * (length / disc_extent(discs)[0])


def stalked(draw: Draw, length: float, slender: float, stalk: float) -> Tensor:
    """A round lobulated head on a stalk that takes a share of the length; root at 0: (k, 3) u, v, radius."""
    head = chain(draw, length * (1 - stalk), slender, 6)
    lobes = head[1:5] + torch.tensor([0.0, 1.0, 0.0]) * head[1:5, 2:] * draw.normal(4, 1).clamp(-1, 1) * 0.5
    head = torch.cat([head, lobes * torch.tensor([1.0, 1.0, 0.8])])
    head[:, 0] += length * stalk - (head[:, 0] - head[:, 2]).amin()
    thin = draw.uniform(0.10, 0.16)
    steps = torch.linspace(0, length * stalk + thin, 4)
    neck = torch.stack([steps, 0.3 * thin * draw.normal(len(steps)), torch.full_like(steps, thin)], -1)
    discs = torch.cat([neck, head])
    return discs * (length / disc_extent(discs)[0])


def disc_extent(discs: Tensor) -> tuple[float, float]:
    """The greater and the lesser of the extents along u and v of discs (k, 3): in cm."""
    u, v, radius = discs.T
    sizes = (float((way + radius).max() - (way - radius).min()) for way in (u, v))
    least, greatest = sorted(sizes)
    return greatest, least


def disc_area(discs: Tensor) -> float:
    """Area of the union of discs (k, 3), counted on a grid of 0.2 mm: in cm2."""
    step, reach = 0.02, float(discs[:, 2].max())
    low, high = discs[:, :2].amin(0) - reach, discs[:, :2].amax(0) + reach
    u, v = (torch.arange(float(low[i]), float(high[i]), step) for i in (0, 1))
    grid = torch.stack(torch.meshgrid(u, v, indexing="ij"), -1).view(-1, 1, 2)
    return float(((grid - discs[:, :2]).norm(dim=-1) < discs[:, 2]).any(1).sum()) * step**2
