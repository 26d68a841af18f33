"""Train a segmenter on the phantom: `python -m echogan.training.segmenter.train --name segmenter`.

With `--finds walls` it learns to find walls, also those that a frame does not show.

Pure torch, one process. A run stopped at any step and resumed ends with the same bits on the CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.checkpoints.segmenter_checkpoint import save_segmenter
from echogan.model.networks.segmenter import CLASSES, Segmenter, SegmenterConfig
from echogan.phantom import PHANTOM_VERSION
from echogan.training.flags import add_flags, ended
from echogan.training.run_folder import RunFolder
from echogan.training.segmenter.config import SegmentConfig, check_same
from echogan.training.segmenter.data import HELD_OUT_SEED, IGNORED, RENDERERS, Frames, Render, batches
from echogan.training.segmenter.state import SegmentState
from echogan.training.stop_signal import StopSignal

WEIGHTS = {"structures": (0.4, 1.0, 1.5, 1.5, 1.5, 2.0), "walls": (0.5, 1.0, 2.0)}
"""Of each class's pixels in the cross-entropy: thin and small ones else come last."""


def train_segmenter(
    config: SegmentConfig, render: Render | None = None, say: Callable[[str], None] = print
) -> Path:
    """Train, or go on, until `config.steps` or until asked to stop; the folder of the run.

    `render` makes the frames; without it, that of RENDERERS does. `checkpoint/` in the folder is the averaged network.
    Raises SettingsError, TrainingError and, for `start_from`, CheckpointNotFound and InvalidCheckpoint.
    """
    config.check()
    render = render or RENDERERS[config.finds]
    torch.set_num_threads(config.threads)
    folder, state = RunFolder(Path(config.folder) / config.name), SegmentState(config)
    if config.resume:
        check_same(config, folder.read_config())
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
            loss = segmentation_loss(state.network(frames.images), frames.classes, WEIGHTS[config.finds])
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


def segmentation_loss(
    logits: Tensor, classes: Tensor, weights: Sequence[float] = WEIGHTS["structures"]
) -> Tensor:
    """Weighted cross-entropy plus one minus the soft Dice of all but the first class over a batch
    (Milletari et al., 3DV 2016).

    logits (n, k, h, w); classes int64 (n, h, w), IGNORED where a pixel does not count; weights of the k classes.
    """
    known = classes != IGNORED
    wanted = F.one_hot(classes.where(known, 0), len(weights)).movedim(3, 1) * known[:, None]
    shown = logits.softmax(1) * known[:, None]
    both, each = (shown * wanted).sum((0, 2, 3)), (shown + wanted).sum((0, 2, 3))
    overlap = (2 * both + 1) / (each + 1)
    weighted = F.cross_entropy(
        logits, classes, torch.tensor(weights, device=logits.device), ignore_index=IGNORED
    )
    return weighted + 1 - overlap[1:].mean()


def learning_rate(config: SegmentConfig, step: int) -> float:
    """A warm-up over 30 steps, then a cosine schedule to 0."""
    warm = min(1.0, (step + 1) / 30)
    return (
        config.learning_rate
        * warm
        * 0.5
        * (1 + float(torch.cos(torch.tensor(step / config.steps * torch.pi))))
    )


@torch.no_grad()
def dice(network: Segmenter, frames: Frames) -> dict[str, float]:
    """Dice of each class but the first, with the pixels of all frames pooled."""
    found = torch.cat([network(part).argmax(1) for part in frames.images.split(8)])
    known = frames.classes != IGNORED
    scores = {}
    for kind in list(CLASSES[network.config.finds])[1:]:
        a, b = (found == kind) & known, frames.classes == kind
        scores[kind.name] = 2 * float((a & b).sum()) / max(1.0, float(a.sum() + b.sum()))
    return scores


def _described(config: SegmentConfig, state: SegmentState, found: dict[str, float]) -> SegmenterConfig:
    settings = asdict(config)
    del settings["folder"], settings["resume"]
    return SegmenterConfig(
        config.name, config.channels, config.size, config.finds, {"phantom": PHANTOM_VERSION},
        settings | {"finished_steps": state.step, "held_out_dice": {k: round(v, 4) for k, v in found.items()}},
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Train with the given flags; returns the exit code of `ended`."""
    parser = argparse.ArgumentParser(
        prog="python -m echogan.training.segmenter.train", description="Train the segmenter on the phantom."
    )
    add_flags(parser, SegmentConfig())
    config = SegmentConfig(**vars(parser.parse_args(arguments)))
    return ended(lambda: f"Run folder: {train_segmenter(config)}")


if __name__ == "__main__":
    sys.exit(main())
