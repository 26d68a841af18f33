"""Fit the fusion: its weights from the results of networks that were taught to be wrong, and of the shipped one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn

from echogan.calibration.examples import Example
from echogan.trust.evidence import EvidenceStream
from echogan.trust.fusion import UNITS, Fusion

STEPS, BATCH, LEARNING_RATE, DECAY = 3000, 8192, 3e-3, 1e-4
MOST = 400  # pixels of each class that a frame gives


def fit(examples: Sequence[Example], seed: int = 0) -> Fusion:
    """The fusion with the least cross-entropy on the pixels of the examples, each class weighted by its area."""
    torch.manual_seed(seed)
    parts = [pixels(one, np.random.default_rng([seed, k])) for k, one in enumerate(examples)]
    evidence, truth, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    mean, scale = evidence.mean(0), evidence.std(0) + 1e-6
    start = Fusion(mean, scale, *(np.zeros(1, np.float32),) * 2)
    seen = torch.from_numpy(start.standardised(evidence))
    first, last = nn.Linear(seen.shape[1], UNITS), nn.Linear(UNITS, 2)
    network = nn.Sequential(first, nn.ReLU(), last)
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    target, weights = torch.from_numpy(truth), torch.from_numpy(weight)[:, None]
    for _ in range(STEPS):
        drawn = torch.randint(len(seen), (BATCH,))
        cost = nn.functional.binary_cross_entropy_with_logits(
            network(seen[drawn]), target[drawn], weights[drawn]
        )
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        schedule.step()
    layers = [torch.cat([one.weight.T, one.bias[None]]).detach().numpy() for one in (first, last)]
    return Fusion(mean, scale, *layers)


def pixels(example: Example, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evidence (k, e), truth (k, 2), removed and invented as 0 or 1, and weight (k,), of some of the middle frame."""
    until = slice(0, example.middle + 1)
    stream = EvidenceStream(example.tissue)
    found = stream.add(example.x[until], example.g[until], example.cycled[until])[-1]
    truth, size = example.truth, stream.tissue.shape[::-1]
    rows = []
    for mask, label in ((truth.erased, (1, 0)), (truth.invented, (0, 1)), (truth.faithful, (0, 0))):
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        places = np.flatnonzero(small & stream.tissue)
        chosen = rng.permutation(places)[:MOST]
        rows.append((chosen, label, len(places) / max(1, len(chosen))))
    evidence = np.concatenate([found.reshape(-1, found.shape[-1])[chosen] for chosen, _, _ in rows])
    labels = np.concatenate([np.tile(np.float32(label), (len(chosen), 1)) for chosen, label, _ in rows])
    weight = np.concatenate([np.full(len(chosen), share, np.float32) for chosen, _, share in rows])
    return evidence, labels, weight
