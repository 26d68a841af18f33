"""What the main process of a run writes into its folder: metrics, previews, checkpoints and the state to go on from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from echogan.training.config import TrainingConfig
from echogan.training.data.loader import TrainingData
from echogan.training.export import keep
from echogan.training.held_out import HeldOut, evaluate, preview, render_held_out
from echogan.training.run_folder import RunFolder
from echogan.training.state import TrainingState
from echogan.training.ticks import describe

Say = Callable[[str], None]


@dataclass
class RunWriter:
    """The folder of one run; `say` takes lines for the user."""

    config: TrainingConfig
    state: TrainingState
    folder: RunFolder
    data: TrainingData
    say: Say
    held_out: HeldOut = field(init=False)  # the same in every run of every seed

    def __post_init__(self) -> None:
        self.held_out = render_held_out(self.config, self.data.held_out).to(self.state.accelerator.device)

    def tick(self, line: dict[str, Any]) -> None:
        """Log a line of metrics."""
        self.folder.log(line)
        self.say(describe(line, self.config.steps))

    def measure(self, last: bool) -> None:
        """Held-out measures and a preview, where the step or the run's end asks for them."""
        step, config = self.state.step, self.config
        if last or step % config.eval_every == 0:
            self._measure()
        if last or step % config.preview_every == 0:
            self.folder.preview(step, preview(self.state.ema_high, self.state.ema_low, self.held_out))

    def save(self, tensors: dict[str, Tensor]) -> None:
        """Write the state, and the averaged generators as a checkpoint."""
        self.folder.save_state(tensors, self.state.facts() | {"data": self.data.facts()})
        keep(self.folder.checkpoint, self.state, self.config, self.data, {})

    def _measure(self) -> None:
        """Log the held-out measures of the averaged generators, and export them if they are the best so far."""
        state = self.state
        found = evaluate(state.ema_high, self.held_out)
        self.folder.log({"step": state.step, "held_out": found})
        self.say(
            f"held out: PSNR {found['psnr_input']:.2f} -> {found['psnr_output']:.2f} dB, SSIM "
            f"{found['ssim_input']:.3f} -> {found['ssim_output']:.3f}, change "
            f"{found['change_poor']:.1f} poor, {found['change_clean']:.1f} clean "
            f"(ratio {found['change_ratio']:.2f})"
        )
        state.evaluations_without_improvement += (
            state.step > self.config.discriminators_first
        )  # else nothing could be better yet
        if found["score"] > state.best_score:
            state.best_score, state.evaluations_without_improvement = found["score"], 0
            keep(self.folder.best, state, self.config, self.data, found)
