"""Measure whether a discriminator can tell poor from good frames, before a long training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from torch.optim import Adam

from echogan.model.batch import Batch
from echogan.model.losses.adversarial_losses import adversarial_discriminator, share_right
from echogan.model.networks.discriminators import build_discriminator
from echogan.training.config import TrainingConfig
from echogan.training.data.loader import TrainingData, batches, open_data
from echogan.training.trainer import open_accelerator, rendering_device

FRESH_EVERY = 4  # steps between new hearts: the discriminator may have memorised the old ones


def separability(
    config: TrainingConfig,
    steps: int,
    data: TrainingData | None = None,
    say: Callable[[str], None] = print,
    unseen: TrainingData | None = None,
) -> float:
    """Train one discriminator alone on good against poor frames; returns its accuracy in the last fifth of the steps.

    Accuracy is measured on frames of `unseen`, of patients that are not in `data`. Without `unseen` it is measured on
    each batch just before the batch is learnt; those frames are new only if clips never repeat, as with the phantom.
    Near 0.5 a GAN cannot learn anything.
    """
    few = {"clips_per_round": config.batch_size, "frames_per_clip": 1, "steps_per_round": FRESH_EVERY}
    config = replace(config, steps=steps, **few)
    config.check()
    accelerator = open_accelerator(config)
    device, data = accelerator.device, data or open_data(config, rendering_device(accelerator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        discriminator = build_discriminator(config.discriminator).to(device)
    adam = Adam(discriminator.parameters(), config.learning_rate, (0.5, 0.999))
    shares: list[float] = []
    others = batches(config, unseen, 0) if unseen is not None else None
    for step, cpu_batch, _ in batches(config, data, 0):
        batch = cpu_batch.to(device)
        good, poor = discriminator(batch.high), discriminator(batch.low)
        if step % FRESH_EVERY == 0:
            shares.append(
                _share(discriminator, next(others)[1].to(device)) if others else _share(discriminator, batch)
            )
        adam.zero_grad()
        adversarial_discriminator("lsgan", good, poor, batch.high_mask, batch.low_mask).backward()
        adam.step()
        if (step + 1) % config.tick == 0:
            recent = shares[-max(1, config.tick // FRESH_EVERY) :]
            say(f"step {step + 1}/{steps}: {sum(recent) / len(recent):.0%} told right")
    last = shares[-max(1, len(shares) // 5) :]
    return sum(last) / len(last)


@torch.no_grad()
def _share(discriminator: nn.Module, batch: Batch) -> float:
    outputs, masks = (discriminator(batch.high), discriminator(batch.low)), (batch.high_mask, batch.low_mask)
    return float(share_right("lsgan", *outputs, *masks))
