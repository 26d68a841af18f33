"""The map of places against distances by SciPy, and against the tissues and the support of the phantom."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from echogan.model.losses.contrast_losses import HIDDEN_WALL, LESION, SURROUNDINGS
from echogan.phantom.lesions import LESIONS
from echogan.phantom.render import Phantom
from echogan.phantom.tissues import FLUID, WALLS, Tissue
from echogan.training.data.places import GAP_MM, RING_MM, grown, places_of


def rendered(kind):
    for seed in range(20):
        phantom = Phantom("A4C", seed, frames=2, lesion=kind)
        if phantom.lesion is not None:
            return phantom.render(want=("labels",))
    raise AssertionError(f"no heart carries a {kind}")


@pytest.mark.parametrize("pixels", [1.2, 4.0, 7.6])
def test_grown_is_a_distance(pixels):
    mask = torch.rand(2, 40, 50, generator=torch.Generator().manual_seed(3)) > 0.995
    away = np.stack([distance_transform_edt(~one.numpy()) for one in mask])
    assert np.array_equal(grown(mask, pixels).numpy(), away <= round(pixels))


@pytest.mark.parametrize("kind", LESIONS)
def test_a_lesion_stands_out_from_the_other_kind_of_tissue(kind):
    clip = rendered(kind)
    found = places_of(clip)
    assert found is not None
    found = found.numpy()
    labels, lesion = clip.labels.numpy(), clip.lesion_mask.numpy()
    assert np.array_equal(found == LESION, lesion & clip.sector_mask.numpy() & (labels != Tissue.OUTSIDE))
    around = found == SURROUNDINGS
    assert around.any()
    in_fluid = np.isin(labels[around], FLUID)
    assert in_fluid.all() if kind in ("thrombus", "vegetation", "mass") else not in_fluid.any()
    away = np.stack([distance_transform_edt(~one) for one in lesion]) * clip.truth["spacing_mm"]
    assert away[around].min() > GAP_MM / 2
    assert away[around].max() <= RING_MM + clip.truth["spacing_mm"]


def test_a_wall_whose_signal_is_lost_is_hidden():
    found = 0
    for seed in range(4):
        clip = Phantom("A4C", seed, frames=2).render(want=("labels", "support"))
        lost = np.isin(clip.labels.numpy(), WALLS) & (clip.support.numpy() < 0.35 * 255)
        hidden = places_of(clip).numpy() == HIDDEN_WALL
        assert np.array_equal(hidden, lost & clip.sector_mask.numpy())
        found += hidden.sum()
    assert found > 100


def test_without_labels_there_is_no_map():
    assert places_of(Phantom("A4C", 1, frames=1).render(want=("clean",))) is None
