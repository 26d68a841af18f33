"""A small U-Net in numpy, so that reading clips needs no torch (Ronneberger et al., MICCAI 2015).

`eval.fans.unet` trains the same network in torch, and a test compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from echogan.core.convolution import convolved


def probability(maps: np.ndarray, widths: Sequence[int], weights: Path) -> np.ndarray:
    """What the network with these stored weights gives: float32 (S, S) from 0 to 1, of maps (C, S, S)."""
    return 1 / (1 + np.exp(-np.clip(forward(maps, widths, _loaded(weights)), -30, 30)))


@cache
def _loaded(weights: Path) -> dict[str, np.ndarray]:
    return {name: array.astype(np.float32) for name, array in load_file(weights).items()}


def forward(maps: np.ndarray, widths: Sequence[int], weights: dict[str, np.ndarray]) -> np.ndarray:
    """Logits, float32 (S, S), of maps float32 (C, S, S); `widths` are the channels from half the side S downwards.

    S is a multiple of 2 to the power of len(widths).
    """
    x, skips = _unshuffle(maps), []
    for level in range(len(widths)):
        if level:
            skips.append(x)
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max((2, 4))
        for half in "ab":
            x = np.maximum(convolved(x, *_layer(weights, f"down{level}{half}")), 0)
    for level in reversed(range(len(widths) - 1)):
        x = np.concatenate([x.repeat(2, 1).repeat(2, 2), skips[level]])
        x = np.maximum(convolved(x, *_layer(weights, f"up{level}")), 0)
    return _shuffle(convolved(x, *_layer(weights, "out")))


def _layer(weights: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _unshuffle(x: np.ndarray) -> np.ndarray:
    """(C, h, w) to (4 C, h / 2, w / 2), as torch's pixel_unshuffle orders them."""
    channels, height, width = x.shape
    blocks = x.reshape(channels, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
    return blocks.reshape(4 * channels, height // 2, width // 2)


def _shuffle(x: np.ndarray) -> np.ndarray:
    """(4, h, w) to (2 h, 2 w), as torch's pixel_shuffle orders them."""
    _, height, width = x.shape
    return x.reshape(2, 2, height, width).transpose(2, 0, 3, 1).reshape(2 * height, 2 * width)
