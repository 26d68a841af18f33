"""Fit the error head: a small U-Net that sees input and result, on the frames that the fusion is fitted on.

It learns two things at once: where the result is wrong, and what the project's segmenters see in the input. The second
is left out of what is stored. It makes the head find chambers and walls, so that it tells haze over blood from a wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echogan.calibration.examples import Example
from echogan.enhance.segmentation import SegmenterInput, segmenter_on
from echogan.model.checkpoints.segmenter_checkpoint import STRUCTURES
from echogan.model.checkpoints.segmenter_checkpoint import WALLS as WALLS_NETWORK
from echogan.model.networks.segmenter import Structure, Wall
from echogan.trust.error_head import shown
from echogan.trust.evidence import Evidence

WIDTHS = (12, 16, 24, 32)  # channels at 1 / 4, 1 / 8, 1 / 16 and 1 / 32 of the size of the evidence
EPOCHS, BATCH, LEARNING_RATE, DECAY = 16, 8, 3e-3, 1e-3
SIDE = 128  # of the square that the frames are put into: half the working size
WRONG = 2  # removed, invented
MOST = 400  # pixels of each class that a frame weighs
OF_NETWORKS = 3.0  # weight of a wrong pixel that a network or a swap made; others weigh 1
ANATOMY = 0.3  # weight of each segmenter's cross-entropy
SHARE = 0.5  # of the logits that is kept: the head is surer of networks that it has not seen than it is right
SEGMENTERS = ((STRUCTURES, "structures", len(Structure)), (WALLS_NETWORK, "walls", len(Wall)))
CPU = torch.device("cpu")

Frame = tuple[np.ndarray, np.ndarray]
"""What the head sees, float16 (3, SIDE, SIDE), and what is true, uint8 (3 + 9, SIDE, SIDE), 255 for 1: removed,
invented, weight as a share of OF_NETWORKS, and the probabilities of the segmenters' classes."""


def frame(example: Example) -> Frame:
    """The middle frame of an example, in the corner of a square."""
    evidence = Evidence(example.tissue)
    x, g = (evidence.reduced(one[example.middle]) for one in (example.x, example.g))
    wrong, weight = labelled(example, evidence.tissue)
    seen = _squared(shown(x, g, evidence.tissue))
    truth = np.concatenate([wrong, weight[None] / OF_NETWORKS, anatomy(example, evidence.tissue.shape)])
    return seen.astype(np.float16), np.rint(255 * _squared(truth)).astype(np.uint8)


def _squared(maps: np.ndarray) -> np.ndarray:
    """Maps (k, h, w) in the corner of float32 (k, SIDE, SIDE)."""
    count, height, width = maps.shape
    square = np.zeros((count, SIDE, SIDE), np.float32)
    square[:, :height, :width] = maps
    return square


def labelled(example: Example, tissue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is wrong, float32 (2, h, w), removed and invented as 0 or 1, and weight, float32 (h, w), at half the size.

    The pixels of a class weigh together what the pixels weigh that the fusion draws of it.

    tissue   bool (h, w), at half the size
    """
    truth, wrong = example.truth, np.zeros((WRONG, *tissue.shape), np.float32)
    weight = np.zeros(tissue.shape, np.float32)
    for number, mask in enumerate((truth.erased, truth.invented, truth.faithful)):
        share = cv2.resize(mask.astype(np.float32), tissue.shape[::-1], interpolation=cv2.INTER_AREA)
        small = (share >= 0.5) & tissue
        weight[small] = min(1, MOST / max(1, small.sum()))
        if number < WRONG:
            wrong[number, small] = 1
            weight[small] *= OF_NETWORKS if example.change is None else 1
    return wrong, weight


def anatomy(example: Example, size: tuple[int, ...]) -> np.ndarray:
    """The probability of each class of both segmenters in the input: float32 (9, h, w) of `size`."""
    x = 2 * example.x[example.middle] - 1
    maps = []
    for source, finds, _ in SEGMENTERS:
        network = segmenter_on(CPU, source, finds)
        fit = SegmenterInput(x.shape, network.config.working_size)
        with torch.inference_mode():
            found = network(fit(x[None]))[0, :, : fit.size[0], : fit.size[1]].softmax(0).numpy()
        maps += [cv2.resize(one, size[::-1]) for one in found]
    return np.stack(maps)


class ErrorHead(nn.Module):
    """The network that is trained: (n, 3, h, w) of `shown` to logits (n, outputs, h, w), WRONG first."""

    def __init__(self, outputs: int = WRONG):
        super().__init__()
        self.standardise = nn.BatchNorm2d(3)
        self.down = nn.ModuleList(_block(a, b, 2) for a, b in pairwise((3, *WIDTHS)))
        self.up = nn.ModuleList(_block(a + b, b) for a, b in pairwise(WIDTHS[::-1]))
        self.out = nn.Conv2d(WIDTHS[0], outputs, 1)

    def forward(self, seen: Tensor) -> Tensor:
        levels = [self.standardise(seen)]
        for block in self.down:
            levels.append(block(levels[-1]))
        found = levels.pop()
        for block in self.up:
            found = block(torch.cat([F.interpolate(found, scale_factor=2), levels.pop()], 1))
        return F.interpolate(self.out(found), scale_factor=2, mode="bilinear")


def _block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """Two 3 x 3 convolutions, each with batch normalisation and ReLU."""
    parts: list[nn.Module] = []
    for channels, step in ((before, stride), (after, 1)):
        convolution = nn.Conv2d(channels, after, 3, step, padding=1, bias=False)
        parts += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*parts)


def fit_head(frames: Sequence[Frame], seed: int = 0, epochs: int = EPOCHS) -> dict[str, np.ndarray]:
    """The weights of the head, as `echogan.trust.error_head.head_logits` takes them. Frames are mirrored at random."""
    torch.manual_seed(seed)
    seen, truths = (torch.from_numpy(np.stack(column)) for column in zip(*frames, strict=True))
    head = ErrorHead(truths.shape[1] - 1)
    optimiser = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(seen)).split(BATCH):
            shows, true = seen[chosen].float(), truths[chosen].float() / 255
            if torch.rand(()) < 0.5:
                shows, true = shows.flip(-1), true.flip(-1)
            loss = cost(head(F.avg_pool2d(shows, 2)), true, shows[:, 2:])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(chosen)
        schedule.step()
        print(f"error head: epoch {epoch + 1}, loss {total / len(seen):.4f}", flush=True)
    return folded(head.eval())


def folded(head: ErrorHead) -> dict[str, np.ndarray]:
    """The weights of SHARE of the logits of WRONG, float32, with batch normalisation folded into the convolutions."""
    scale, shift = _affine(head.standardise)
    weights = {"scale": scale, "shift": shift}
    for name, blocks in (("down", head.down), ("up", head.up)):
        for level, block in enumerate(blocks):
            parts = list(block.children())
            for half, convolution, norm in (("a", *parts[:2]), ("b", *parts[3:5])):
                assert isinstance(convolution, nn.Conv2d)
                assert isinstance(norm, nn.BatchNorm2d)
                scale, shift = _affine(norm)
                weights[f"{name}{level}{half}.weight"] = convolution.weight * scale[:, None, None, None]
                weights[f"{name}{level}{half}.bias"] = shift
    assert head.out.bias is not None
    weights |= {
        "out.weight": SHARE * head.out.weight[:WRONG, :, 0, 0],
        "out.bias": SHARE * head.out.bias[:WRONG],
    }
    return {name: one.detach().numpy() for name, one in weights.items()}


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What batch normalisation multiplies each channel with in use, and what it adds then."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale


def cost(logits: Tensor, truths: Tensor, tissue: Tensor) -> Tensor:
    """Weighted cross-entropy of what is wrong, and ANATOMY times that of what the segmenters see in the tissue.

    logits   (n, 2 + 9, h / 2, w / 2): removed, invented, and the segmenters' classes
    truths   (n, 3 + 9, h, w) in [0, 1], as `Frame` has them; tissue (n, 1, h, w)
    """
    wrong, weight, known = truths.split([WRONG, 1, truths.shape[1] - WRONG - 1], 1)
    tissue, known = F.avg_pool2d(tissue, 2), F.avg_pool2d(known, 2)
    full = F.interpolate(logits[:, :WRONG], scale_factor=2, mode="bilinear")
    weight = OF_NETWORKS * weight
    losses = F.binary_cross_entropy_with_logits(full, wrong, reduction="none")
    total = (weight * losses).sum() / (WRONG * weight.sum().clamp_min(1))
    counts = [count for _, _, count in SEGMENTERS]
    for found, share in zip(logits[:, WRONG:].split(counts, 1), known.split(counts, 1), strict=True):
        total += ANATOMY * -(share * found.log_softmax(1) * tissue).sum() / tissue.sum()
    return total
