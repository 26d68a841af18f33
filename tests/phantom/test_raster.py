"""The heart on the reference grid, against polygons and closed forms; scatterers against the level they were given."""

import math

import numpy as np
import pytest
import torch
from skimage.draw import polygon2mask

from echogan.phantom.anatomy.heart import VIEWS, Cavity, Heart
from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw
from echogan.phantom.fields import Fields
from echogan.phantom.medium.raster import Raster, rasterise
from echogan.phantom.medium.scatterers import reference_beams, scatter
from echogan.phantom.tissues import FLUID, Tissue

PROBE = Beams(math.radians(40), 16)
WIDE = reference_beams(PROBE)


def round_heart(radius: float, wall: float) -> Heart:
    """One round cavity 8 cm deep."""
    turn = torch.linspace(0, 2 * math.pi, 121)[:-1]
    outline = torch.stack([radius * torch.cos(turn), 8 + radius * torch.sin(turn)], 1)
    cavity = Cavity(outline, torch.full((120,), wall), Tissue.MYOCARDIUM, torch.ones(120))
    return Heart(
        "PSAX-PM", {Tissue.LV: cavity}, torch.tensor([0.0, 8.0]), torch.tensor([0.0, 1.0]), 0, 0, (), (), (),
        torch.zeros(0, 2), {}, {},
    )  # fmt: skip


@pytest.fixture(scope="module")
def raster() -> Raster:
    return rasterise(round_heart(2.5, 1.0), WIDE, Draw(0))


def cell_area(beams: Beams) -> torch.Tensor:
    """Area of each row's cells: r dr dtheta, in cm2."""
    return beams.radius_cm[:, None] * beams.row_cm * 2 * beams.half_angle / (beams.columns - 1)


def test_distance_is_that_of_a_circle(raster: Raster) -> None:
    centre = torch.tensor([0.0, 8.0])
    true = (raster.points - centre).norm(dim=-1) - 2.5
    inner = slice(40, -40), slice(20, -20)
    # Trabeculae and irregularities of a millimetre or so are part of the drawing.
    assert (raster.distance[Tissue.LV] - true)[inner].abs().mean() < 0.1
    assert (raster.distance[Tissue.LV] - true)[inner].abs().max() < 0.5


def test_cavity_and_wall_have_their_areas(raster: Raster) -> None:
    area = cell_area(WIDE)
    cavity = float((area * raster.inside(Tissue.LV)).sum())
    wall = float((area * raster.inside(Tissue.MYOCARDIUM)).sum())
    assert cavity == pytest.approx(math.pi * 2.5**2, rel=0.05)
    assert wall == pytest.approx(math.pi * (3.5**2 - 2.5**2), rel=0.08)


def test_incidence_is_the_cosine_to_the_normal(raster: Raster) -> None:
    outwards = raster.points - torch.tensor([0.0, 8.0])
    beam = raster.points / raster.points.norm(dim=-1, keepdim=True)
    true = ((outwards * beam).sum(-1) / outwards.norm(dim=-1)).abs()
    smooth = (raster.points - torch.tensor([0.0, 8.0])).norm(dim=-1)
    ring = (raster.points[..., 0].abs() < 3.2) & (smooth > 1.5) & (smooth < 3.5)
    assert (raster.incidence(smooth) - true)[ring].abs().mean() < 0.02


@pytest.mark.parametrize("view", VIEWS)
def test_the_label_map_is_that_of_the_outlines(view: str) -> None:
    heart = draw_heart(view, Draw(3))
    raster = rasterise(heart, WIDE, Draw(4))
    step = 0.1
    frame = np.array([-12.0, 0.0])
    drawn = polygon2mask((220, 240), (heart.cavities[Tissue.LV].outline.numpy() - frame)[:, ::-1] / step)
    inside_fan = np.zeros_like(drawn)
    rows, columns = np.nonzero(drawn)
    points = torch.tensor(np.stack([columns * step, rows * step], 1) + frame, dtype=torch.float32)
    depth, angle = WIDE.locate(points)
    inside_fan[rows, columns] = (
        (depth > 0) & (depth < WIDE.depth_cm) & (angle.abs() < WIDE.half_angle)
    ).numpy()
    held = raster.inside(Tissue.LV, Tissue.PAPILLARY)
    assert float((cell_area(WIDE) * held).sum()) == pytest.approx(inside_fan.sum() * step**2, rel=0.07)


def test_uniform_tissue_scatters_at_its_level(raster: Raster) -> None:
    flat = torch.zeros_like(raster.heart)
    medium = scatter(Draw(1), raster, flat, flat, pulse_cm=0.09)
    one = medium.echoes[0, :2, :, :].square().sum(0)
    tissue = (raster.distance[Tissue.LV] > 0.6) & ~raster.inside(*FLUID)
    # 0 dB is unit variance, real and imaginary; a few bright scatterers add up to some dB.
    assert 2 * 0.9 < float(one[tissue].mean()) < 2 * 1.8
    assert float(one[raster.distance[Tissue.LV] < -1.5].median()) < 1e-3, "blood is added per frame"


def test_fields_have_unit_variance_and_their_scale() -> None:
    points = WIDE.points()
    field = Fields(Draw(5), points).smooth(1.0, 8)
    assert torch.allclose(field.std((1, 2)), torch.ones(8), atol=1e-4)
    middle = field[:, :, WIDE.columns // 2]
    rows = round(1.0 / WIDE.row_cm)
    near, far = ((middle[:, :-lag] * middle[:, lag:]).mean() for lag in (max(rows // 4, 1), 4 * rows))
    assert near > 0.6 > 0.25 > abs(far)
