"""The beat: its timing, that the drawn ejection fraction is reached, that tissue never folds and comes back."""

import numpy as np
import pytest
import torch
from skimage.measure import points_in_poly

from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.anatomy.sizes import HeartSettings
from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.draw import Draw
from echogan.phantom.motion.beating import (
    MotionSettings,
    displacement,
    draw_motion,
    leaflet_curves,
    moved,
    origins,
)
from echogan.phantom.motion.cycle import draw_cycle
from echogan.phantom.tissues import Tissue
from echogan.phantom.truth import clip_truth

SEEDS = range(20)


def beat(view="A4C", seed=5, frames=32, settings=None):
    draw = Draw(seed)
    heart = draw_heart(view, draw)
    return heart, draw_motion(draw, heart, settings or MotionSettings(), frames)


def grid(step=0.15):
    return torch.stack(
        torch.meshgrid(torch.arange(-8, 8, step), torch.arange(0.5, 16, step), indexing="xy"), -1
    )


@pytest.mark.parametrize("view", VIEWS)
def test_the_drawn_ejection_fraction_is_reached(view):
    for seed in SEEDS:
        heart, motion = beat(view, seed)
        truth = clip_truth(heart, motion)
        assert truth["ejection_fraction"] == pytest.approx(heart.sizes["ejection_fraction"], abs=0.01)


@pytest.mark.parametrize("view", VIEWS)
def test_tissue_never_folds(view):
    points, step = grid(), 0.15
    for seed in SEEDS:
        heart, motion = beat(view, seed, frames=2)
        for level in (0.5, 1.0):
            places = (points + level * displacement(heart, motion, points)).numpy()
            along_x, along_z = np.gradient(places, step, axis=1), np.gradient(places, step, axis=0)
            jacobian = along_x[..., 0] * along_z[..., 1] - along_x[..., 1] * along_z[..., 0]
            assert jacobian.min() > 0.1


@pytest.mark.parametrize("view", VIEWS)
def test_origins_invert_the_displacement(view):
    points = torch.stack(
        torch.meshgrid(torch.linspace(-8, 8, 40), torch.linspace(0, 16, 60), indexing="xy"), -1
    )
    for seed in (1, 7, 12):
        heart, motion = beat(view, seed)
        found = origins(heart, motion, points)
        assert found.shape == (3, 60, 40, 2)
        assert torch.equal(found[0], points)
        for level, origin in zip((0.5, 1.0), found[1:], strict=True):
            error = (origin + level * displacement(heart, motion, origin) - points).norm(dim=-1)
            assert error.max() < 0.06
            assert error.quantile(0.99) < 0.02


def test_blended_origins_lead_back_through_a_whole_clip():
    heart, motion = beat("A4C", 3)
    start = heart.cavities[Tissue.LV].outline[::4]
    now = moved(heart, motion, start)
    for frame, points in enumerate(now):
        seen = points - motion.drift_cm[frame]
        back = torch.einsum("k,knd->nd", motion.blend[frame], origins(heart, motion, seen))
        assert (back - start).norm(dim=-1).max() < 0.08
    assert torch.allclose(motion.blend.sum(1), torch.ones(len(motion.blend)), atol=1e-5)


@pytest.mark.parametrize("view", VIEWS)
def test_walls_thicken_and_cavities_shrink(view):
    for seed in SEEDS:
        heart, motion = beat(view, seed, frames=2)
        sizes = clip_truth(heart, motion)["sizes"]
        assert sizes["lv_diameter_es_cm"] < sizes["lv_diameter_cm"]
        assert sizes["septum_es_cm"] + sizes["lateral_es_cm"] > 1.02 * (
            sizes["septum_cm"] + sizes["lateral_cm"]
        )


def test_short_axis_wall_keeps_its_volume():
    step, checked = 0.08, 0
    cells = np.stack(np.meshgrid(np.arange(-7, 8, step), np.arange(0, 14, step)), -1).reshape(-1, 2)
    for seed in (0, 3, 9):
        heart, motion = beat("PSAX-PM", seed, frames=2)
        lv = heart.cavities[Tissue.LV]
        if heart.sizes["wall_motion_vigour"] < 1:
            continue
        outward = lv.outline - lv.outline.mean(0)
        outer = lv.outline + outward / outward.norm(dim=1, keepdim=True) * lv.wall_cm[:, None]
        areas = []
        for level in (0.0, 1.0):
            rings = [p + level * displacement(heart, motion, p) for p in (lv.outline, outer)]
            inside = [points_in_poly(cells, ring.numpy()) for ring in rings]
            areas.append((inside[1] & ~inside[0]).sum())
        # The myocardium that the slice loses to shortening comes in from above: its share of the area grows.
        assert areas[1] / areas[0] == pytest.approx(1 / (1 - motion.shortening), rel=0.12)
        checked += 1
    assert checked


def test_an_akinetic_wall_hardly_moves():
    seen = 0
    for seed in range(12):
        draw = Draw(seed)
        heart = draw_heart(
            "PSAX-PM", draw, HeartSettings(wall_motion_chance=1, ejection_fraction=(0.4, 0.45))
        )
        motion = draw_motion(draw, heart, MotionSettings(), 2)
        lv = heart.cavities[Tissue.LV]
        if lv.vigour.min() > 0.1:
            continue
        way = displacement(heart, motion, lv.outline).norm(dim=1)
        assert way[lv.vigour < 0.1].mean() < 0.5 * way[lv.vigour > 0.9].mean()
        seen += 1
    assert seen > 2


def test_systole_takes_its_share_at_every_rate():
    for rate, share in ((55, 0.395), (75, 0.486), (100, 0.56)):
        cycle = draw_cycle(Draw(1), rate, 200, 0.0, 400)
        peak = float(cycle.phase[cycle.contraction.argmax()])
        assert peak == pytest.approx(share, abs=0.035)
        assert cycle.contraction.max() == pytest.approx(1, abs=0.01)
        assert cycle.contraction.min() == pytest.approx(0, abs=0.01)


def test_frames_advance_at_the_rates_drawn_and_beats_vary():
    cycle = draw_cycle(Draw(2), 60, 50, 0.0, 200)
    starts = torch.nonzero(cycle.phase.diff() < 0)[:, 0]
    assert starts.diff().float().mean() == pytest.approx(50, abs=1)
    varied = draw_cycle(Draw(2), 60, 50, 0.05, 600)
    lengths = torch.nonzero(varied.phase.diff() < 0)[:, 0].diff().float()
    assert 0.5 < lengths.std() < 6
    phases = torch.tensor([draw_cycle(Draw(s), 70, 30, 0.02, 2).phase[0] for s in range(40)])
    assert phases.std() > 0.2


def test_valves_open_in_their_own_time():
    cycle = draw_cycle(Draw(3), 65, 100, 0.0, 200)
    systole, filling = cycle.phase < 0.8 * cycle.systole, cycle.filling > 0.5
    assert not (filling & systole & (cycle.phase > 0.05)).any()
    assert filling.any()
    assert (
        cycle.ejecting[(cycle.phase > 0.3 * cycle.systole) & (cycle.phase < 0.75 * cycle.systole)] > 0.6
    ).all()
    assert (cycle.ejecting[cycle.phase > cycle.systole + 0.05] < 0.05).all()


@pytest.mark.parametrize("view", ["A4C", "A2C", "PLAX", "PSAX-MV"])
def test_leaflets_hang_on_moving_hinges_and_open(view):
    heart, motion = beat(view, 5, frames=60)
    curves = leaflet_curves(heart, motion)
    assert curves.shape == (60, len(heart.leaflets), 48, 2)
    hinges = torch.stack([leaflet.hinge for leaflet in heart.leaflets])
    assert torch.allclose(curves[:, :, 0], moved(heart, motion, hinges), atol=1e-4)
    if view == "PSAX-MV":
        gap = (curves[:, 0, 24] - curves[:, 1, 24]).norm(dim=-1)
    else:
        gap = (curves[:, 0, -1] - curves[:, 1, -1]).norm(dim=-1)
    wide, shut = motion.cycle.filling > 0.9, motion.cycle.filling < 0.02
    assert wide.any()
    assert shut.any()
    assert gap[wide].mean() > 0.8
    assert gap[shut].mean() < 0.3


def test_motion_is_the_same_from_the_same_seed_and_settings_have_help():
    (_, one), (_, two) = beat("PLAX", 8), beat("PLAX", 8)
    assert torch.equal(one.turnover, two.turnover)
    assert torch.equal(one.drift_cm, two.drift_cm)
    assert one.field.strengths == two.field.strengths
    for setting in MotionSettings.__dataclass_fields__.values():
        low, high = setting.default
        assert setting.metadata["help"]
        assert setting.metadata["min"] <= low <= high <= setting.metadata["max"]


def test_speckle_turns_over_between_frames_as_in_real_clips():
    steps = [torch.cos(beat(seed=s)[1].turnover.diff()).mean() for s in range(10)]
    assert 0.75 < torch.stack(steps).mean() < 0.99
    assert min(steps) > 0.5
