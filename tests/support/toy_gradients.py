"""python toy_gradients.py OUT, in one process or in several: the gradients of one step on one joint batch."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from toy_run import paired_data, settings

from echogan.model.cyclegan import Batch
from echogan.training.config import TrainingConfig, with_settings
from echogan.training.data.loader import batches
from echogan.training.state import TrainingState
from echogan.training.trainer import descend, open_accelerator


def config() -> TrainingConfig:
    """Without noise, which each process draws for itself."""
    values = {"batch_size": 4, "pool_size": 0, "loss.cycle_noise": 0.0, "discriminator.norm": "spectral"}
    return with_settings(settings("unused", 1), values)


def main(out: Path) -> None:
    torch.set_num_threads(1)
    accelerator = open_accelerator(config())
    rank, world = accelerator.process_index, accelerator.num_processes
    state = TrainingState(config(), accelerator)
    torch.nn.init.normal_(state.gan.to_high.heads.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    ((_, joint, _),) = batches(config(), paired_data(), 0)
    parts = {name: value.chunk(world)[rank] for name, value in vars(joint).items() if value is not None}
    batch = Batch(**parts)
    losses, fakes = state.gan.generator_losses(batch)
    assert fakes is not None
    descend(accelerator, losses["generators"], state.generator_adam)
    discriminated = state.gan.discriminator_losses(batch, fakes)
    descend(accelerator, discriminated["discriminators"], state.discriminator_adam)
    found = {name: p.grad for name, p in state.gan.named_parameters() if p.grad is not None}
    save_file(
        found | {f"weight {n}": p.detach().clone() for n, p in state.gan.named_parameters()},
        out / f"{rank}.safetensors",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
