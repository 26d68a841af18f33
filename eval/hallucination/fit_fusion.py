"""Fit fusion and error head: to the results of networks that were taught to be wrong, and of the shipped one.

The shipped network counts as it is, with the results of clips with and without their lesion swapped, and with shapes
painted into its results and taken out of them. The clips are not those of the measurement, nor those of a calibration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from echogan.calibration.examples import Example, examples, swapped
from echogan.calibration.lesion_clips import lesion_clips
from echogan.calibration.painted import painted
from echogan.core.atomic import replacing
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.phantom.lesions import LESIONS
from echogan.trust.evidence import Evidence
from echogan.trust.fusion import HEAD, RESIDUALS, UNITS, WEIGHTS, Fusion
from eval.hallucination.faulty import FAULTY, FITTED_ON, FRAMES, faulty_examples
from eval.hallucination.fit_head import MOST, OF_NETWORKS, fit_head, frame
from eval.measures.baselines import open_enhancer

FIRST_SEED = 1_950_000_000  # hearts that nothing else uses
CLIPS = 24  # of each kind of lesion
RESIDUAL = 1.5  # of the standardised residual that is added to its logit, as the fitted units level off
STEPS, BATCH, LEARNING_RATE, DECAY = 2000, 8192, 1e-2, 1e-4

Pixels = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Evidence (k, e), truth (k, 2), removed and invented as 0 or 1, and weight (k,)."""


def write_fusion(faulty: Path, kept: Path) -> None:
    """Fit both and write them into the program. `faulty` is the folder of the faulty networks."""
    drawn, frames = [], []
    for number, one in enumerate(fitting_examples(faulty, kept)):
        drawn.append(pixels(one, np.random.default_rng([0, number])))
        frames.append(frame(one))
    weights = vars(fit(drawn)) | {HEAD + name: one for name, one in fit_head(frames).items()}
    with replacing(WEIGHTS) as part:
        save_file({name: np.ascontiguousarray(one, np.float32) for name, one in weights.items()}, part)


def fitting_examples(faulty: Path, kept: Path) -> Iterator[Example]:
    """The examples that both are fitted on."""
    clips = [clip for kind in LESIONS for clip in lesion_clips(kind, FIRST_SEED, CLIPS, FRAMES, kept)]
    own = list(examples(clips, open_enhancer(DEFAULT)))
    yield from own
    yield from swapped(own)
    yield from painted(own)
    for one in FAULTY:
        if one.name in FITTED_ON:
            yield from faulty_examples(one, clips, open_enhancer(str(faulty / one.name)))


def fit(drawn: Sequence[Pixels], seed: int = 0) -> Fusion:
    """The fusion with the least weighted cross-entropy on the `pixels` of all examples."""
    torch.manual_seed(seed)
    evidence, truth, weight = (np.concatenate(column) for column in zip(*drawn, strict=True))
    mean, scale = evidence.mean(0), evidence.std(0) + 1e-6
    start = Fusion(mean, scale, *(np.zeros(1, np.float32),) * 2)
    seen = torch.from_numpy(start.standardised(evidence))
    target, counts = torch.from_numpy(truth), torch.from_numpy(weight)[:, None]
    network = MonotoneHeads(evidence.shape[1])
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(seen), (BATCH,))
        cost = nn.functional.binary_cross_entropy_with_logits(
            network(seen[batch]), target[batch], counts[batch]
        )
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        schedule.step()
    return with_residual(Fusion(mean, scale, *(one.detach().numpy() for one in network.layers())))


def with_residual(fusion: Fusion) -> Fusion:
    """With two units more: RESIDUAL times what was darkened adds to removed, and so what was brightened to invented."""
    sides = np.array([-1, 1], np.float32)
    units = np.zeros((len(fusion.hidden), 2), np.float32)
    units[0], units[-1] = sides, sides * fusion.mean[0] / fusion.scale[0]  # zero where the residual is
    hidden = np.concatenate([fusion.hidden, units], 1)
    out = np.insert(fusion.out, -1, RESIDUAL * np.eye(2, dtype=np.float32), 0)
    return Fusion(fusion.mean, fusion.scale, hidden, out)


class MonotoneHeads(nn.Module):
    """Two heads, removed and invented, of half of the UNITS each, that can only fall or rise with the residual.

    A stronger change of a pixel is never less suspicious, all else equal, also where it is stronger than any that the
    fusion was fitted on. All other evidence counts as it comes, with its squares.

    pieces   of evidence, of which RESIDUALS come first
    """

    def __init__(self, pieces: int):
        super().__init__()
        half, others = UNITS // 2, pieces - RESIDUALS
        self.residual = nn.Parameter(0.3 * torch.randn(2, RESIDUALS, half) - 1.5)
        self.context = nn.Parameter(0.3 * torch.randn(2, 2 * others, half))
        self.bias = nn.Parameter(0.5 * torch.randn(2, 1, half))
        self.out = nn.Parameter(0.3 * torch.randn(2, half) - 1.5)
        self.shift = nn.Parameter(torch.full((1, 2), -1.0))

    def layers(self) -> tuple[Tensor, Tensor]:
        """The weights as `Fusion` keeps them: hidden (2 * pieces + 1, UNITS), out (UNITS + 1, 2)."""
        falling, rising = nn.functional.softplus(self.residual)
        plain, squares = self.context.chunk(2, dim=1)
        parts = [torch.stack([-falling, rising]), plain, torch.zeros_like(self.residual), squares, self.bias]
        weights = nn.functional.softplus(self.out)
        hidden = torch.cat(list(torch.cat(parts, dim=1)), dim=1)
        return hidden, torch.cat([torch.block_diag(*weights[:, :, None]), self.shift])

    def forward(self, seen: Tensor) -> Tensor:
        """Logits (n, 2) of standardised evidence (n, 2 * pieces)."""
        hidden, out = self.layers()
        return torch.relu(seen @ hidden[:-1] + hidden[-1]) @ out[:-1] + out[-1]


def pixels(example: Example, rng: np.random.Generator) -> Pixels:
    """Evidence (k, e), truth (k, 2), removed and invented as 0 or 1, and weight (k,) of pixels of the middle frame."""
    middle, of = slice(example.middle, example.middle + 1), Evidence(example.tissue)
    (found,) = of(example.x[middle], example.g[middle])
    found = found.reshape(-1, found.shape[-1])
    truth, size = example.truth, of.tissue.shape[::-1]
    evidence, labels, weights = [], [], []
    for mask, label in ((truth.erased, (1, 0)), (truth.invented, (0, 1)), (truth.faithful, (0, 0))):
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        chosen = rng.permutation(np.flatnonzero(small & of.tissue))[:MOST]
        evidence.append(found[chosen])
        labels.append(np.tile(np.array(label, np.float32), (len(chosen), 1)))
        weight = OF_NETWORKS if any(label) and example.change is None else 1
        weights.append(np.full(len(chosen), weight, np.float32))
    return np.concatenate(evidence), np.concatenate(labels), np.concatenate(weights)
