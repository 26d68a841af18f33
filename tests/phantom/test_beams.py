"""Beams: samples lie where geometry says, and every face finds its way back."""

import math

import pytest
import torch

from echogan.phantom.beams import Beams

FACES = {
    "phased": Beams(math.radians(38), 15),
    "curved": Beams(math.radians(34), 12, face_cm=4),
    "flat": Beams(math.radians(20), 10, face_cm=6, flat=True),
}


@pytest.mark.parametrize("beams", FACES.values(), ids=FACES)
def test_locate_undoes_points(beams: Beams) -> None:
    depth, angle = beams.locate(beams.points())
    assert torch.allclose(depth, beams.radius_cm[:, None].expand_as(depth), atol=1e-3)
    assert torch.allclose(angle, beams.angle[None].expand_as(angle), atol=1e-4)


@pytest.mark.parametrize("beams", FACES.values(), ids=FACES)
def test_grid_samples_each_point_from_itself(beams: Beams) -> None:
    image = torch.randn(1, 1, beams.rows, beams.columns, generator=torch.Generator().manual_seed(0))
    again = torch.nn.functional.grid_sample(image, beams.grid(beams.points())[None], align_corners=False)
    assert torch.allclose(again, image, atol=2e-2)


def test_the_face_has_its_shape() -> None:
    depth, _ = FACES["flat"].locate(torch.tensor([[1.5, 0.0], [-2.0, 0.0], [0.0, 0.0]]))
    assert torch.allclose(depth, torch.zeros(3), atol=1e-5), "a flat face is a straight line"
    on_arc = torch.tensor([[4 * math.sin(0.3), 4 * math.cos(0.3) - 4]])
    depth, angle = FACES["curved"].locate(on_arc)
    assert depth.item() == pytest.approx(0, abs=1e-5)
    assert angle.item() == pytest.approx(0.3, abs=1e-5)
    assert FACES["phased"].points()[0].norm(dim=-1).max() < 0.05, "a phased array's beams start in one point"


def test_refine_keeps_linear_maps() -> None:
    beams = FACES["phased"]
    coarse = beams.resampled(48, 32)

    def ramp(b: Beams) -> torch.Tensor:
        return b.radius_cm[:, None] + 10 * b.angle[None]

    fine = beams.refine(ramp(coarse)[None])[0]
    inner = slice(12, -12)
    assert torch.allclose(fine[inner, 8:-8], ramp(beams)[inner, 8:-8], atol=1e-3)
