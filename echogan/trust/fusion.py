"""Fusion: from the evidence of a pixel, the probability that the generator removed or invented what it shows there.

A small network of 24 units on the standardised evidence and its squares: half of them for each logit, which rises
with the residual and never falls again, or falls with it (removed). Two units more pass the residual itself on, as the
fitted ones level off at what they know. What the error head says is added
(`trust.error_head`). The weights of both come with the program. They were fitted (`eval hallucination --fit`) on
results with many known errors, more than a result has, so a checkpoint's thresholds come from its own calibration.
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
HEAD = "head."  # what the names of the error head's weights begin with
LIMIT, RESIDUAL_LIMIT = (
    3.0,
    6.0,
)  # standardised evidence beyond it counts as this much: about the most that was fitted


@dataclass(frozen=True)
class Fusion:
    """The weights of the network, without the error head.

    mean, scale   float32 (k,): of each piece of evidence
    hidden        float32 (2k + 1, u), the last row added
    out           float32 (u + 1, 2), the last row added: removed, invented
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

    def __call__(self, evidence: np.ndarray) -> np.ndarray:
        """The logits of removed and of invented, float32 (..., 2), of evidence (..., k)."""
        # Pixels along the last axis: numpy is several times as fast so.
        units = self.hidden[:-1].T @ self.standardised(evidence).T
        units += self.hidden[-1][:, None]
        np.maximum(units, 0, out=units)
        logits = self.out[:-1].T @ units + self.out[-1][:, None]
        return logits.T.reshape(*evidence.shape[:-1], 2)

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
    weights = {name: array for name, array in load_file(WEIGHTS).items() if not name.startswith(HEAD)}
    assert weights["mean"].shape == (len(EVIDENCE),), "the weights are those of other evidence"
    return Fusion(**weights)


@cache
def bundled_head() -> dict[str, np.ndarray]:
    """The weights of the error head that comes with the program, as `head_logits` takes them."""
    weights = load_file(WEIGHTS)
    return {name.removeprefix(HEAD): one for name, one in weights.items() if name.startswith(HEAD)}


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Logits as float32 probabilities in (0, 1)."""
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)


def full_size(probability: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Probabilities (n, h', w') at half the size, as float32 (n, h, w), zero outside the tissue bool (h, w)."""
    height, width = tissue.shape
    scaled = [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in probability]
    return np.where(tissue, np.stack(scaled), np.float32(0))
