"""The hearts of every view: the same from the same seed, complete, of the size asked for, and inside the fan."""

import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from skimage.measure import points_in_poly

from echogan.phantom.anatomy.heart import VIEWS, Heart
from echogan.phantom.anatomy.sizes import HeartSettings, classify
from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import FLUID, Tissue

SEEDS = range(20)
EXPECTED = {
    "A4C": {Tissue.LV, Tissue.LA, Tissue.RV, Tissue.RA},
    "A2C": {Tissue.LV, Tissue.LA},
    "PLAX": {Tissue.LV, Tissue.LA, Tissue.RV, Tissue.AORTA},
    "PSAX-PM": {Tissue.LV, Tissue.RV},
    "PSAX-MV": {Tissue.LV, Tissue.RV},
}


def hearts(view: str) -> list[Heart]:
    return [draw_heart(view, Draw(seed)) for seed in SEEDS]


def test_every_setting_has_help_and_its_range_keeps_its_limits():
    for setting in fields(HeartSettings):
        assert setting.metadata["help"]
        value = setting.default
        low, high = value if isinstance(value, tuple) else (value, value)
        assert setting.metadata["min"] <= low <= high <= setting.metadata["max"]


@pytest.mark.parametrize("view", VIEWS)
def test_same_seed_same_heart(view):
    one, two, other = (draw_heart(view, Draw(seed)) for seed in (4, 4, 5))
    assert one.sizes == two.sizes
    for tissue, cavity in one.cavities.items():
        assert torch.equal(cavity.outline, two.cavities[tissue].outline)
        assert torch.equal(cavity.wall_cm, two.cavities[tissue].wall_cm)
    assert not torch.equal(one.cavities[Tissue.LV].outline, other.cavities[Tissue.LV].outline)


@pytest.mark.parametrize("view", VIEWS)
def test_hearts_are_complete_and_finite(view):
    for heart in hearts(view):
        assert set(heart.cavities) >= EXPECTED[view]
        for tissue, cavity in heart.cavities.items():
            n = len(cavity.outline)
            assert tissue in FLUID
            assert cavity.outline.shape == (n, 2)
            assert cavity.wall_cm.shape == cavity.vigour.shape == (n,)
            assert torch.isfinite(cavity.outline).all()
            assert (cavity.wall_cm >= 0).all()
            edge = (cavity.outline.roll(-1, 0) - cavity.outline).norm(dim=1)
            assert edge.max() < 0.6
            assert edge.max() < 3 * edge.mean()
        assert len(heart.leaflets) in {"PSAX-PM": (0,), "A4C": (4, 6), "PLAX": (4,)}.get(view, (2,))
        assert heart.axis.norm() == pytest.approx(1, abs=1e-5)


def crosses_itself(outline: np.ndarray) -> bool:
    """Whether any two edges of a closed polygon cross, by orientation of all pairs."""
    a, b = outline, np.roll(outline, -1, 0)

    def side(p, q, r):
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (
            r[..., 0] - p[..., 0]
        )

    p, q, r, s = a[:, None], b[:, None], a[None], b[None]
    cross = (side(p, q, r) * side(p, q, s) < -1e-9) & (side(r, s, p) * side(r, s, q) < -1e-9)
    return bool(cross.any())


@pytest.mark.parametrize("view", VIEWS)
def test_outlines_are_simple(view):
    for heart in hearts(view):
        for cavity in heart.cavities.values():
            assert not crosses_itself(cavity.outline.double().numpy())


@pytest.mark.parametrize("view", VIEWS)
def test_cavities_hardly_overlap(view):
    step = 0.1
    grid = np.stack(np.meshgrid(np.arange(-12, 12, step), np.arange(-1, 20, step)), -1).reshape(-1, 2)
    for heart in hearts(view)[:8]:
        inside = np.stack([points_in_poly(grid, c.outline.numpy()) for c in heart.cavities.values()])
        assert ((inside.sum(0) > 1).sum() * step**2) < 1.0  # cm2


@pytest.mark.parametrize("view", VIEWS)
def test_the_left_ventricle_lies_mostly_in_a_usual_fan(view):
    rng = np.random.default_rng(0)
    for heart in hearts(view):
        outline = heart.cavities[Tissue.LV].outline.numpy()
        points = rng.uniform(outline.min(0), outline.max(0), (1500, 2))
        points = points[points_in_poly(points, outline)]
        angle = np.degrees(np.abs(np.arctan2(points[:, 0], points[:, 1])))
        seen = (angle < 36) & (np.hypot(*points.T) < 15) & (points[:, 1] > 0)
        assert seen.mean() > 0.75


@pytest.mark.parametrize("view", VIEWS)
def test_findings_follow_the_numbers(view):
    enlarged = 0
    for heart in hearts(view):
        assert {k: v for k, v in heart.findings.items() if k != "wall_motion_segment"} == classify(
            heart.sizes
        )
        assert (heart.findings["LV"] == "enlarged") == (heart.sizes["lv_diameter_cm"] > 5.8)
        assert ("wall_motion_segment" in heart.findings) == (heart.findings["wall_motion"] != "normal")
        thick = max(heart.sizes["septum_cm"], heart.sizes["lateral_cm"]) > 1.1
        assert (heart.findings["LV_wall"] != "normal") == thick
        enlarged += heart.findings["LV"] == "enlarged"
    assert 0 < enlarged < len(SEEDS)


def test_chances_of_one_and_ranges_are_obeyed():
    sick = HeartSettings(
        lv_dilated_chance=1, hypertrophy_chance=1, septal_chance=0, la_enlarged_chance=1, ra_enlarged_chance=1,
        rv_enlarged_chance=1, wall_motion_chance=1, ejection_fraction=(0.2, 0.25),
    )  # fmt: skip
    for seed in range(5):
        heart = draw_heart("A4C", Draw(seed), sick)
        found = heart.findings
        assert {found[k] for k in ("LV", "LA", "RA", "RV")} == {"enlarged"}
        assert found["LV_wall"] == "hypertrophied"
        assert found["wall_motion"] in ("akinetic", "hypokinetic")
        assert found["ejection_fraction"] == "severely reduced"
        assert heart.cavities[Tissue.LV].vigour.min() < 0.55
        assert heart.cavities[Tissue.LV].vigour.max() > 0.95


def test_foreshortening_shortens_the_ventricle_and_only_when_asked():
    for seed in range(4):
        plain = draw_heart("A4C", Draw(seed))
        short = draw_heart("A4C", Draw(seed), HeartSettings(foreshortening_chance=1))
        assert plain.sizes["foreshortening"] == 0
        assert short.sizes["foreshortening"] >= 0.12
        assert short.sizes["lv_length_cm"] < short.sizes["lv_diameter_cm"] * 2.4
    assert math.isclose(plain.sizes["foreshortening"], 0)


def test_the_walls_leave_the_valves_free_and_thin_at_the_apex():
    for heart in hearts("A4C"):
        lv = heart.cavities[Tissue.LV]
        along = (lv.outline - heart.apex) @ heart.axis / heart.length
        ring = (heart.leaflets[0].hinge + heart.leaflets[1].hinge) / 2
        orifice = (lv.outline - ring).norm(dim=1) < 0.5
        middle = (along > 0.4) & (along < 0.75)
        assert (lv.wall_cm[orifice] == 0).all()
        assert lv.wall_cm[along < 0.05].mean() < 0.8 * lv.wall_cm[middle].mean()
