"""The truth of a clip against label maps that this file draws and measures by itself (point in polygon, distances)."""

import json
import math
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree
from skimage.draw import polygon

from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw
from echogan.phantom.motion.beating import MotionSettings, displacement, draw_motion
from echogan.phantom.tissues import Tissue
from echogan.phantom.truth import clip_truth

SEEDS = range(20)
CELL, LEFT, TOP, ROWS, COLUMNS = 0.05, -13.0, -3.0, 480, 520  # cm; cells


@cache
def clip(view, seed, frames=16):
    draw = Draw(seed)
    heart = draw_heart(view, draw)
    motion = draw_motion(draw, heart, MotionSettings(), frames)
    return heart, motion, clip_truth(heart, motion)


def mask(outline) -> np.ndarray:
    """The cells inside an outline in cm: bool (ROWS, COLUMNS)."""
    cells = (np.asarray(outline, float) - [LEFT, TOP]) / CELL - 0.5
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[polygon(cells[:, 1], cells[:, 0], inside.shape)] = True
    return inside


def places(cells: np.ndarray) -> np.ndarray:
    """Centres in cm of the cells of a mask: (n, 2), x and z."""
    rows, columns = np.nonzero(cells)
    return np.stack([LEFT + (columns + 0.5) * CELL, TOP + (rows + 0.5) * CELL], 1)


def slices(cells: np.ndarray, axis: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Widths in cm of a mask along `count` lines across an axis, and its length in cm."""
    along = places(cells) @ axis
    low, high = along.min() - CELL / 2, along.max() + CELL / 2
    heights = low + (np.arange(count) + 0.5) / count * (high - low)
    across, fine = np.array([axis[1], -axis[0]]), np.arange(-16, 16, 0.02)
    points = heights[:, None, None] * axis + fine[:, None] * across
    columns, rows = np.moveaxis((points - [LEFT, TOP]) // CELL, -1, 0).astype(int)
    known = (rows >= 0) & (rows < ROWS) & (columns >= 0) & (columns < COLUMNS)
    seen = known & cells[rows.clip(0, ROWS - 1), columns.clip(0, COLUMNS - 1)]
    return seen.sum(1) * 0.02, high - low


def volume(cells: np.ndarray, axis: np.ndarray) -> float:
    widths, length = slices(cells, axis, 20)
    return float(np.pi / 4 * (widths**2).sum() * length / 20)


def at_level(heart, motion, tissue, level):
    outline = heart.cavities[tissue].outline
    return mask(outline + level * displacement(heart, motion, outline))


@pytest.mark.parametrize("view", VIEWS)
def test_areas_volumes_and_ejection_fraction(view):
    for seed in SEEDS:
        heart, motion, truth = clip(view, seed)
        axis = heart.axis.numpy()
        cells = [at_level(heart, motion, Tissue.LV, float(motion.contraction[f])) for f in (0, 7, 15)]
        for frame, lv in zip((0, 7, 15), cells, strict=True):
            assert truth["lv_area_cm2"][frame] == pytest.approx(lv.sum() * CELL**2, rel=0.02)
            if "lv_volume_ml" in truth:
                assert truth["lv_volume_ml"][frame] == pytest.approx(volume(lv, axis), rel=0.05)
                assert truth["lv_length_cm"][frame] == pytest.approx(slices(lv, axis, 20)[1], rel=0.03)
        rest, systole = (at_level(heart, motion, Tissue.LV, level) for level in (0.0, 1.0))
        if view in ("A4C", "A2C"):
            fraction = 1 - volume(systole, axis) / volume(rest, axis)
        elif view == "PLAX":
            before, after = (plax_diameter(m, axis) for m in (rest, systole))
            fraction = 1 - (after**3 / (2.4 + after)) / (before**3 / (2.4 + before))
        else:
            change = 1 - systole.sum() / rest.sum()
            assert truth["fractional_area_change"] == pytest.approx(change, abs=0.02)
            fraction = 1 - (1 - change) * (1 - motion.shortening)
        assert truth["ejection_fraction"] == pytest.approx(fraction, rel=0.05)


def plax_diameter(cells, axis) -> float:
    widths, _ = slices(cells, axis, 100)
    return widths[68:78].mean()


@pytest.mark.parametrize("view", VIEWS)
def test_diameters_and_atria(view):
    for seed in SEEDS:
        heart, motion, truth = clip(view, seed)
        axis, sizes = heart.axis.numpy(), truth["sizes"]
        lv = at_level(heart, motion, Tissue.LV, 0.0)
        if view in ("A4C", "A2C"):
            assert sizes["lv_diameter_cm"] == pytest.approx(slices(lv, axis, 60)[0][15:54].max(), rel=0.03)
        elif view == "PLAX":
            assert sizes["lv_diameter_cm"] == pytest.approx(plax_diameter(lv, axis), rel=0.03)
        else:
            assert sizes["lv_diameter_cm"] == pytest.approx(
                2 * math.sqrt(lv.sum() * CELL**2 / math.pi), rel=0.02
            )
        if "rv_basal_cm" in sizes:
            widths, _ = slices(at_level(heart, motion, Tissue.RV, 0.0), axis, 60)
            assert sizes["rv_basal_cm"] == pytest.approx(widths[40:59].max(), rel=0.05)
        for tissue, name in ((Tissue.LA, "la"), (Tissue.RA, "ra")):
            if f"{name}_area_cm2" in sizes:
                for level, key in ((1.0, f"{name}_area_cm2"), (0.0, f"{name}_area_ed_cm2")):
                    found = at_level(heart, motion, tissue, level).sum() * CELL**2
                    assert sizes[key] == pytest.approx(found, rel=0.02)
                assert sizes[f"{name}_area_cm2"] == pytest.approx(heart.sizes[f"{name}_area_cm2"], rel=0.03)
        if view == "PLAX":
            ring = heart.apex.numpy() + heart.length * axis
            for name, tissue, at in (
                ("la_diameter_cm", Tissue.LA, 1.9), ("aorta_cm", Tissue.AORTA, 1.1),
                ("rv_outflow_cm", Tissue.RV, -0.16 * heart.length),
            ):  # fmt: skip
                cells = places(at_level(heart, motion, tissue, 0.0))
                level = np.abs((cells - ring) @ axis - at) < 0.08
                across = cells[level] @ np.array([axis[1], -axis[0]])
                assert sizes[name] == pytest.approx(np.ptp(across) + CELL, rel=0.05)


@pytest.mark.parametrize("view", VIEWS)
def test_wall_thickness_by_distance_transform(view):
    """The wall drawn as cells nearer to the cavity than the nearest vertex's thickness; its outer edge's distance."""
    for seed in range(10):
        heart, _, truth = clip(view, seed)
        lv = heart.cavities[Tissue.LV]
        cavity = mask(lv.outline)
        distance = distance_transform_edt(~cavity) * CELL
        rows, columns = np.mgrid[:ROWS, :COLUMNS]
        centres = np.stack([LEFT + (columns + 0.5) * CELL, TOP + (rows + 0.5) * CELL], -1)
        near = ~cavity & (distance < 3)
        _, nearest = cKDTree(lv.outline.numpy()).query(centres[near])
        wall = np.zeros_like(cavity)
        wall[near] = distance[near] < lv.wall_cm.numpy()[nearest]
        offset = centres - heart.apex.numpy()
        axis = heart.axis.numpy()
        if heart.length:
            share = offset @ axis / heart.length
            across = offset @ np.array([axis[1], -axis[0]]) * (-1 if view == "PLAX" else 1)
            level = (share > (0.5 if view == "PLAX" else 0.4)) & (share < (0.85 if view == "PLAX" else 0.75))
            sides = {"septum_cm": level & (across < 0), "lateral_cm": level & (across > 0)}
        else:
            angle = np.degrees(np.arctan2(offset[..., 1], offset[..., 0])) % 360
            sides = {"septum_cm": (angle > 160) & (angle < 240), "lateral_cm": (angle > 330) | (angle < 60)}
        for name, there in sides.items():
            # The wall's outermost cells lie as far from the cavity as it is thick.
            rim = wall & (distance_transform_edt(wall | cavity) <= 1.01) & there
            thickness = distance[rim].mean()
            assert truth["sizes"][name] == pytest.approx(thickness, rel=0.05), (seed, name)


@pytest.mark.parametrize("view", VIEWS)
def test_findings_agree_with_the_numbers(view):
    for seed in SEEDS:
        heart, _, truth = clip(view, seed)
        sizes, found = truth["sizes"], truth["findings"]
        assert found == heart.findings
        limits = {
            "LV": ("lv_diameter_cm", 5.8), "RA": ("ra_area_cm2", 18), "LA": ("la_area_cm2", 20),
            "RV": ("rv_basal_cm", 4.1),
        }  # fmt: skip
        if view == "PLAX":
            limits |= {"LA": ("la_diameter_cm", 4.0), "RV": ("rv_outflow_cm", 3.0)}
        for chamber, (name, limit) in limits.items():
            if chamber in found:
                assert (found[chamber] == "enlarged") == (sizes[name] > limit)
        assert (found["ejection_fraction"] == "normal") == (truth["ejection_fraction"] >= 0.53)


def test_truth_is_json_and_says_what_is_in_view():
    draw = Draw(2)
    heart = draw_heart("A4C", draw)
    motion = draw_motion(draw, heart, MotionSettings(), 12)
    wide = clip_truth(heart, motion, Beams(math.radians(80), 30))
    narrow = clip_truth(heart, motion, Beams(math.radians(10), 8))
    assert all(wide["in_view"].values())
    assert not any(narrow["in_view"].values())
    assert json.loads(json.dumps(wide)) == wide
    assert len(wide["lv_area_cm2"]) == len(wide["lv_volume_ml"]) == 12
