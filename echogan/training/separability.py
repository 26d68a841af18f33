"""Can the discriminator see the difference at all? Measured before hours are spent on training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch.optim import Adam

from echogan.model.cyclegan import share_right
from echogan.model.discriminators import build_discriminator
from echogan.model.losses import adversarial_discriminator
from echogan.training.config import TrainingConfig
from echogan.training.data import TrainingData, batches, open_data
from echogan.training.trainer import open_accelerator, rendering_device

FRESH_EVERY = 4  # steps between new hearts: the old ones may be known by heart


def separability(
    config: TrainingConfig, steps: int, data: TrainingData | None = None, say: Callable[[str], None] = print
) -> float:
    """Train one discriminator alone on good against poor frames; the share judged right in the last fifth.

    Only frames of hearts that it has not learnt from yet are counted. Near 0.5: a GAN can learn nothing here.
    """
    few = {"clips_per_round": config.batch_size, "frames_per_clip": 1, "steps_per_round": FRESH_EVERY}
    config = replace(config, steps=steps, **few)
    config.check()
    accelerator = open_accelerator(config)
    device, data = accelerator.device, data or open_data(config, rendering_device(accelerator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        judge = build_discriminator(config.judge).to(device)
    adam = Adam(judge.parameters(), config.learning_rate, (0.5, 0.999))
    shares: list[float] = []
    for step, cpu_batch, _ in batches(config, data, 0):
        batch = cpu_batch.to(device)
        good, poor = judge(batch.high), judge(batch.low)
        if step % FRESH_EVERY == 0:
            shares.append(float(share_right(good.of_frame, poor.of_frame)))
        adam.zero_grad()
        adversarial_discriminator("lsgan", good, poor, batch.high_mask, batch.low_mask).backward()
        adam.step()
        if (step + 1) % config.tick == 0:
            recent = shares[-max(1, config.tick // FRESH_EVERY) :]
            say(f"step {step + 1}/{steps}: {sum(recent) / len(recent):.0%} judged right")
    last = shares[-max(1, len(shares) // 5) :]
    return sum(last) / len(last)
