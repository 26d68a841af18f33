"""Fusion: from the evidence of a pixel, the probability that the generator removed or invented what it shows there.

A small network of 24 units on the standardised evidence and its squares: half of them for each probability, which rises
with the residual and never falls again, or falls with it (removed). Its weights come with the program. They were
fitted (`eval hallucination --fit`) on results with many known errors, more than a result has, so a checkpoint's
thresholds come from its own calibration.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import load_file

from echogan.trust.evidence import EVIDENCE

UNITS = 24
RESIDUALS = 2  # pieces of evidence, the first ones, that both probabilities are monotone in
WEIGHTS = Path(__file__).with_name("fusion.safetensors")
LIMIT, RESIDUAL_LIMIT = (
    3.0,
    6.0,
)  # standardised evidence beyond it counts as this much: about the most that was fitted


@dataclass(frozen=True)
class Fusion:
    """The weights of the network.

    mean, scale   float32 (k,): of each piece of evidence
    hidden        float32 (2k + 1, UNITS), the last row added
    out           float32 (UNITS + 1, 2), the last row added: removed, invented
    """

    mean: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    out: np.ndarray

    @property
    def limits(self) -> np.ndarray:
        """Beyond which standardised evidence counts as this much: float32 (k,)."""
        limits = np.full(len(self.mean), LIMIT, np.float32)
        limits[:RESIDUALS] = RESIDUAL_LIMIT
        return limits

    def __call__(self, evidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities of removed and of invented, float32 (n, h, w) each in [0, 1], of evidence (n, h, w, k)."""
        # Pixels along the last axis: numpy is faster so.
        units = self.hidden[:-1].T @ self.standardised(evidence).T
        units += self.hidden[-1][:, None]
        np.maximum(units, 0, out=units)
        logits = (self.out[:-1].T @ units + self.out[-1][:, None]).T.reshape(*evidence.shape[:-1], 2)
        found = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return found[..., 0].astype(np.float32), found[..., 1].astype(np.float32)

    def standardised(self, evidence: np.ndarray) -> np.ndarray:
        """What the network sees of N pixels in all: float32 (N, 2k), the standardised evidence and its squares."""
        # One piece of evidence after the other: over an axis as short as k numpy takes five times as long.
        z = evidence.reshape(-1, len(self.mean)).T.astype(np.float32, order="C")
        for one, mean, scale, limit in zip(z, self.mean, self.scale, self.limits, strict=True):
            np.clip((one - mean) / scale, -limit, limit, out=one)
        return np.concatenate([z, z**2]).T


@cache
def fusion_sha256() -> str:
    """The hash of the bundled weights."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


@cache
def bundled_fusion() -> Fusion:
    """The fusion that comes with the program."""
    weights = load_file(WEIGHTS)
    assert weights["mean"].shape == (len(EVIDENCE),), "the weights are those of other evidence"
    return Fusion(**weights)


def full_size(probability: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Probabilities (n, h', w') at half the size, as float32 (n, h, w), zero outside the tissue bool (h, w)."""
    height, width = tissue.shape
    scaled = [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in probability]
    return np.where(tissue, np.stack(scaled), np.float32(0))
