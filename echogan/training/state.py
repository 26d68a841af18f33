"""Everything that training changes, and how it is saved for an exact resume.

`best_score` is the best score so far, `evaluations_without_improvement` the number of evaluations since.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel

from echogan.core.errors import TrainingError
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.cyclegan import CycleGAN
from echogan.model.networks.frames import widened
from echogan.training.config import TrainingConfig
from echogan.training.replay_pool import ReplayPool
from echogan.training.run_folder import RunFolder


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average with a shorter memory at the start: min(decay, (1 + n) / (10 + n))."""

    @torch.no_grad()
    def blend(old: Any, new: Any, n: Any) -> None:
        count = float(n)
        for before, now in zip(old, new, strict=True):
            before.lerp_(now, 1 - min(decay, (1 + count) / (10 + count)))

    return AveragedModel(
        model, multi_avg_fn=blend
    ).eval()  # evaluated and exported without dropout, as they are used


class TrainingState:
    """Networks, averages, optimisers, pools and progress. `step` counts finished steps."""

    def __init__(self, config: TrainingConfig, accelerator: Accelerator) -> None:
        device = accelerator.device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            bf16 = config.bf16 or device.type == "cuda"
            segmenter = load_segmenter(config.segmenter).network if config.loss.anatomy else None
            self.gan = CycleGAN(config.generator, config.discriminator, config.loss, bf16, segmenter)
        self.gan.to(device)
        self.frames = config.generator.frames
        self.accelerator = accelerator
        self.ema_high = averaged(self.gan.to_high, config.ema_decay)
        self.ema_low = averaged(self.gan.to_low, config.ema_decay)
        self.generator_adam = Adam(self.gan.generator_parameters(), config.learning_rate, (0.5, 0.999))
        self.discriminator_adam = Adam(
            self.gan.discriminator_parameters(), config.learning_rate, (0.5, 0.999)
        )
        self.pools = {"high": ReplayPool(config.pool_size), "low": ReplayPool(config.pool_size)}
        self.step, self.best_score, self.evaluations_without_improvement = 0, float("-inf"), 0

    def start_from(self, run: RunFolder, new_discriminators: bool = False) -> None:
        """Begin with the networks and averages of another run; optimisers and pools stay new.

        The discriminators are taken too, because untrained ones would make the generators forget what they have learnt.
        With `new_discriminators` they stay new if that run's are built differently; they must then learn alone first.
        If that run's generators see one frame and these see several, these begin by using only the middle one.
        Raises TrainingError if its networks are built differently.
        """
        tensors, _ = run.load_state()
        enhancing = {name: t for name, t in tensors.items() if name.startswith(("gan/to_high.", "ema_high/"))}
        tensors |= widened(enhancing, self.frames)
        averages: dict[str, nn.Module] = {"ema_high/": self.ema_high, "ema_low/": self.ema_low}
        networks = {f"gan/{name}.": network for name, network in self.gan.named_children()}
        modules = averages | networks
        fitting = {name: module for name, module in modules.items() if _fits(module, _under(name, tensors))}
        unlike = set(modules) - set(fitting)
        if unlike and not (
            new_discriminators and unlike <= {"gan/discriminator_high.", "gan/discriminator_low."}
        ):
            raise TrainingError(
                f"The networks of the run in {run.path} are built otherwise than this run's. Give the same "
                "settings of --generator and --discriminator; for other discriminators give --discriminators-first 400 "
                "as well."
            )
        for name, module in fitting.items():
            module.load_state_dict(_under(name, tensors))

    def start_from_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Begin with a checkpoint's generators, as networks and as averages; the discriminators stay new.

        They may see one frame and this run's several, as in `start_from`. Raises TrainingError if they are built
        differently.
        """
        high = widened(checkpoint.to_high.state_dict(), self.frames)
        low = checkpoint.to_low.state_dict()
        averages = self.ema_high.module, self.ema_low.module
        for network, tensors in zip(
            (self.gan.to_high, self.gan.to_low, *averages), (high, low) * 2, strict=True
        ):
            if not _fits(network, tensors):
                raise TrainingError(
                    f"The generators of the checkpoint {checkpoint.source} are built otherwise than this run's. Give "
                    "the same settings of --generator."
                )
            network.load_state_dict(tensors)

    def average(self) -> None:
        """Update the averages with the generators of this step."""
        self.ema_high.update_parameters(self.gan.to_high)
        self.ema_low.update_parameters(self.gan.to_low)

    def set_learning_rate(self, rate: float) -> None:
        """Set it in both optimisers."""
        for group in (*self.generator_adam.param_groups, *self.discriminator_adam.param_groups):
            group["lr"] = rate

    def tensors(self) -> dict[str, Tensor]:
        """All state as named tensors. Every process must call it: the pools are gathered from all."""
        out: dict[str, Tensor] = {}
        for name, module in self._modules().items():
            out |= {f"{name}/{key}": tensor for key, tensor in module.state_dict().items()}
        for name, optimiser in self._optimisers().items():
            for index, slots in optimiser.state_dict()["state"].items():
                out |= {f"{name}/{index}/{slot}": tensor for slot, tensor in slots.items()}
        for name, pool in self.pools.items():
            if pool.kept is not None:
                gathered: Any = self.accelerator.gather(pool.kept.to(self.accelerator.device))
                out[f"pool_{name}"] = gathered
        return out

    def facts(self) -> dict[str, Any]:
        """The state that is not tensors. All random numbers follow from seed and step, so no generator is saved."""
        best = self.best_score if self.best_score > float("-inf") else None
        processes = self.accelerator.num_processes
        return {
            "step": self.step,
            "best_score": best,
            "evaluations_without_improvement": self.evaluations_without_improvement,
            "processes": processes,
        }

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Load a saved state; the pools start empty if the number of processes has changed."""
        for name, module in self._modules().items():
            module.load_state_dict(_under(f"{name}/", tensors))
        for name, optimiser in self._optimisers().items():
            slots: dict[int, dict[str, Tensor]] = {}
            for key, tensor in _under(f"{name}/", tensors).items():
                index, slot = key.split("/")
                slots.setdefault(int(index), {})[slot] = tensor
            optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        for name, pool in self.pools.items():
            if (kept := tensors.get(f"pool_{name}")) is not None and facts["processes"] == world:
                pool.kept = kept.chunk(world)[rank].clone()
        self.step, best, self.evaluations_without_improvement = (
            facts["step"],
            facts["best_score"],
            facts["evaluations_without_improvement"],
        )
        self.best_score = float("-inf") if best is None else best

    def _modules(self) -> dict[str, nn.Module]:
        return {"gan": self.gan, "ema_high": self.ema_high, "ema_low": self.ema_low}

    def _optimisers(self) -> dict[str, Optimizer]:
        return {"generator_adam": self.generator_adam, "discriminator_adam": self.discriminator_adam}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}


def _fits(module: nn.Module, tensors: dict[str, Tensor]) -> bool:
    own = {name: tensor.shape for name, tensor in module.state_dict().items()}
    return own == {name: tensor.shape for name, tensor in tensors.items()}
