"""What surrounds the terms: disturbed fakes, batches on other devices, and weights that are checked."""

import math

import pytest
import torch
from small_gan import OFF, bare, numbers, whole_batch

from echogan.core.errors import SettingsError
from echogan.model.cyclegan import CycleGAN, LossWeights
from echogan.model.translations import add_noise, jitter


def test_jitter_leaves_256_levels_without_bias_and_lets_the_gradient_through():
    x = (torch.rand(1, 1, 64, 64, generator=numbers()) * 1.9 - 0.95).requires_grad_(True)
    y = jitter(x, numbers(2))
    levels = (y.detach() + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert float((y - x).abs().max().detach()) <= 2 / 255 + 1e-6
    (y * 3).sum().backward()
    assert x.grad is not None
    assert (x.grad == 3).all()
    faint = torch.full((1, 1, 256, 256), 0.3 / 127.5 - 1)  # 0.3 of a level above black
    lifted = (jitter(faint, numbers(4)) + 1) * 127.5
    assert float(lifted.mean()) == pytest.approx(0.3, abs=0.01)
    assert set(lifted.round().unique().tolist()) == {0, 1}
    assert jitter(torch.full((1, 1, 8, 8), 1.2), numbers()).max() <= 1


def test_noise_has_its_sd():
    x = torch.zeros(1, 1, 128, 128)
    assert float(add_noise(x, 0.1, numbers()).std()) == pytest.approx(0.1, rel=0.03)


def test_a_batch_moves_with_what_it_has():
    batch = whole_batch()
    meta = bare(batch).to(torch.device("meta"))
    assert meta.low.is_meta
    assert meta.low_next is None
    full = batch.to(torch.device("meta"))
    assert full.low_next is not None
    assert full.high_labels is not None
    assert full.low_next.is_meta
    assert full.high_labels.is_meta


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"cycle": -1.0}, "Loss cycle is -1.0; give a number from 0 to 100"),
        ({"structure": math.nan}, "Loss structure is nan; give a number"),
        ({"adversarial_kind": "wgan"}, "choose one of lsgan, hinge"),
        ({"penalty_every": 0}, "Loss penalty_every is 0; give a whole number from 1 to 1000"),
        ({"penalty_every": 1.5}, "give a whole number"),
        ({"cycle_jitter": 1}, "Loss cycle_jitter is 1; give true or false"),
        (OFF, "nothing would be learnt"),
    ],
)
def test_weights_out_of_range_are_refused_with_the_remedy(wrong, remedy):
    with pytest.raises(SettingsError, match=remedy):
        LossWeights(**wrong).check()
    with pytest.raises(SettingsError, match=remedy):
        CycleGAN(weights=LossWeights(**wrong))


def test_defaults_are_those_of_the_trained_runs():
    w = LossWeights()
    w.check()
    assert (w.adversarial, w.cycle, w.identity, w.cycle_noise, w.adversarial_kind) == (1, 5, 2, 0.02, "lsgan")
    assert not any(
        (w.structure, w.illumination, w.anatomy, w.labels, w.temporal, w.paired, w.gradient_penalty)
    )
    assert LossWeights(1.0, 5.0, 2.0, 0.02) == w
    assert LossWeights(structure=2).structure == 2
