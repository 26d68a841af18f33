"""The training loop: unpaired poor and good clips in, a run folder with both generators out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from echogan.core.errors import TrainingError
from echogan.model.batch import Batch, Fakes
from echogan.training.config import TrainingConfig, check_same
from echogan.training.data.loader import TrainingData, batches, open_data
from echogan.training.initial_weights import start
from echogan.training.resume_checks import check_finite, check_goes_on, in_words
from echogan.training.run_folder import RunFolder
from echogan.training.run_writer import RunWriter, Say
from echogan.training.state import TrainingState
from echogan.training.status_file import StatusFile
from echogan.training.stop_signal import StopSignal
from echogan.training.ticks import Ticks


def train(config: TrainingConfig, data: TrainingData | None = None, say: Say = print) -> Path:
    """Train, or with `config.resume` go on, until `config.steps` or until asked to stop; the run's folder.

    On the CPU a resumed run ends with the same bits as one that was never stopped. Raises SettingsError and
    TrainingError; what was saved before stays usable.
    """
    config.check()
    accelerator = open_accelerator(config)
    main, rank, world = accelerator.is_main_process, accelerator.process_index, accelerator.num_processes
    data = data or open_data(config, rendering_device(accelerator))
    folder = RunFolder(config.run_path)
    with (
        in_words(),
        StatusFile(folder, config.steps, silent=not main) as status,
        StopSignal(folder.stop) as stop_signal,
    ):
        state = TrainingState(config, accelerator)
        notes = begin(config, state, folder, data, main)
        status.at(state.step)
        accelerator.wait_for_everyone()
        for note in (*data.notes, *notes) if main else ():
            say(f"note: {note}")
        writer = RunWriter(config, state, folder, data, say) if main else None
        ticks = Ticks()
        for step, batch, generator in batches(config, data, state.step, rank, world):
            rate = learning_rate(config, step)
            state.set_learning_rate(rate)
            ticks.add(learn(config, state, batch.to(accelerator.device), generator, step))
            state.step = step + 1
            exhausted = patience_exhausted(state, config)
            stop = agree(accelerator, stop_signal.wanted or exhausted)
            last = state.step == config.steps
            due = last or stop or state.step % config.save_every == 0
            if due or state.step % config.tick == 0:
                line = ticks.line(state.step, rate)
                if writer is not None:
                    writer.tick(line)
                    status.at(state.step)
            # Measure before saving, so that the saved state knows the best.
            if writer is not None:
                with ticks.left_out():
                    writer.measure(last)
            if due:
                save(state, writer)
            if stop and not last:
                status.ended(*stop_message(state, stop_signal, exhausted))
                if main:
                    say(status.message)
                break
    accelerator.wait_for_everyone()
    return folder.path


def save(state: TrainingState, writer: RunWriter | None) -> None:
    """Gather the state in every process, and let the main one write it. Raises TrainingError."""
    check_finite(state)
    tensors = state.tensors()
    if writer is not None:
        writer.save(tensors)


def open_accelerator(config: TrainingConfig) -> Accelerator:
    """Accelerate's view of the device and the other processes. Raises TrainingError for an absent device."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(config.device, True):
        raise TrainingError(f"There is no {config.device} device here. Use --device auto or --device cpu.")
    accelerator = Accelerator(cpu=config.device == "cpu", mixed_precision="no")
    if accelerator.device.type == "cpu":
        torch.set_num_threads(config.threads)
    return accelerator


def rendering_device(accelerator: Accelerator) -> str:
    """Where clips are rendered: on the GPU that trains where it is CUDA, else on the CPU."""
    return str(accelerator.device) if accelerator.device.type == "cuda" else "cpu"


def begin(
    config: TrainingConfig, state: TrainingState, folder: RunFolder, data: TrainingData, main: bool
) -> tuple[str, ...]:
    """Load the state or weights that the run starts from, and write its settings; a new run must find none there.

    Returns notes for the user. Raises TrainingError.
    """
    notes: tuple[str, ...] = ()
    if config.resume:
        check_same(config, folder.read_config())
    if config.resume and folder.state.exists():
        tensors, facts = folder.load_state()
        notes = check_goes_on(config, facts, data)
        state.restore(tensors, facts)
    elif config.start_from:
        start(state, config)
    if main and config.resume:
        folder.write_config(asdict(config))
        folder.rewind(state.step)
    elif main:
        folder.begin(asdict(config))
    return notes


def learn(
    config: TrainingConfig, state: TrainingState, batch: Batch, generator: torch.Generator, step: int
) -> dict[str, Tensor]:
    """One step: both generators, then both discriminators on a mix of new and older fakes; every loss by name."""
    generators_learn = step >= config.discriminators_first
    device = state.accelerator.device
    # Dropout draws from torch's own generators: they too must follow from the step.
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(generator.initial_seed())
        with torch.set_grad_enabled(generators_learn):
            losses, fakes = state.gan.generator_losses(batch, generator)
        if generators_learn:
            descend(state.accelerator, losses["generators"], state.generator_adam)
            state.average()
        if fakes is None:
            return losses
        discriminated = state.gan.discriminator_losses(batch, mix(state, fakes, generator), step)
        descend(state.accelerator, discriminated["discriminators"], state.discriminator_adam)
    return losses | discriminated


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Constant over the first half of the run, then falling linearly to 0."""
    return config.learning_rate * min(1.0, 2 * (config.steps - step) / config.steps)


def descend(accelerator: Accelerator, loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """One step of one optimiser; the gradients are averaged over the processes."""
    optimiser.zero_grad(set_to_none=True)
    accelerator.backward(loss)
    if accelerator.num_processes > 1:
        # By hand and not by a DDP wrapper: each network is run several times in one loss.
        for group in optimiser.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad = accelerator.reduce(parameter.grad, "mean")  # type: ignore[assignment]
    optimiser.step()


def mix(state: TrainingState, fakes: Fakes, generator: torch.Generator) -> Fakes:
    """The fakes, some of them replaced by older ones from the pools."""
    high = state.pools["high"].exchange(fakes.high, fakes.high_mask, generator)
    return Fakes(*high, *state.pools["low"].exchange(fakes.low, fakes.low_mask, generator))


def agree(accelerator: Accelerator, wanted: bool) -> bool:
    """Whether any process wants to stop: all must leave after the same step."""
    if accelerator.num_processes == 1:
        return wanted
    votes: Any = accelerator.reduce(torch.tensor(float(wanted), device=accelerator.device), "sum")
    return bool(votes > 0)


def patience_exhausted(state: TrainingState, config: TrainingConfig) -> bool:
    """Whether `config.patience` evaluations have passed without a better one."""
    return 0 < config.patience <= state.evaluations_without_improvement


def stop_message(state: TrainingState, stop_signal: StopSignal, exhausted: bool) -> tuple[str, str]:
    """How a run ends before its last step: "stopped" or "finished", and a message."""
    if exhausted and not stop_signal.reason:
        return "finished", (
            f"Ended after step {state.step}: the last measurements were no better. The best is in checkpoint_best."
        )
    return (
        "stopped",
        f"Stopped by {stop_signal.reason or 'another process'} after step {state.step}; --resume goes on.",
    )
