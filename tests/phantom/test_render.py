"""Whole clips: shapes, sameness from one seed, black outside the fan, pairs of one heart, degradations that degrade."""

import dataclasses

import numpy as np
import pytest
import torch

from echogan.geometry import Fan
from echogan.phantom.anatomy import Tissue
from echogan.phantom.artefacts import ArtefactSettings, Degradation, loss_db
from echogan.phantom.render import BRIGHTEST, DARKEST, FLATTEST, Phantom, phantom_clip


@pytest.fixture(scope="module")
def phantom():
    return Phantom(11, frames=6)


@pytest.fixture(scope="module")
def clip(phantom):
    return phantom.render()


def test_a_clip_has_its_frames_labels_and_truth(clip):
    for frames in (clip.clean, clip.degraded, clip.labels):
        assert frames.shape == (6, 256, 256)
        assert frames.dtype == torch.uint8
    assert clip.sector_mask.shape == (256, 256)
    assert clip.truth["seed"] == 11
    assert {int(Tissue.LV), int(Tissue.MYOCARDIUM), int(Tissue.LA)} <= set(clip.labels.unique().tolist())


def test_one_seed_gives_one_clip_and_another_seed_another(clip):
    again = phantom_clip(11, frames=6)
    assert torch.equal(again.clean, clip.clean)
    assert torch.equal(again.degraded, clip.degraded)
    assert not torch.equal(phantom_clip(12, frames=6, want=("clean",)).clean, clip.clean)


def test_what_is_not_wanted_is_not_rendered(phantom, clip):
    only = phantom.render(("clean",))
    assert only.degraded is None
    assert only.labels is None
    assert torch.equal(only.clean, clip.clean)


def test_nothing_is_painted_outside_the_fan(clip):
    for frames in (clip.clean, clip.degraded, clip.labels):
        assert frames[:, ~clip.sector_mask].max() == 0


def test_the_mask_is_the_fan_that_is_told(clip):
    apex_x, apex_y, left, right, r_min, r_max = clip.fan
    told = Fan((apex_x, apex_y), left, right, r_min, r_max).mask(256, 256)
    assert np.mean(told != clip.sector_mask.numpy()) < 2e-3


def test_walls_are_brighter_than_blood_where_labels_say_so(clip):
    clean, labels = clip.clean.float(), clip.labels
    assert clean[labels == Tissue.MYOCARDIUM].mean() > 1.8 * clean[labels == Tissue.LV].mean()


def test_the_heart_moves(clip):
    moved = (clip.labels[0] != clip.labels[-1])[clip.sector_mask].float().mean()
    assert moved > 0.005


def test_degraded_frames_are_further_from_clean_than_another_noise_would_be(phantom, clip):
    inside = clip.sector_mask
    plain = phantom._degraded(Degradation(dynamic_range_db=phantom.acquisition.dynamic_range_db), 6)
    error = (clip.degraded.float() - clip.clean.float())[:, inside].square().mean()
    mild = (plain.float() - clip.clean.float())[:, inside].square().mean()
    assert error > mild


@pytest.mark.parametrize("seed", range(40, 46))
def test_degraded_frames_show_something(seed):
    clip = phantom_clip(seed, frames=1, want=("degraded",))
    grey = clip.degraded[0][clip.sector_mask].float()
    assert DARKEST - 1 < grey.mean() < BRIGHTEST + 1
    assert grey.std() > FLATTEST - 1


def test_haze_fills_the_blood_and_shadow_darkens_its_beams(phantom):
    labels = phantom.render(("labels",)).labels[:1]
    base = Degradation(pattern_seed=4)
    bare = phantom._degraded(base, 1).float()
    hazy = phantom._degraded(dataclasses.replace(base, haze_db=-8.0), 1).float()
    assert hazy[labels == Tissue.LV].mean() > bare[labels == Tissue.LV].mean() + 15
    from echogan.phantom.artefacts import Shadow

    shaded = dataclasses.replace(base, shadows=(Shadow(0.0, 0.3, 25.0, 1.0),))
    loss = loss_db(shaded, phantom.acquisition)
    assert loss[-1, 64] > 24
    assert loss[-1, 0] < 0.1
    assert phantom._degraded(shaded, 1).float().mean() < bare.mean()


def test_held_frames_repeat(phantom):
    held = phantom._degraded(Degradation(held_frames=3), 6)
    assert torch.equal(held[0], held[2])
    assert not torch.equal(held[2], held[3])


def test_settings_reach_the_artefacts():
    nothing = ArtefactSettings(
        haze_chance=0, noise_chance=0, drop_chance=0, shadow_chance=0, clutter_chance=0, attenuation_chance=0,
        aberration_chance=0,
    )  # fmt: skip
    from echogan.phantom.render import PhantomSettings

    drawn = Phantom(3, PhantomSettings(artefacts=nothing), frames=1).degradation
    assert drawn.haze_db is None
    assert drawn.noise_db is None
    assert drawn.shadows == ()
    assert drawn.clutter_db is None
