"""Weak walls: segments of the LV's wall that drop out whole, gone from the degraded clip and kept in the truth."""

import dataclasses

import pytest
import torch

from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.artefacts.degradation import Degradation
from echogan.phantom.beams import Beams
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.draw import Draw
from echogan.phantom.medium.raster import rasterise
from echogan.phantom.medium.weak_walls import WeakWallSettings, weak_walls
from echogan.phantom.render import Phantom
from echogan.phantom.tissues import Tissue

torch.set_num_threads(1)
SETTINGS = WeakWallSettings()
ONE = dataclasses.replace(SETTINGS, chances=(1.0, 0.0, 0.0), reach_cm=(1.5, 1.5), prone=(0.9, 0.9))


@pytest.fixture(scope="module")
def heart():
    return draw_heart("A4C", Draw(3))


@pytest.fixture(scope="module")
def raster(heart):
    return rasterise(heart, Beams(half_angle=0.65, depth_cm=15.0), Draw(4))


def test_a_segment_lies_on_the_wall_and_ends_beyond_its_reach(heart, raster):
    outline = heart.cavities[Tissue.LV].outline
    for seed in range(5):
        weak = weak_walls(Draw(seed), heart, raster, ONE)
        assert weak.max() == pytest.approx(0.9, abs=0.02)
        middle = raster.points.flatten(0, 1)[weak.argmax()]
        assert torch.cdist(middle[None], outline).min() < 0.3
        away = (raster.points - middle).norm(dim=-1)
        assert weak[away < 0.6].min() > 0.75
        assert weak[away > 2.6].max() < 0.02


def test_none_where_none_is_asked_for(heart, raster):
    none = dataclasses.replace(SETTINGS, chances=(0.0, 0.0, 0.0))
    assert not weak_walls(Draw(0), heart, raster, none).any()


def test_walls_along_the_beam_are_likelier(heart, raster):
    """A side wall of an apical view runs down, the apex across: the side must be drawn far more often."""

    def share_at_apex(along_beam: float) -> float:
        settings = dataclasses.replace(ONE, along_beam=along_beam)
        at_apex = 0
        for seed in range(60):
            peak = raster.points.flatten(0, 1)[weak_walls(Draw(seed), heart, raster, settings).argmax()]
            at_apex += int(float((peak - heart.apex).norm()) < 1.5)
        return at_apex / 60

    assert share_at_apex(30.0) < share_at_apex(0.0)


def test_drop_out_takes_the_segment_and_the_truth_keeps_it():
    none = dataclasses.replace(SETTINGS, chances=(0.0,) * 3)
    whole, weak = (Phantom("A4C", 24, PhantomSettings(weak_walls=s), 2) for s in (none, ONE))
    gone = Degradation(drop_out_db=20.0, haze_db=-10.0, pattern_seed=4)
    want = ("clean", "degraded", "labels", "support")
    before, after = (phantom.render(degradation=gone, want=want) for phantom in (whole, weak))
    assert torch.equal(before.clean, after.clean)
    assert torch.equal(before.labels, after.labels)
    wall = after.labels == Tissue.MYOCARDIUM
    lost = wall & (after.support.float() < 0.5 * before.support.float())
    assert 0.03 < lost.sum() / wall.sum() < 0.6
    assert after.degraded[lost].float().mean() < 0.9 * before.degraded[lost].float().mean()
    fluid = after.labels == Tissue.LV
    assert (before.degraded[fluid].float() - after.degraded[fluid].float()).abs().mean() < 3
