"""Lesions: where they lie, how large and bright they are, and that nothing else changes with them."""

import json
from dataclasses import dataclass

import pytest
import torch

from echogan.phantom.anatomy.heart import VIEWS, Heart, View
from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw
from echogan.phantom.fields import Fields
from echogan.phantom.lesions import (
    CARRIED_BY,
    LESIONS,
    LEVELS_DB,
    SIZES_CM,
    Lesion,
    LesionKind,
    alter,
    area_on,
    brighten,
    draw_lesion,
    stalk_discs,
    vegetation_discs,
)  # fmt: skip
from echogan.phantom.lesions.paint import BEYOND_CM, EDGE_CM
from echogan.phantom.medium.echogenicity import EchogenicitySettings, echogenicity
from echogan.phantom.medium.raster import Raster, rasterise
from echogan.phantom.medium.scatterers import reference_beams
from echogan.phantom.tissues import FLUID, Tissue

SEEDS = 50
CARRIED = [(kind, view) for kind in LESIONS for view in CARRIED_BY[kind]]


@dataclass(frozen=True)
class Case:
    """A heart with a lesion on the reference grid, before and after."""

    heart: Heart
    lesion: Lesion
    before: Raster
    after: Raster
    mask: torch.Tensor


_hearts: dict[tuple[View, int], tuple[Heart, Raster]] = {}


def heart_of(view: View, seed: int) -> tuple[Heart, Raster]:
    if (view, seed) not in _hearts:
        heart = draw_heart(view, Draw(seed))
        _hearts[view, seed] = heart, rasterise(heart, reference_beams(Beams(0.65, 16.0)), Draw(seed + 1))
    return _hearts[view, seed]


def cases(kind: LesionKind, view: View, on_map: bool = True) -> list[Case]:
    """Up to three lesions of a kind; `on_map`: such as are painted on the reference map."""
    found = []
    for seed in range(30):
        heart, raster = heart_of(view, 40 + seed % 3)
        lesion = draw_lesion(Draw(700 + seed), heart, kind)
        if lesion is not None and (not lesion.mobile or not on_map):
            found.append(Case(heart, lesion, raster, *alter(lesion, raster)))
        if len(found) == 3:
            break
    assert found, f"no {kind} in {view}"
    return found


def shoelace(polygon: torch.Tensor) -> float:
    (x, z), (u, w) = polygon.double().T, polygon.double().roll(-1, 0).T
    return abs(float((x * w - u * z).sum())) / 2


def gap_to(points: torch.Tensor, outline: torch.Tensor) -> float:
    return float(torch.cdist(points, outline).min())


def level_of(case: Case, raster: Raster) -> torch.Tensor:
    draw = Draw(9)
    fields = Fields(draw, raster.points)
    return echogenicity(draw, case.heart, raster, fields, EchogenicitySettings())[0]


def test_every_kind_has_a_view_and_every_view_a_lesion():
    assert set(CARRIED_BY) == set(LESIONS)
    assert {view for views in CARRIED_BY.values() for view in views} == set(VIEWS)


@pytest.mark.parametrize("kind", LESIONS)
def test_a_view_that_cannot_carry_it_gets_none(kind):
    for view in set(VIEWS) - set(CARRIED_BY[kind]):
        assert draw_lesion(Draw(0), draw_heart(view, Draw(1)), kind) is None


@pytest.mark.parametrize(("kind", "view"), CARRIED)
def test_sizes_levels_and_truth_over_many_seeds(kind, view):
    (low, high), (dark, bright) = SIZES_CM[kind], LEVELS_DB[kind]
    sizes = []
    for seed in range(SEEDS):
        lesion = draw_lesion(Draw(seed), heart_of(view, 40 + seed % 3)[0], kind)
        if lesion is None:
            continue
        assert low - 1e-3 <= lesion.size_cm[0] <= high + 1e-3
        assert dark <= lesion.level_db <= bright
        truth = json.loads(json.dumps(lesion.truth()))
        assert truth["kind"] == kind
        assert truth["size_cm"][0] == pytest.approx(lesion.size_cm[0], abs=1e-3)
        sizes.append(lesion.size_cm[0])
    assert len(sizes) > 0.7 * SEEDS
    assert max(sizes) - min(sizes) > 0.4 * (high - low)


@pytest.mark.parametrize(("kind", "view"), CARRIED)
def test_one_seed_gives_one_lesion(kind, view):
    heart, raster = heart_of(view, 40)
    one, two = (draw_lesion(Draw(3), heart, kind) for _ in range(2))
    if one is None or two is None:
        assert one is two
        return
    assert one.truth() == two.truth()
    assert torch.equal(alter(one, raster)[1], alter(two, raster)[1])
    other = draw_lesion(Draw(4), heart, kind)
    assert other is None or other.truth() != one.truth()


@pytest.mark.parametrize("view", CARRIED_BY["thrombus"])
def test_thrombus_sits_on_a_wall_inside_its_cavity(view):
    found = cases("thrombus", view)
    assert found
    for case in found:
        _solid_on_a_wall(case, (Tissue.LV, Tissue.LA))


@pytest.mark.parametrize("view", CARRIED_BY["mass"])
def test_mass_sits_on_a_wall_inside_its_cavity(view):
    found = cases("mass", view)
    assert found
    for case in found:
        _solid_on_a_wall(case, (Tissue.LV, Tissue.LA, Tissue.RA))


def _solid_on_a_wall(case: Case, where: tuple[Tissue, ...]) -> None:
    lesion, cavity = case.lesion, case.lesion.cavity
    assert cavity is not None
    assert cavity in where
    assert lesion.outline is not None
    drawn = shoelace(lesion.outline)
    assert lesion.area_cm2 == pytest.approx(drawn, rel=1e-3)
    assert float(area_on(case.after, case.mask)) == pytest.approx(drawn, rel=0.05, abs=0.02)
    assert (case.after.labels[case.mask] == Tissue.LESION).all()
    # Sunk by half a millimetre into a wall that is uneven by one more.
    in_cavity = case.before.distance[cavity][case.mask] < 0.25
    assert float(in_cavity.float().mean()) > 0.98
    assert gap_to(lesion.outline, case.heart.cavities[cavity].outline) < 0.1
    assert case.before.distance[cavity][case.mask].min() < -0.15


def test_a_thrombus_is_found_at_the_apex():
    for case in cases("thrombus", "A4C") + cases("thrombus", "A2C"):
        if case.lesion.place == "LV apex":
            assert case.lesion.outline is not None
            assert float((case.lesion.outline.mean(0) - case.heart.apex).norm()) < 2.5
            return
    raise AssertionError("no thrombus at the apex in any of the cases")


@pytest.mark.parametrize("view", CARRIED_BY["septal-defect"])
def test_a_defect_joins_two_cavities(view):
    for case in cases("septal-defect", view):
        lesion = case.lesion
        assert lesion.cavity is not None
        assert lesion.neighbour is not None
        wall = ~case.before.inside(*FLUID)
        assert not (case.mask & ~wall).any()
        assert case.after.inside(lesion.cavity, lesion.neighbour)[case.mask].all()
        assert lesion.area_cm2 is not None
        assert 0.5 < float(area_on(case.after, case.mask)) / lesion.area_cm2 < 1.7
        assert _joined(case.after, lesion.cavity, lesion.neighbour, case.mask)


def _joined(raster: Raster, one: Tissue, other: Tissue, mask: torch.Tensor) -> bool:
    """Whether fluid leads from one cavity to the other through the hole: flooded on the grid."""
    free = raster.inside(one, other).float()
    near = torch.nn.functional.max_pool2d(mask.float()[None, None], 13, 1, 6)[0, 0] > 0
    far = {name: raster.distance[name] < -0.25 for name in (one, other)}
    flood = free * far[one]
    for _ in range(80):
        spread = torch.nn.functional.max_pool2d(flood[None, None], 3, 1, 1)[0, 0]
        flood = torch.maximum(flood, spread * free * (near | far[one]))
    return bool((flood * near * (raster.distance[other] < 0)).any())


@pytest.mark.parametrize("view", CARRIED_BY["effusion"])
def test_effusion_lies_outside_the_heart_within_its_depth(view):
    for case in cases("effusion", view):
        deepest, effusion = case.lesion.size_cm[0], case.lesion.effusion
        assert effusion is not None
        away = case.before.heart[case.mask]
        assert float(away.min()) >= 0
        assert 0.5 * deepest < float(away.max()) <= deepest
        assert (case.after.labels[case.mask] == Tissue.EFFUSION).all()
        # The pericardium has moved to the far side of the fluid.
        assert float(case.after.heart[case.mask].max()) < 0
        side = (case.before.points - effusion.centre) @ effusion.side
        depth = case.before.heart - case.after.heart
        if case.heart.view not in ("A4C", "A2C"):
            here, there = (float((depth * case.mask)[place].max()) for place in (side > 1.5, side < -1.5))
            assert here > there
        everywhere = case.before.labels != case.after.labels
        allowed = case.mask | (case.after.labels == Tissue.PERICARDIUM)
        assert not (everywhere & ~allowed).any()


@pytest.mark.parametrize(("kind", "view"), [pair for pair in CARRIED if pair[0] != "vegetation"])
def test_nothing_else_changes(kind, view):
    case = cases(kind, view)[0]
    control = level_of(case, case.before)
    level = brighten(case.lesion, case.after, case.mask, level_of(case, case.after))
    if kind == "effusion":
        moved = case.before.heart - case.after.heart
        untouched = moved == 0
        assert untouched[case.before.heart > case.lesion.size_cm[0] + BEYOND_CM].all()
        # Normals come from a smoothed distance: leave out a few samples around.
        touched = torch.nn.functional.max_pool2d((~untouched).float()[None, None], 25, 1, 12)[0, 0] > 0
        assert float(touched.float().mean()) < 0.8
    else:
        around = _within(case, EDGE_CM)
        touched = case.mask | (around if kind == "septal-defect" else torch.zeros_like(case.mask))
        assert torch.equal(case.before.labels[~case.mask], case.after.labels[~case.mask])
    assert torch.allclose(level[~touched], control[~touched], atol=1e-3)


def _within(case: Case, reach: float) -> torch.Tensor:
    assert case.lesion.outline is not None
    points = case.before.points.reshape(-1, 2)
    start, end = case.lesion.outline, case.lesion.outline.roll(-1, 0)
    dense = torch.cat([start + share * (end - start) for share in torch.linspace(0, 0.95, 20)])
    return (torch.cdist(points, dense).amin(1) < reach + 0.03).view(case.mask.shape)


@pytest.mark.parametrize("kind", ["thrombus", "mass"])
def test_solid_lesions_have_the_level_that_the_truth_says(kind):
    for case in cases(kind, "A4C"):
        level = brighten(case.lesion, case.after, case.mask, torch.zeros(case.mask.shape))
        assert float(level[case.mask].mean()) == pytest.approx(case.lesion.level_db, abs=0.05)
        assert 0.8 < float(level[case.mask].std()) < 8


def test_the_edges_of_a_defect_shine():
    case = cases("septal-defect", "PLAX")[0]
    level = brighten(case.lesion, case.after, case.mask, torch.zeros(case.mask.shape))
    assert 3 < float(level.max()) <= 7
    assert float(level[case.mask].abs().max()) == 0


@pytest.mark.parametrize("view", CARRIED_BY["vegetation"])
def test_a_vegetation_rides_on_its_leaflet(view):
    for case in cases("vegetation", view, on_map=False):
        assert not case.mask.any()
        assert case.after is case.before
        curves = waving(case.heart, frames=24)
        discs = vegetation_discs(case.lesion, curves, 40.0)
        assert discs is not None
        assert case.lesion.leaflet is not None
        line, length = curves[:, case.lesion.leaflet], case.lesion.size_cm[0]
        for frame in range(24):
            reach = (torch.cdist(discs[frame, :, :2], line[frame]).amin(1) + discs[frame, :, 2]).max()
            assert float(reach) < length + 0.3
            root = (discs[frame, :, :2] - line[frame, -1 if view != "PSAX-MV" else 24]).norm(dim=-1)
            assert float((root - discs[frame, :, 2]).min()) < (0.3 if view != "PSAX-MV" else 1.5)
        # It moves against its leaflet, or it would not be mobile.
        way = line[:, -1] - line[:, -9] if view != "PSAX-MV" else line[:, 24] - line[:, 16]
        own = discs[:, -1, :2] - discs[:, 0, :2]
        turn = torch.atan2(own[:, 1], own[:, 0]) - torch.atan2(way[:, 1], way[:, 0])
        rest = vegetation_discs(case.lesion, curves[:1].expand(24, -1, -1, -1), 40.0)
        assert rest is not None
        assert float(torch.sin(turn - turn[0]).abs().max()) > 0.1
        assert float((rest - rest[0]).abs().max()) > 0.03


def waving(heart: Heart, frames: int) -> torch.Tensor:
    """Leaflets that open and close once: (frames, leaflets, 48, 2)."""
    share = torch.linspace(0, 1, 48)[:, None]
    opening = 0.5 - 0.5 * torch.cos(torch.arange(frames) / frames * 6.283)
    curves = []
    for leaflet in heart.leaflets:
        tip = leaflet.closed + opening[:, None] * (leaflet.opened - leaflet.closed)
        curves.append(leaflet.hinge + share * (tip[:, None] - leaflet.hinge))
    return torch.stack(curves, 1)


def test_what_hangs_on_a_stalk_stays_at_its_root():
    found = 0
    for seed in range(60):
        heart, _ = heart_of("A4C", 40)
        lesion = draw_lesion(Draw(seed), heart, "mass" if seed % 2 else "thrombus")
        if lesion is None or lesion.root is None:
            continue
        found += 1
        way = 0.6 * torch.sin(torch.arange(20) / 20 * 6.283)[:, None] * torch.tensor([0.0, 1.0])
        roots = lesion.root + way
        discs = stalk_discs(lesion, roots, 40.0)
        assert discs is not None
        apart = (discs[..., :2] - roots[:, None]).norm(dim=-1)
        assert float((apart - discs[..., 2]).amin(1).max()) < 0
        assert float((apart + discs[..., 2]).max()) < 1.3 * lesion.size_cm[0]
        assert vegetation_discs(lesion, waving(heart, 20)) is None
    assert found > 5


def test_the_disc_area_is_that_of_their_union():
    case = next(c for c in cases("vegetation", "A4C", on_map=False))
    assert case.lesion.swing is not None
    discs = case.lesion.swing.discs
    inside = torch.rand(200_000, 2, generator=torch.Generator().manual_seed(0)) * 5 - 2.5
    share = (torch.cdist(inside, discs[:, :2]) < discs[:, 2]).any(1).float().mean()
    assert case.lesion.area_cm2 == pytest.approx(float(share) * 25, rel=0.05)
