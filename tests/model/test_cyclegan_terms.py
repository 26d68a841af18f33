"""The generators' terms, each on its switch: what it needs, what it costs, what it looks at."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from small_gan import OFF, TERMS, Segmenter, bare, gan, numbers, whole_batch

from echogan.core.errors import SettingsError
from echogan.model.cyclegan import Batch, CycleGAN, LossWeights
from echogan.model.losses.adversarial_losses import lsgan_discriminator, lsgan_generator
from echogan.model.losses.losses import illumination_loss, l1, structure_loss


@pytest.fixture
def batch() -> Batch:
    return whole_batch()


def count_runs(made: CycleGAN) -> Counter[str]:
    """How often each network runs from now on."""
    runs: Counter[str] = Counter()
    networks = {
        name: getattr(made, name) for name in ("to_high", "to_low", "discriminator_high", "discriminator_low")
    }
    for name, network in networks.items():
        network.register_forward_hook(lambda *_, name=name: runs.update([name]))
    return runs


def test_the_default_is_plain_cyclegan_bit_for_bit(batch):
    made = gan()
    losses, fakes = made.generator_losses(bare(batch), numbers())
    x, y, x_mask, y_mask, noise = batch.low, batch.high, batch.low_mask, batch.high_mask, numbers()
    to_high = lambda f, m: torch.where(m > 0.5, made.to_high(f), f)  # noqa: E731
    to_low = lambda f, m: torch.where(m > 0.5, made.to_low(f), f)  # noqa: E731
    high, low = to_high(x, x_mask), to_low(y, y_mask)
    noisy = lambda f, m: torch.where(m > 0.5, f + 0.02 * torch.randn(f.shape, generator=noise), f)  # noqa: E731
    x_again, y_again = to_low(noisy(high, x_mask), x_mask), to_high(noisy(low, y_mask), y_mask)
    terms = [
        lsgan_generator(made.discriminator_high(high).scores, x_mask),
        lsgan_generator(made.discriminator_low(low).scores, y_mask),
        l1(x_again, x, x_mask) * 5,
        l1(y_again, y, y_mask) * 5,
        l1(to_high(y, y_mask), y, y_mask) * 2,
        l1(to_low(x, x_mask), x, x_mask) * 2,
    ]
    assert torch.equal(losses["generators"], torch.stack(terms).sum())
    discriminated = made.discriminator_losses(bare(batch), fakes)
    expected = lsgan_discriminator(
        made.discriminator_high(y).scores, made.discriminator_high(fakes.high).scores, y_mask, x_mask
    ) + lsgan_discriminator(
        made.discriminator_low(x).scores, made.discriminator_low(fakes.low).scores, x_mask, y_mask
    )
    assert torch.equal(discriminated["discriminators"], expected)
    assert set(discriminated) == {
        "discriminators",
        "discriminator_high",
        "discriminator_low",
        "right_high",
        "right_low",
    }


@pytest.mark.parametrize("term", TERMS)
def test_each_term_stands_alone_on_its_switch(batch, term):
    made = gan(**OFF | {term: 3.0})
    losses, _ = made.generator_losses(batch, numbers())
    one_way = term in ("temporal", "flicker", "paired", "target_structure", "identity")
    names = {f"{term}_high"} if one_way else {f"{term}_high", f"{term}_low"}
    assert set(losses) - {"generators", "change_low", "change_high"} == names
    expected = 3 * sum(float(losses[name].detach()) for name in names)
    assert float(losses["generators"].detach()) == pytest.approx(expected, rel=1e-5)
    assert expected > 0
    losses["generators"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in made.to_high.parameters())
    assert all(p.grad is None for p in made.discriminator_parameters())


@pytest.mark.parametrize(
    ("weights", "runs"),
    [
        ({"adversarial": 1.0}, {"to_high": 1, "to_low": 1, "discriminator_high": 1, "discriminator_low": 1}),
        ({"cycle": 1.0}, {"to_high": 2, "to_low": 2}),
        ({"identity": 1.0}, {"to_high": 2}),
        ({"identity": 1.0, "cycle": 1.0}, {"to_high": 3, "to_low": 3}),
        ({"structure": 1.0, "illumination": 1.0, "paired": 1.0}, {"to_high": 1, "to_low": 1}),
        ({"temporal": 1.0}, {"to_high": 2}),
        ({"paired": 1.0, "target_structure": 1.0}, {"to_high": 1}),
        (
            {"adversarial": 1.0, "labels": 1.0},
            {"to_high": 1, "to_low": 1, "discriminator_high": 1, "discriminator_low": 1},
        ),
    ],
)
def test_what_is_off_costs_no_forward_pass(batch, weights, runs):
    made = gan(**OFF | weights)
    counted = count_runs(made)
    made.generator_losses(batch)
    assert dict(counted) == runs


@pytest.mark.parametrize("term", ["adversarial", "cycle", "structure", "illumination"])
def test_identity_teaches_to_low_only_beside_a_term_that_teaches_it_to_degrade(batch, term):
    alone, _ = gan(**OFF | {"identity": 1.0, "paired": 1.0}).generator_losses(batch)
    beside, _ = gan(**OFF | {"identity": 1.0, term: 1.0}).generator_losses(batch)
    assert "identity_low" not in alone
    assert beside["identity_low"] > 0


@pytest.mark.parametrize("term", ["labels", "temporal", "flicker", "paired", "target_structure"])
def test_without_its_data_a_term_is_off_and_alone_it_is_refused(batch, term):
    losses, _ = gan(**{term: 1.0}).generator_losses(bare(batch))
    assert not any(name.startswith(term) for name in losses)
    with pytest.raises(SettingsError, match=f"{term}_high"):
        gan(**OFF | {term: 1.0}).generator_losses(bare(batch))


def test_labels_are_asked_of_a_discriminator_only_where_both_sides_have_them(batch):
    losses, _ = gan(labels=1.0).generator_losses(replace(batch, high_labels=None))
    assert not any(name.startswith("labels") for name in losses)
    unknown = replace(batch, high_labels=torch.full((2, 5), math.nan))
    losses, _ = gan(labels=1.0).generator_losses(unknown)
    assert losses["labels_high"] == losses["labels_low"] == 0


def test_terms_look_at_the_frame_and_its_own_translation(batch):
    weights = OFF | dict.fromkeys(("structure", "illumination", "temporal", "paired"), 1.0)
    made = gan(**weights)
    losses, fakes = made.generator_losses(batch)
    assert fakes is None  # no term asks a discriminator
    x, y, mask = batch.low, batch.high, batch.low_mask
    assert batch.low_next is not None
    assert batch.low_target is not None
    fake_high, fake_low = (
        made.translate(net, frames, where)
        for net, frames, where in ((made.to_high, x, mask), (made.to_low, y, batch.high_mask))
    )
    later = made.translate(made.to_high, batch.low_next, mask)
    change = (later - batch.low_next) - (fake_high - x)
    expected = {
        "structure_high": structure_loss(x, fake_high, mask),
        "structure_low": structure_loss(y, fake_low, batch.high_mask),
        "illumination_high": illumination_loss(x, fake_high, mask),
        "illumination_low": illumination_loss(y, fake_low, batch.high_mask),
        "temporal_high": (change.abs() * mask).sum() / mask.sum(),
        "paired_high": ((fake_high - batch.low_target).abs() * mask).sum() / mask.sum(),
    }
    for name, value in expected.items():
        assert float(losses[name].detach()) == pytest.approx(float(value.detach()), rel=1e-5), name


def test_the_segmenter_is_neither_trained_nor_saved_and_moves_along(batch):
    made = gan(anatomy=1.0)
    segmenter = made._frozen[0]
    assert isinstance(segmenter, Segmenter)
    assert not any("frozen" in name or "segmenter" in name for name in made.state_dict())
    own = {id(p) for p in segmenter.parameters()}
    assert not own & {id(p) for p in made.parameters()}
    made.train()
    one, two = (made.generator_losses(batch, numbers())[0]["anatomy_high"] for _ in range(2))
    assert one == two  # its dropout stays off
    one.backward()
    assert all(p.grad is None for p in segmenter.parameters())
    made.to(torch.float64)
    assert segmenter.body[0].weight.dtype == torch.float64


def test_anatomy_asks_less_of_poor_frames(batch):
    made = gan(**OFF | {"anatomy": 1.0})
    same = replace(batch, high=batch.low, high_mask=batch.low_mask)
    made.to_low = made.to_high
    losses, _ = made.generator_losses(same)
    assert 0 < losses["anatomy_high"] < losses["anatomy_low"]  # by how sure the segmenter is


def test_anatomy_without_a_segmenter_is_refused():
    with pytest.raises(SettingsError, match=r"needs a segmenter; give one, or set its weight to 0"):
        CycleGAN(weights=LossWeights(anatomy=1.0))
