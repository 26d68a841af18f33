"""Error head: a small network that sees a frame and its result, and tells where the result is wrong.

A rival of the fusion, to be measured, after the conformal failure masks of "Trustworthy Endoscopic Super-Resolution"
(arXiv 2604.18001). There a light network reads features inside one frozen generator and predicts the error of each
pixel. Here the tested networks are of other architectures than those it is fitted on, so it sees what all of them have:
the input and the result. It is fitted on the frames that the fusion is fitted on, with the same weight of each class,
and some of their clips decide when to stop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from echogan.calibration.examples import Example
from echogan.core.atomic import replacing
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.trust.fusion import full_size
from eval.hallucination.faulty import FITTED_ON
from eval.hallucination.fit_fusion import MOST, OF_NETWORKS, fitting_examples
from eval.measures.baselines import checkpoint_facts, open_enhancer

SIDE = 128  # of the frames that it sees: half the working size
CHANNELS = (12, 16, 24, 32)  # at SIDE / 2, / 4, / 8 and / 16: a wrong place is smooth
EPOCHS, BATCH, LEARNING_RATE, DECAY = 16, 8, 3e-3, 1e-3
HELD_OUT = 6  # every sixth clip is for the choice of the epoch


@dataclass(frozen=True)
class HeadFrames:
    """Frames that the head is fitted on; see `seen` and `labelled`.

    seen     float16 (n, 3, SIDE, SIDE)
    wrong    uint8 (n, 2, SIDE, SIDE)
    weight   float16 (n, SIDE, SIDE)
    clip     int64 (n,): the simulated heart of each
    """

    seen: Tensor
    wrong: Tensor
    weight: Tensor
    clip: Tensor

    def __getitem__(self, chosen: Tensor) -> HeadFrames:
        return HeadFrames(*(one[chosen] for one in vars(self).values()))


class ErrorHead(nn.Module):
    """A U-Net of few channels: (n, 3, SIDE, SIDE) of `seen` to logits (n, 2, SIDE, SIDE), removed and invented."""

    def __init__(self):
        super().__init__()
        self.standardise = nn.BatchNorm2d(3)
        self.down = nn.ModuleList(_block(a, b, 2) for a, b in pairwise((3, *CHANNELS)))
        self.up = nn.ModuleList(_block(a + b, b) for a, b in pairwise(CHANNELS[::-1]))
        self.out = nn.Conv2d(CHANNELS[0], 2, 1)

    def forward(self, seen: Tensor) -> Tensor:
        x, g, tissue = seen.split(1, dim=1)
        levels = [self.standardise(torch.cat([x, g - x, tissue], 1))]
        for block in self.down:
            levels.append(block(levels[-1]))
        found = levels.pop()
        for block in self.up:
            found = block(torch.cat([nn.functional.interpolate(found, scale_factor=2), levels.pop()], 1))
        return nn.functional.interpolate(self.out(found), scale_factor=2, mode="bilinear")

    def probabilities(self, example: Example) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities of removed and of invented in the middle frame, float32 (h, w) each, as of the fusion."""
        with torch.inference_mode():
            found = torch.sigmoid(self(torch.from_numpy(seen(example))[None]))[0].numpy()
        height, width = (side // 2 for side in example.tissue.shape)
        removed, invented = (full_size(one[None, :height, :width], example.tissue)[0] for one in found)
        return removed, invented


def _block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """Two 3 x 3 convolutions, each with batch normalisation and ReLU."""
    parts: list[nn.Module] = []
    for channels, step in ((before, stride), (after, 1)):
        convolution = nn.Conv2d(channels, after, 3, step, padding=1, bias=False)
        parts += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*parts)


def seen(example: Example) -> np.ndarray:
    """What the head sees of the middle frame, float32 (3, SIDE, SIDE): input and result in [0, 1], and the tissue.

    At half the size, zero outside the tissue and beyond the frame.
    """
    images = (example.x[example.middle], example.g[example.middle], np.ones_like(example.x[0]))
    return np.stack([_half(np.where(example.tissue, one, 0)) for one in images])


def labelled(example: Example) -> tuple[np.ndarray, np.ndarray]:
    """What is wrong, uint8 (2, SIDE, SIDE), removed and invented, and weight, float32 (SIDE, SIDE).

    The pixels of a class weigh together what the pixels weigh that the fusion draws of it.
    """
    truth, wrong = example.truth, np.zeros((2, SIDE, SIDE), np.uint8)
    weight = np.zeros((SIDE, SIDE), np.float32)
    for number, mask in enumerate((truth.erased, truth.invented, truth.faithful)):
        small = _half(mask & example.tissue) >= 0.5
        weight[small] = min(1, MOST / max(1, small.sum()))
        if number < len(wrong):
            wrong[number, small] = 1
            weight[small] *= OF_NETWORKS if example.change is None else 1
    return wrong, weight


def _half(image: np.ndarray) -> np.ndarray:
    """A map (h, w) at half its size, in the corner of float32 (SIDE, SIDE)."""
    height, width = (side // 2 for side in image.shape)
    found = np.zeros((SIDE, SIDE), np.float32)
    found[:height, :width] = cv2.resize(
        image.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    return found


def head_frames(examples: Iterable[Example]) -> HeadFrames:
    """The frames of examples."""
    rows = [(seen(one), *labelled(one), one.clip) for one in examples]
    shown, wrong, weight, clip = (np.stack(column) for column in zip(*rows, strict=True))
    return HeadFrames(
        torch.from_numpy(shown).half(), torch.from_numpy(wrong), torch.from_numpy(weight).half(),
        torch.from_numpy(clip),
    )  # fmt: skip


def fitted_head(faulty: Path, kept: Path, folder: Path) -> ErrorHead:
    """The head of the networks that the fusion is fitted on. Its frames and weights are kept in a folder.

    faulty, kept   folders of the faulty networks and of the rendered clips
    """
    key = hashlib.sha256("".join(one["sha256"] for one in fitted_on(faulty)).encode()).hexdigest()[:12]
    frames, weights = (folder / f"{name}-{key}.safetensors" for name in ("frames", "head"))
    head = ErrorHead()
    if not frames.exists():
        _keep(vars(head_frames(fitting_examples(faulty, kept))), frames)
    if not weights.exists():
        _keep(fit_head(HeadFrames(**load_file(frames))).state_dict(), weights)
    head.load_state_dict(load_file(weights))
    return head.eval()


def _keep(tensors: dict[str, Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        save_file(tensors, part)


def fitted_on(faulty: Path) -> list[dict[str, str]]:
    """The name and sha256 of the networks that the head is fitted on. `faulty` is the folder of the faulty ones."""
    return [
        checkpoint_facts(open_enhancer(one)) for one in (DEFAULT, *(str(faulty / name) for name in FITTED_ON))
    ]


def head_facts(head: ErrorHead, faulty: Path) -> dict[str, Any]:
    """How large the head is and how it was fitted, as JSON."""
    weights = sum(one.numel() for one in head.parameters())
    return {"weights": weights, "epochs": EPOCHS, "fitted_on": fitted_on(faulty)}


def fit_head(frames: HeadFrames, seed: int = 0, epochs: int = EPOCHS) -> ErrorHead:
    """The head after the epoch that costs least on the held-out clips. Frames are mirrored at random."""
    torch.manual_seed(seed)
    held = frames.clip % HELD_OUT == 0
    fitted, others = frames[~held], frames[held]
    head = ErrorHead()
    optimiser = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    best, least = head.state_dict(), float("inf")
    for epoch in range(epochs):
        head.train()
        for chosen in torch.randperm(len(fitted.clip)).split(BATCH):
            loss = cost(head, fitted[chosen], mirrored=bool(torch.rand(()) < 0.5))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        head.eval()
        with torch.inference_mode():
            parts = [cost(head, others[part]) for part in torch.arange(len(others.clip)).split(BATCH)]
        now = float(torch.stack(parts).mean())
        print(f"error head: epoch {epoch}, cost on held-out clips {now:.4f}", flush=True)
        if now < least:
            best, least = {name: one.clone() for name, one in head.state_dict().items()}, now
    head.load_state_dict(best)
    return head.eval()


def cost(head: ErrorHead, frames: HeadFrames, mirrored: bool = False) -> Tensor:
    """Weighted cross-entropy of some frames."""
    shown, wrong, weight = (one.float() for one in (frames.seen, frames.wrong, frames.weight[:, None]))
    if mirrored:
        shown, wrong, weight = (one.flip(-1) for one in (shown, wrong, weight))
    losses = nn.functional.binary_cross_entropy_with_logits(head(shown), wrong, reduction="none")
    return (weight * losses).sum() / (2 * weight.sum().clamp_min(1))
