"""The training of the fan network: an example and its truth vary alike."""

import numpy as np
import torch

from echogan.clips.sector.fan_network import CHANNELS, SIDE
from eval.fans.network import objective, varied


def examples(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps whose levels show the truth, in a part of the square; everything in it can be used."""
    rng = np.random.default_rng(0)
    truths = np.zeros((count, SIDE, SIDE), np.float32)
    for truth in truths:
        top, left = rng.integers(10, 40, 2)
        truth[top : top + 40, left : left + 30] = 1
    maps = np.zeros((count, CHANNELS, SIDE, SIDE), np.float32)
    maps[:, :3] = 0.5 * truths[:, None]
    maps[:, 3] = 1
    maps[:, 5] = np.linspace(-1, 1, SIDE)
    return maps, truths


def test_a_varied_truth_lies_where_its_varied_maps_show_it():
    maps, truths = examples(40)
    given, truth = varied(maps.copy(), truths.copy(), np.random.default_rng(1))
    assert torch.equal(given[:, 0] > 0, truth > 0)
    assert not torch.equal(truth, torch.from_numpy(truths))
    usable = given[:, 3] > 0
    assert (truth[~usable] == 0).all()
    assert (~usable).any()
    assert len(given[:, 0].amax((1, 2)).unique()) > 5, "the light varies"


def test_a_mirrored_example_keeps_its_column_coordinates():
    maps, truths = examples(40)
    given, _ = varied(maps.copy(), truths.copy(), np.random.default_rng(1))
    assert torch.allclose(given[:, 5], torch.from_numpy(maps[:, 5]), atol=1e-6)


def test_what_lies_around_the_frame_does_not_count_in_the_loss():
    maps, truths = examples(2)
    maps[:, 3, :, :20] = 0
    logits = torch.from_numpy(8 * truths - 4)
    outside = logits.clone()
    outside[:, :, :20] = 9
    inside = logits.clone()
    inside[:, :, 50:60] += 9
    seen = torch.from_numpy(truths), torch.from_numpy(maps)
    assert objective(outside, *seen) == objective(logits, *seen)
    assert objective(inside, *seen) > objective(logits, *seen)
