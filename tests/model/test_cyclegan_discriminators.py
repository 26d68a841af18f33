"""The discriminators' terms in a step, the sector's border, and the whole objective in bf16."""

import math
from dataclasses import replace

import pytest
import torch
from small_gan import ALL, TERMS, gan, numbers, whole_batch

from echogan.model.cyclegan import Batch
from echogan.model.losses.cutmix import draws

CUTMIX_STEP = next(step for step in range(16, 1000, 16) if draws(step, 1))  # the penalty is due there, too


@pytest.fixture
def batch() -> Batch:
    return whole_batch()


def test_discriminators_run_twice_and_more_only_for_what_is_on(batch):
    made = gan("unet", gradient_penalty=1.0, cutmix_warmup=1)
    _, fakes = made.generator_losses(batch)
    counted: list[str] = []
    made.discriminator_high.register_forward_hook(lambda *_: counted.append("high"))
    made.discriminator_losses(batch, fakes, step=1)
    before = len(counted)
    made.discriminator_losses(batch, fakes, step=16)
    cut = "discriminator_cutmix_high" in made.discriminator_losses(batch, fakes, step=16)
    assert before in (2, 3)  # CutMix is drawn every second time
    assert len(counted) == before + 2 * (3 + cut)


def test_the_penalty_is_lazy_and_counts_for_the_steps_between(batch):
    made = gan(gradient_penalty=2.0, penalty_every=4)
    _, fakes = made.generator_losses(batch)
    found = [made.discriminator_losses(batch, fakes, step) for step in range(9)]
    assert [("discriminator_penalty_high" in losses) for losses in found] == [
        step % 4 == 0 for step in range(9)
    ]
    due = {name: float(value.detach()) for name, value in found[4].items()}
    penalties = due["discriminator_penalty_high"] + due["discriminator_penalty_low"]
    assert penalties > 0
    assert due["discriminators"] == pytest.approx(
        due["discriminator_high"] + due["discriminator_low"] + 2 * 4 * penalties, rel=1e-5
    )


def test_only_a_unet_has_cutmix(batch):
    for kind, expected in (("patch", False), ("unet", True)):
        made = gan(kind, cutmix_warmup=1)
        _, fakes = made.generator_losses(batch)
        found = [made.discriminator_losses(batch, fakes, step) for step in range(6)]
        assert any("discriminator_cutmix_high" in losses for losses in found) == expected
        assert "discriminator_cutmix_high" not in found[0]  # the warm-up begins at 0


@pytest.mark.parametrize("kind", ["patch", "patch70", "unet"])
@pytest.mark.parametrize("adversarial_kind", ["lsgan", "hinge"])
def test_black_outside_nothing_outside_the_sector_has_any_influence(batch, kind, adversarial_kind):
    made = gan(kind, black_outside=True, adversarial_kind=adversarial_kind, cycle_jitter=True, **ALL)
    junk = torch.randn(2, 1, 64, 64, generator=numbers(9)) * 3
    other = replace(
        batch,
        low=batch.low.where(batch.low_mask > 0, junk),
        low_next=torch.where(batch.low_mask > 0, batch.low_next, -junk),
        low_target=torch.where(batch.low_mask > 0, batch.low_target, junk + 1),
        high=batch.high.where(batch.high_mask > 0, junk.flip(-1)),
    )
    found = []
    for b in (batch, other):
        losses, fakes = made.generator_losses(b, numbers())
        found.append(losses | made.discriminator_losses(b, fakes, CUTMIX_STEP))
    assert {name.rpartition("_")[0] for name in found[0]} >= {
        *TERMS,
        "discriminator",
        "discriminator_labels",
        "discriminator_penalty",
    }
    assert ("discriminator_cutmix_low" in found[0]) == (kind == "unet")
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]), name


def test_everything_at_once_in_bf16_is_float32_and_finite(batch):
    for kind in ("patch", "unet"):
        made = gan(kind, bf16=True, cycle_jitter=True, adversarial_kind="hinge", **ALL)
        losses, fakes = made.generator_losses(batch, numbers())
        losses["generators"].backward()
        discriminated = made.discriminator_losses(batch, fakes, CUTMIX_STEP)
        discriminated["discriminators"].backward()
        for name, value in (losses | discriminated).items():
            assert value.dtype == torch.float32, name
            assert value.isfinite(), name
        assert all(p.grad is not None and p.grad.isfinite().all() for p in made.parameters())


def test_discriminators_learn_the_labels_of_real_frames(batch):
    made = gan(labels=1.0)
    _, fakes = made.generator_losses(batch)
    adam = torch.optim.Adam(made.discriminator_parameters(), 3e-3)
    found = []
    for _ in range(12):
        losses = made.discriminator_losses(batch, fakes)
        adam.zero_grad()
        losses["discriminators"].backward()
        adam.step()
        found.append(float(losses["discriminator_labels_high"].detach()))
    known = float((~batch.high_labels.isnan()).float().mean())  # an unknown label costs nothing
    assert found[0] == pytest.approx(known * math.log(2), abs=0.1)
    assert found[-1] < 0.75 * found[0]


def test_black_outside_the_noise_between_the_generators_stays_inside(batch):
    made = gan(black_outside=True, cycle_noise=0.5, cycle_jitter=True)
    seen: list[torch.Tensor] = []
    for network in (made.to_high, made.to_low):
        network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    made.generator_losses(batch, numbers())
    outside = (batch.low_mask + batch.high_mask == 0).expand_as(batch.low)
    assert len(seen) == 6
    assert all((x[outside] == -1).all() for x in seen)


def test_hinge_scores_turn_at_zero(batch):
    made = gan("unet", adversarial_kind="hinge")
    last = made.discriminator_high.overall[-1]
    last.weight.data.zero_()
    last.bias.data.fill_(0.25)  # between the two thresholds: "real" to the hinge, "fake" to least squares
    _, fakes = made.generator_losses(batch)
    assert made.discriminator_losses(batch, fakes)["right_high"] == 0.5  # all real ones, no fake one
