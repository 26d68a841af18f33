"""The map of a lesion against distances by SciPy, and against the tissues of the phantom."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from echogan.model.losses.contrast_losses import LESION, SURROUNDINGS
from echogan.phantom.lesions import LESIONS
from echogan.phantom.render import Phantom
from echogan.phantom.tissues import FLUID, Tissue
from echogan.training.data.lesion_map import GAP_MM, RING_MM, grown, lesion_map


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
    found = lesion_map(clip)
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


def test_without_labels_there_is_no_map():
    assert lesion_map(Phantom("A4C", 1, frames=1).render(want=("clean",))) is None
