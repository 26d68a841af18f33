"""What every view draws with: irregular closed outlines, walls that change along them, and the pose of a heart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Heart
from echogan.phantom.anatomy.outlines import closed_spline
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue

VERTICES = 120
Points = Sequence[tuple[float, float]]


def curve(control: Points | Tensor, vertices: int = VERTICES) -> Tensor:
    """A closed smooth outline through control points, evenly spaced: (vertices, 2)."""
    return evenly(closed_spline(torch.as_tensor(control, dtype=torch.float32), 12), vertices)


def evenly(polygon: Tensor, vertices: int = VERTICES) -> Tensor:
    """The same closed outline with vertices at equal distances: (vertices, 2)."""
    closed = torch.cat([polygon, polygon[:1]])
    run = torch.cat([torch.zeros(1), (closed[1:] - closed[:-1]).norm(dim=-1).cumsum(0)])
    at = torch.arange(vertices) / vertices * run[-1]
    right = torch.searchsorted(run, at, right=True).clamp(1, len(run) - 1)
    share = (at - run[right - 1]) / (run[right] - run[right - 1]).clamp_min(1e-9)
    return closed[right - 1] + share[:, None] * (closed[right] - closed[right - 1])


def soft(polygon: Tensor, vertices: int) -> Tensor:
    """An evenly spaced outline with its corners rounded over about twice as many vertices: (n, 2)."""
    taps = torch.exp(-0.5 * (torch.arange(-2 * vertices, 2 * vertices + 1) / vertices) ** 2)
    ring = F.pad(polygon.T[:, None], (2 * vertices, 2 * vertices), mode="circular")
    return F.conv1d(ring, (taps / taps.sum())[None, None])[:, 0].T


def wave(draw: Draw, vertices: int, low: int, high: int) -> Tensor:
    """A periodic random curve of unit variance made of waves `low` to `high` per turn, longer ones stronger."""
    turn = torch.arange(vertices) * (2 * math.pi / vertices)
    k = torch.arange(low, high + 1).float()
    parts = draw.normal(2, len(k)) / k**0.7
    value = parts[0] @ torch.cos(k[:, None] * turn) + parts[1] @ torch.sin(k[:, None] * turn)
    return value / value.square().mean().sqrt().clamp_min(1e-6)


def uneven(
    draw: Draw, polygon: Tensor, broad_cm: float, fine_cm: float, where: Tensor | None = None
) -> Tensor:
    """An outline pushed in and out along its normals: broad waves (2-6 a turn) and fine ones (9-24); `where` (n,)."""
    normal, _ = measure.normals(polygon)
    push = broad_cm * wave(draw, len(polygon), 2, 6) + fine_cm * wave(draw, len(polygon), 9, 24)
    return polygon + (push if where is None else push * where)[:, None] * normal


def band(distance: Tensor, width: float) -> Tensor:
    """1 where |distance| is below `width`, falling smoothly to 0 at about twice that."""
    return torch.exp(-((distance.abs() / (1.35 * width)) ** 4))


def to_area(build: Callable[[float], Tensor], target: float) -> Tensor:
    """The outline `build(factor)` whose area is `target` cm2, by adjusting the factor of its width and height."""
    factor = 1.0
    for _ in range(4):
        factor *= math.sqrt(target / float(measure.area(build(factor))))
    return build(factor)


def edge(polygon: Tensor, heights: Tensor, side: int) -> Tensor:
    """x of an outline's left (side -1) or right (1) edge at depths z (k,), of the nearest vertex beyond its ends."""
    apart = (polygon[:, 1] - heights[:, None]).abs()
    apart = torch.where(apart <= apart.amin(1, keepdim=True).clamp_min(0.3), 0.0, 1e3)
    return (polygon[:, 0] * side - apart).amax(1) * side


def beside(polygon: Tensor, heights: Sequence[float], side: int) -> list[float]:
    """The same for a list of depths."""
    return edge(polygon, torch.tensor(heights), side).tolist()


def plain(outline: Tensor, wall_cm: Tensor | float, wall: Tissue) -> Cavity:
    """A cavity that contracts alike everywhere; one wall thickness or one per vertex."""
    thickness = wall_cm if isinstance(wall_cm, Tensor) else torch.full((len(outline),), wall_cm)
    return Cavity(outline, thickness, wall, torch.ones(len(outline)))


def regional_vigour(draw: Draw, outline: Tensor, eligible: Tensor, vigour: float) -> tuple[Tensor, int]:
    """Share of a normal contraction per vertex: `vigour` within one stretch of wall, 1 elsewhere; and its middle."""
    _, length = measure.normals(outline)
    choices = torch.nonzero(eligible)[:, 0]
    middle = int(choices[int(draw.uniform(0, len(choices) - 1e-3))])
    run = (length.cumsum(0) - length.cumsum(0)[middle]).abs()
    run = torch.minimum(run, length.sum() - run)
    return 1 - (1 - vigour) * band(run, draw.uniform(1.2, 2.2)), middle


def posed(
    heart: Heart, tilt: float, shift: tuple[float, float], about: tuple[float, float] = (0, 0)
) -> Heart:
    """The heart turned by `tilt` radians about a point and shifted, in cm."""
    turn = torch.tensor([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    centre, move = torch.tensor(about, dtype=torch.float32), torch.tensor(shift, dtype=torch.float32)

    def place(points: Tensor) -> Tensor:
        return (points - centre) @ turn.T + centre + move

    return replace(
        heart,
        cavities={k: replace(c, outline=place(c.outline)) for k, c in heart.cavities.items()},
        apex=place(heart.apex),
        axis=turn @ heart.axis,
        leaflets=tuple(
            replace(f, hinge=place(f.hinge), closed=place(f.closed), opened=place(f.opened))
            for f in heart.leaflets
        ),
        ellipses=tuple(replace(e, centre=place(e.centre), angle=e.angle + tilt) for e in heart.ellipses),
        strands=tuple(replace(s, points=place(s.points)) for s in heart.strands),
        fibrous=place(heart.fibrous),
    )


def point(x: float, z: float) -> Tensor:
    """One place in cm: (2,)."""
    return torch.tensor([x, z], dtype=torch.float32)


def bezier(start: Tensor, end: Tensor, bow: float, count: int = 9) -> Tensor:
    """A bowed line (count, 2); `bow` is the control point's offset as a share of the chord."""
    share, chord = torch.linspace(0, 1, count)[:, None], end - start
    middle = (start + end) / 2 + bow * torch.stack([-chord[1], chord[0]])
    return (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
