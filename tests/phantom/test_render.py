"""Whole clips: one seed one clip, pairs and controls of one heart, black outside the fan, truth to be measured."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from echogan.core.geometry import Fan
from echogan.phantom.acoustics.probe import AcousticSettings
from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.artefacts.degradation import (
    ARTEFACTS,
    Degradation,
    DegradationSettings,
    Shadow,
    draw_degradation,
    only,
)
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.draw import Draw
from echogan.phantom.lesions import CARRIED_BY, LESIONS
from echogan.phantom.render import Phantom, draw_view, phantom_clip, phantom_pair
from echogan.phantom.tissues import Tissue

torch.set_num_threads(1)
ALL = ("clean", "degraded", "labels", "support")
KINDS = ("clean", "degraded", "labels", "lesion_mask", "support", "sector_mask")
LESION_VALUES = {int(Tissue.LESION), int(Tissue.EFFUSION)}


@pytest.fixture(scope="module")
def phantom():
    return Phantom("A4C", 11, frames=10)


@pytest.fixture(scope="module")
def clip(phantom):
    return phantom.render(want=ALL)


def degraded(phantom, degradation):
    return phantom.render(degradation=degradation, want=("degraded", "support"))


def test_a_clip_has_its_frames_labels_and_truth(clip):
    for name in ("clean", "degraded", "labels", "support"):
        frames = getattr(clip, name)
        assert frames.shape == (10, 256, 256)
        assert frames.dtype == torch.uint8
    assert clip.lesion_mask.dtype == clip.sector_mask.dtype == torch.bool
    assert not clip.lesion_mask.any()
    assert (clip.truth["seed"], clip.truth["view"]) == (11, "A4C")
    chambers = {int(t) for t in (Tissue.LV, Tissue.MYOCARDIUM, Tissue.LA, Tissue.RV, Tissue.RA)}
    assert chambers <= set(clip.labels.unique().tolist())


def test_one_seed_gives_one_clip_and_another_seed_another(clip):
    again = Phantom("A4C", 11, frames=10).render(want=ALL)
    for name in KINDS:
        assert torch.equal(getattr(again, name), getattr(clip, name)), name
    assert again.truth == clip.truth
    other = Phantom("A4C", 12, frames=10).render(want=("clean",))
    assert not torch.equal(other.clean, clip.clean)


@pytest.mark.parametrize(
    "want", [("clean",), ("degraded",), ("support",), ("labels",), ("degraded", "labels")]
)
def test_what_is_wanted_does_not_change_what_is_rendered(clip, want):
    some = Phantom("A4C", 11, frames=10).render(want=want)
    for name in ALL:
        if name in want:
            assert torch.equal(getattr(some, name), getattr(clip, name)), name
        else:
            assert getattr(some, name) is None


def test_nothing_is_painted_outside_the_fan(clip):
    for name in ("clean", "degraded", "labels", "support"):
        assert getattr(clip, name)[:, ~clip.sector_mask].max() == 0, name


def test_the_mask_is_the_fan_that_is_told(clip):
    apex_x, apex_y, left, right, r_min, r_max = clip.fan
    told = Fan((apex_x, apex_y), left, right, r_min, r_max).mask(256, 256)
    assert np.mean(told != clip.sector_mask.numpy()) < 2e-3


@pytest.mark.parametrize("kind", ["curved", "flat"])
def test_curved_and_flat_probes_have_a_wide_top(kind):
    acoustics = AcousticSettings(curved_chance=float(kind == "curved"), flat_chance=float(kind == "flat"))
    settings = PhantomSettings(acoustics=acoustics)
    probe = Phantom("A4C", 4, settings, frames=1)
    made = probe.render()
    mask = made.sector_mask.numpy()
    rows = np.flatnonzero(mask.any(1))
    highest = np.flatnonzero(mask[rows[0] + 1])
    spacing = probe.scan.spacing_mm / 10
    x, y, _, right, r_min, r_max = made.fan
    # The width of the face, from the fan's own numbers: a chord of the arc, or the whole flat side.
    face = 2 * r_min * np.tan(np.radians(right)) if kind == "flat" else 0
    if kind == "flat":
        assert abs(np.ptp(highest) + 1 - face) < 4
    else:
        told = Fan((x, y), -right, right, r_min, r_max).mask(256, 256)
        assert np.mean(told != mask) < 3e-3
        assert r_min * spacing > 0.7
    # Everything between the sides is filled, down to the bottom.
    middle = mask[:, round(x)]
    assert middle[int(y + r_min) + 2 : rows[-1]].all()
    assert made.clean[0][made.sector_mask].float().std() > 10


def test_clean_and_degraded_show_one_heart(phantom, clip):
    undegraded = degraded(phantom, Degradation()).degraded.float()
    inside, clean = clip.sector_mask, clip.clean.float()
    other = Phantom("A4C", 12, frames=10).render(want=("clean",)).clean.float()

    def alike(a, b):
        return float(np.corrcoef(a[:, inside].flatten(), b[:, inside].flatten())[0, 1])

    assert alike(clean, undegraded) > 0.9
    assert alike(clean, clip.degraded.float()) > alike(clean, other) + 0.2


def test_support_is_whole_without_degradation_and_gone_in_a_shadow(phantom, clip):
    none = degraded(phantom, Degradation())
    inside = none.sector_mask
    assert (none.support[:, inside] == 255).float().mean() > 0.99
    shaded = degraded(phantom, Degradation(shadows=(Shadow(0.0, 0.3, 60.0, 1.0),)))
    x, y, _, _, _, r_max = clip.fan
    deep, column = int(y + 0.8 * r_max), round(x)
    assert shaded.support[:, deep, column].max() < 5
    behind = np.s_[:, deep - 8 : deep + 9, column - 8 : column + 9]  # noise at most is left there
    assert shaded.degraded[behind].float().mean() < 0.8 * none.degraded[behind].float().mean()
    side = round(x - 0.75 * np.tan(np.radians(clip.fan[3])) * 0.8 * r_max)
    assert shaded.support[:, deep, side].min() > 250


def test_neighbouring_frames_are_more_alike_than_distant_ones():
    frames = Phantom("A4C", 5, frames=16).render(want=("clean",))
    x = frames.clean[:, frames.sector_mask].float()
    x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
    alike = (x @ x.T / x.shape[1]).numpy()
    near = np.mean([alike[t, t + 1] for t in range(15)])
    far = np.mean([alike[t, t + 8] for t in range(8)])
    assert 0.99 > near > far + 0.03


def test_held_frames_repeat(phantom):
    held = degraded(phantom, Degradation(frame_hold=3))
    for frames in (held.degraded, held.support):
        assert torch.equal(frames[0], frames[2])
    assert torch.equal(held.degraded[6], held.degraded[8])  # across the frames rendered together
    assert not torch.equal(held.degraded[2], held.degraded[3])


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_renders_with_its_labels_bright_walls_and_plain_truth(view):
    made = phantom_clip(21, frames=2, want=ALL, view=view)
    clean, labels = made.clean.float(), made.labels
    assert clean[labels == Tissue.MYOCARDIUM].mean() > 1.5 * clean[labels == Tissue.LV].mean()
    assert made.truth["view"] == view
    text = json.dumps(made.truth, allow_nan=False)
    assert json.dumps(json.loads(text)) == text


COMPANIONS = {"near_clutter_reach_cm", "reverberation_cm", "edge_from", "noise_slope_db", "pattern_seed"}


@pytest.fixture(scope="module")
def still():
    """A heart, and its frames as the degraded receiver shows them where nothing degrades."""
    phantom = Phantom("A4C", 8, frames=4)
    return phantom, degraded(phantom, Degradation()).degraded.float()


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_every_artefact_changes_the_picture_alone(still, artefact):
    phantom, plain = still
    degradation = draw_degradation(Draw(5), only(DegradationSettings(), artefact))
    given = {name for name, value in degradation.to_json().items() if value not in (None, ())} - COMPANIONS
    assert len(given) == 1
    # A shadow or an edge may be drawn outside the fan or faint: these are given where they show.
    sure = {
        "shadow": {"shadows": (Shadow(0.0, 0.3, 25.0, 1.0),)},
        "edge_loss": {"edge_loss_db": (20.0, 20.0)},
    }
    poor = degraded(phantom, dataclasses.replace(degradation, **sure.get(artefact, {})))
    change = (poor.degraded.float() - plain).abs()[:, poor.sector_mask]
    assert change.mean() > 0.1
    assert change.max() >= 2
    assert poor.degraded[:, poor.sector_mask].float().std() > 5


@pytest.mark.parametrize("seed", range(40, 46))
def test_drawn_degradations_show_something(seed):
    made = phantom_clip(seed, frames=1, want=("degraded",))
    grey = made.degraded[0][made.sector_mask].float()
    assert 9 < grey.mean() < 126
    assert grey.std() > 13


def with_lesion(kind, view):
    """The first heart that carries the lesion, with its control."""
    for seed in range(30, 60):
        ill = Phantom(view, seed, frames=3, lesion=kind)
        if ill.lesion is not None:
            return ill, Phantom(view, seed, frames=3)
    raise AssertionError(f"no heart in {view} carries a lesion of the kind {kind}")


@pytest.mark.parametrize(("kind", "view"), [(kind, CARRIED_BY[kind][0]) for kind in LESIONS])
def test_a_lesion_is_marked_and_its_control_is_the_same_elsewhere(kind, view):
    ill, healthy = with_lesion(kind, view)
    one, other = ill.render(want=("clean", "labels")), healthy.render(want=("clean", "labels"))
    assert one.lesion_mask.flatten(1).any(1).all()
    assert not other.lesion_mask.any()
    assert one.truth["lesion"]["kind"] == kind
    assert "lesion" not in other.truth
    if kind != "septal-defect":
        assert set(one.labels[one.lesion_mask].unique().tolist()) <= LESION_VALUES
    changed = one.labels != other.labels
    # The labels differ at the lesion and nowhere else; an effusion pushes the pericardium outwards.
    reach = near(one.lesion_mask, 1.0, ill.scan.spacing_mm)
    assert changed[reach].any()
    if kind == "effusion":
        return
    assert changed[~reach].float().mean() < 1e-3
    away = ~reach & one.sector_mask
    difference = (one.clean.float() - other.clean.float()).abs()
    assert difference[away].mean() < 1.5
    assert difference[one.lesion_mask].mean() > 5 * difference[away].mean()


def near(mask, distance_cm, spacing_mm):
    """Pixels within a distance of a mask (T, H, W)."""
    radius = round(10 * distance_cm / spacing_mm)
    at = torch.arange(-radius, radius + 1)
    disc = ((at[:, None] ** 2 + at[None] ** 2) <= radius**2).float()
    return torch.nn.functional.conv2d(mask[:, None].float(), disc[None, None], padding=radius)[:, 0] > 0.5


@pytest.mark.parametrize("view", VIEWS)
def test_the_cavity_on_the_labels_has_the_area_that_the_truth_tells(view):
    """Labels cut papillary muscles, chords and leaflets out of the cavity: these count as cavity, as readers do."""
    checked = 0
    for seed in range(60, 66):
        phantom = Phantom(view, seed, frames=8)
        made = phantom.render(want=("labels",))
        if not made.truth["in_view"]["LV"]:
            continue
        pixel_cm2 = (phantom.scan.spacing_mm / 10) ** 2
        measured = [pixel_cm2 * filled(frame) for frame in made.labels.numpy()[::7]]
        told = made.truth["lv_area_cm2"][::7]
        assert measured == pytest.approx(told, rel=0.05), seed
        checked += 1
        if checked == 2:
            return
    assert checked, "no heart lies wholly in the fan"


def filled(labels: np.ndarray) -> int:
    """Pixels of the left ventricle, with the papillary muscles and the valves that lie within it."""
    import cv2

    cavity = np.isin(labels, (Tissue.LV, Tissue.PAPILLARY)).astype(np.uint8)
    closed = cv2.morphologyEx(cavity, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return int(((closed > 0) & np.isin(labels, (Tissue.LV, Tissue.PAPILLARY, Tissue.VALVE))).sum())


def test_a_seed_draws_its_view_by_the_shares():
    settings = PhantomSettings(view_shares=(0.0, 0.0, 1.0, 0.0, 3.0))
    views = [draw_view(seed, settings) for seed in range(400)]
    assert set(views) == {"PLAX", "PSAX-MV"}
    assert 0.17 < views.count("PLAX") / 400 < 0.33


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA: rendering on a GPU is not tested")
def test_a_gpu_renders_the_same_clip_and_keeps_it():
    wanted = {"frames": 4, "want": ALL, "view": "PLAX"}
    here, there = phantom_clip(3, **wanted), phantom_clip(3, device="cuda", **wanted)
    for name in KINDS:
        assert getattr(there, name).device.type == "cuda"
    off = (here.clean.int() - there.clean.cpu().int()).abs()
    assert (off > 2).float().mean() < 1e-3


def test_hearts_of_distant_seeds_differ():
    """65,536 apart, a thousand million apart: what is held out by its seed must be another heart."""
    small = PhantomSettings(frame=FrameSettings(size=64))
    seeds = (7, 7 + 65_536, 7 + 65_536 * 15_000)
    first, *others = [phantom_clip(seed, small, 1, want=("clean",), view="A4C").clean for seed in seeds]
    assert first is not None
    for other in others:
        assert other is not None
        assert not torch.equal(first, other)


@pytest.mark.parametrize("seed", [2, 5])
def test_a_pair_carries_its_lesion_in_poor_clip_and_clear_truth_alike(seed):
    """The settings' share puts the same lesion before both acquisitions, and each shows it against its control."""
    ill, well = (PhantomSettings(lesion_share=share) for share in (1.0, 0.0))
    want = ("clean", "degraded", "labels")
    pair, control = (phantom_pair(seed, settings, 2, want=want, view="A4C") for settings in (ill, well))
    told = pair.truth["lesion"]
    assert "lesion" not in control.truth
    assert pair.lesion_mask.any()
    kind = told["kind"]
    assert Phantom("A4C", seed, frames=2, lesion=kind).lesion.truth() == told
    for name in ("clean", "degraded"):
        change = (getattr(pair, name).float() - getattr(control, name).float()).abs()
        assert change[pair.lesion_mask].mean() > 2 * change[~pair.lesion_mask & pair.sector_mask].mean(), name


def test_a_share_of_seeds_has_a_lesion_of_a_kind_that_its_view_carries():
    settings = PhantomSettings(lesion_share=0.5)
    drawn = [Phantom(draw_view(seed, settings), seed, settings, 1) for seed in range(40)]
    kinds = [phantom.lesion.kind for phantom in drawn if phantom.lesion is not None]
    assert 10 <= len(kinds) <= 30
    assert len(set(kinds)) >= 4
    assert all(p.view in CARRIED_BY[p.lesion.kind] for p in drawn if p.lesion is not None)
