"""Train the segmenter on the phantom: `python -m echogan.training.segmenter.train --name segmenter`.

Pure torch, one process. A run stopped at any step and resumed ends with the same bits on the CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.core.errors import TrainingError
from echogan.core.settings import NAME, NAME_WANTED, check_settings, number, switch, text
from echogan.model.checkpoints.segmenter_checkpoint import save_segmenter
from echogan.model.networks.segmenter import Segmenter, SegmenterConfig, Structure
from echogan.phantom import PHANTOM_VERSION
from echogan.training.flags import add_flags, ended
from echogan.training.run_folder import RunFolder
from echogan.training.segmenter.data import HELD_OUT_SEED, IGNORED, Frames, Render, batches, render_phantom
from echogan.training.stop_signal import StopSignal


@dataclass(frozen=True)
class SegmentConfig:
    """Everything a run decides."""

    name: str = text("segmenter", "name of the run's folder and of the checkpoint", NAME, NAME_WANTED)
    folder: str = text("runs", "where run folders are made")
    resume: bool = switch(False, "go on where the run of this name stopped")
    steps: int = number(3000, "training steps; the learning rate falls to 0 along a cosine", 1, 1_000_000)
    batch_size: int = number(8, "frames in a step", 1, 256)
    size: int = number(128, "height and width of the frames, pixels", 64, 512)
    channels: int = number(8, "width of the first level", 4, 64)
    learning_rate: float = number(2e-3, "of AdamW at the start", 1e-7, 1e-1)
    ema_decay: float = number(0.99, "decay of the averaged weights, which are kept", 0.0, 0.9999)
    seed: int = number(0, "everything random follows from it", 0, 250)
    clips_per_round: int = number(6, "clips rendered for a round of steps", 1, 1000)
    frames_per_clip: int = number(2, "frames rendered of each clip and look", 1, 100)
    steps_per_round: int = number(24, "steps between rounds of new clips", 1, 100_000)
    rounds_kept: int = number(16, "rounds that steps draw from", 1, 1000)
    held_out_clips: int = number(10, "clips, never trained on, for the Dice", 1, 1000)
    threads: int = number(1, "threads of torch on the CPU", 1, 256)
    tick: int = number(25, "steps between lines of metrics.jsonl", 1, 100_000)
    save_every: int = number(100, "steps between saved states", 1, 1_000_000)

    def check(self) -> None:
        """Raise SettingsError, naming the setting and its range, unless every value can be used."""
        check_settings(self)
        self.segmenter().check()

    def segmenter(self) -> SegmenterConfig:
        """How to build the network."""
        return SegmenterConfig(self.name, self.channels, self.size)


WEIGHTS = (0.4, 1.0, 1.5, 1.5, 1.5, 2.0)
"""Of each structure's pixels in the cross-entropy: thin and small ones else come last."""
FREE_ON_RESUME = {"folder", "resume", "steps", "threads", "tick", "save_every"}


class SegmentState:
    """All that a resume needs: network, average, optimiser and step."""

    def __init__(self, config: SegmentConfig) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network = Segmenter(config.segmenter())
        self.average = Segmenter(config.segmenter())
        self.average.load_state_dict(self.network.state_dict())
        self.average.eval().requires_grad_(False)
        self.adam = torch.optim.AdamW(self.network.parameters(), config.learning_rate, weight_decay=1e-3)
        self.step = 0

    def follow(self, decay: float) -> None:
        """Move the averaged weights a step towards the network's; faster at the start."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now.detach(), 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """Everything but the step, by name."""
        found = {f"network.{k}": t for k, t in self.network.state_dict().items()}
        found |= {f"average.{k}": t for k, t in self.average.state_dict().items()}
        for index, moments in self.adam.state_dict()["state"].items():
            found |= {f"adam.{index}.{k}": torch.as_tensor(t) for k, t in moments.items()}
        return found

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """The state that was saved. Raises TrainingError where it is of another network."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "adam": {}}
        try:
            for name, tensor in tensors.items():
                part, _, rest = name.partition(".")
                parts[part][rest] = tensor
            self.network.load_state_dict(parts["network"])
            self.average.load_state_dict(parts["average"])
            moments: dict[int, dict[str, Tensor]] = {}
            for name, tensor in parts["adam"].items():
                index, _, key = name.partition(".")
                moments.setdefault(int(index), {})[key] = tensor
            self.adam.load_state_dict({**self.adam.state_dict(), "state": moments})
            self.step = facts["step"]
        except (KeyError, RuntimeError, ValueError):
            raise TrainingError(
                "The saved state is of another segmenter. Start a new run with another --name."
            ) from None


def train_segmenter(
    config: SegmentConfig, render: Render = render_phantom, say: Callable[[str], None] = print
) -> Path:
    """Train, or go on, until `config.steps` or until asked to stop; the folder of the run.

    `checkpoint/` in it is the averaged network. Raises SettingsError and TrainingError.
    """
    config.check()
    torch.set_num_threads(config.threads)
    folder, state = RunFolder(Path(config.folder) / config.name), SegmentState(config)
    if config.resume:
        _check_same(config, folder.read_config())
        if folder.state.exists():
            state.restore(*folder.load_state())
        folder.write_config(asdict(config))
        folder.rewind(state.step)
    else:
        folder.begin(asdict(config))
    sizes = {name: getattr(config, name) for name in (
        "seed", "size", "batch_size", "clips_per_round", "frames_per_clip", "steps_per_round", "rounds_kept",
    )}  # fmt: skip
    held_out = [render(HELD_OUT_SEED + k, 1, config.size) for k in range(config.held_out_clips)]
    held_out = Frames(torch.cat([h.images for h in held_out]), torch.cat([h.classes for h in held_out]))
    total, counted, began = 0.0, 0, time.perf_counter()

    with StopSignal(folder.stop) as stop_signal:
        for step, frames in batches(render, state.step, config.steps, **sizes):
            for group in state.adam.param_groups:
                group["lr"] = learning_rate(config, step)
            state.adam.zero_grad(set_to_none=True)
            loss = segmentation_loss(state.network(frames.images), frames.classes)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
            state.adam.step()
            state.step = step + 1
            state.follow(config.ema_decay)
            total, counted = total + float(loss.detach()), counted + 1

            last = state.step == config.steps
            stop = stop_signal.wanted
            due = last or stop or state.step % config.save_every == 0
            if due or state.step % config.tick == 0:
                line = {"step": state.step, "loss": total / counted,
                        "seconds_per_step": (time.perf_counter() - began) / counted}  # fmt: skip
                folder.log(line)
                say(f"step {state.step}/{config.steps}  loss {line['loss']:.4f}  "
                    f"{line['seconds_per_step']:.2f} s/step")  # fmt: skip
                total, counted, began = 0.0, 0, time.perf_counter()
            if due:
                found = dice(state.average, held_out)
                folder.log({"step": state.step, "held_out": found})
                say("held out: " + "  ".join(f"{name} {value:.3f}" for name, value in found.items()))
                folder.save_state(state.tensors(), {"step": state.step})
                save_segmenter(folder.path / "checkpoint", state.average, _described(config, state, found))
                began = time.perf_counter()
            if stop and not last:
                say(f"Stopped by {stop_signal.reason} after step {state.step}; --resume goes on.")
                break
    return folder.path


def segmentation_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Weighted cross-entropy plus one minus the soft Dice of the structures over a batch (Milletari et al., 3DV 2016).

    logits (n, 6, h, w); classes int64 (n, h, w), IGNORED where it does not matter.
    """
    known = classes != IGNORED
    wanted = F.one_hot(classes.where(known, 0), len(Structure)).movedim(3, 1) * known[:, None]
    shown = logits.softmax(1) * known[:, None]
    both, each = (shown * wanted).sum((0, 2, 3)), (shown + wanted).sum((0, 2, 3))
    overlap = (2 * both + 1) / (each + 1)
    weights = torch.tensor(WEIGHTS, device=logits.device)
    return F.cross_entropy(logits, classes, weights, ignore_index=IGNORED) + 1 - overlap[1:].mean()


def learning_rate(config: SegmentConfig, step: int) -> float:
    """Warming up over 30 steps, and a cosine to 0."""
    warm = min(1.0, (step + 1) / 30)
    return (
        config.learning_rate
        * warm
        * 0.5
        * (1 + float(torch.cos(torch.tensor(step / config.steps * torch.pi))))
    )


@torch.no_grad()
def dice(network: Segmenter, frames: Frames) -> dict[str, float]:
    """Dice of each structure over all frames together: its pixels pooled."""
    found = torch.cat([network(part).argmax(1) for part in frames.images.split(8)])
    known = frames.classes != IGNORED
    scores = {}
    for structure in list(Structure)[1:]:
        a, b = (found == structure) & known, frames.classes == structure
        scores[structure.name] = 2 * float((a & b).sum()) / max(1.0, float(a.sum() + b.sum()))
    return scores


def _described(config: SegmentConfig, state: SegmentState, found: dict[str, float]) -> SegmenterConfig:
    settings = asdict(config)
    del settings["folder"], settings["resume"]
    return SegmenterConfig(
        config.name, config.channels, config.size, {"phantom": PHANTOM_VERSION},
        settings | {"finished_steps": state.step, "held_out_dice": {k: round(v, 4) for k, v in found.items()}},
    )  # fmt: skip


def _check_same(config: SegmentConfig, before: dict[str, Any]) -> None:
    now = asdict(config)
    changed = [k for k in now if k not in FREE_ON_RESUME and k in before and now[k] != before[k]]
    if changed:
        raise TrainingError(
            f"The run '{config.name}' was started with another {', '.join(changed)}. "
            "Resume with the same settings, or give the new run another name."
        )


def main(arguments: list[str] | None = None) -> int:
    """Train with the flags given; see `ended`."""
    parser = argparse.ArgumentParser(
        prog="python -m echogan.training.segmenter.train", description="Train the segmenter on the phantom."
    )
    add_flags(parser, SegmentConfig())
    config = SegmentConfig(**vars(parser.parse_args(arguments)))
    return ended(lambda: f"Run folder: {train_segmenter(config)}")


if __name__ == "__main__":
    sys.exit(main())
