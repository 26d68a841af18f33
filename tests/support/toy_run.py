"""python toy_run.py STEPS FOLDER [--resume]: a run on toy clips in a process of its own, to be killed.

All that a run can have: pairs beside the unpaired terms, flicker, and a generator of three frames.
"""

import sys

import torch
from toy_clips import ToyClips

from echogan.model.losses.loss_weights import LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.training.config import TrainingConfig
from echogan.training.data.loader import TrainingData
from echogan.training.trainer import train

LOSS = LossWeights(paired=5.0, removal=2.0, target_structure=1.0, flicker=1.0)


def settings(folder: str, steps: int, resume: bool = False) -> TrainingConfig:
    return TrainingConfig(
        name="toy", folder=folder, resume=resume, steps=steps, size=64, batch_size=2,
        generator=GeneratorConfig(channels=8, blocks=1, frames=3), loss=LOSS,
        discriminator=DiscriminatorConfig(filters=4), pool_size=3,
        clips_per_round=2, frames_per_clip=2, steps_per_round=4, workers=0, device="cpu", tick=1, save_every=1,
        eval_every=4, preview_every=4, held_out_clips=1,
    )  # fmt: skip


def paired_data() -> TrainingData:
    """Poor clips that have a truth; good ones of others."""
    return TrainingData(ToyClips("pair"), ToyClips("clear"), ToyClips("pair"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(settings(sys.argv[2], int(sys.argv[1]), "--resume" in sys.argv), paired_data())
