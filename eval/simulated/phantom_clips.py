"""Simulated clips as numpy frames with their sector, and through an enhancer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from echogan.core.geometry import Fan, Sector
from echogan.enhance.chunk import Chunk
from echogan.enhance.enhancer import Enhancer
from echogan.phantom.clip import PhantomClip
from eval.measures.baselines import chunks


def array(frames: torch.Tensor | None) -> np.ndarray:
    """Rendered frames as a numpy array."""
    assert frames is not None
    return frames.numpy()


def phantom_sector(clip: PhantomClip) -> Sector:
    """The true sector of a simulated clip, without overlay."""
    mask = clip.sector_mask.numpy()
    x, y, *rest = clip.fan
    return Sector("fan", mask, np.zeros_like(mask), 1.0, Fan((x, y), *rest))


def enhance(enhancer: Enhancer, frames: np.ndarray, clip: PhantomClip) -> np.ndarray:
    """Frames uint8 (T, h, w) of a simulated clip, enhanced within its true sector; the same shape."""
    return np.concatenate([chunk.enhanced for chunk in phantom_chunks(enhancer, frames, clip)])


def phantom_chunks(enhancer: Enhancer, frames: np.ndarray, clip: PhantomClip) -> Iterator[Chunk]:
    """The enhancer's chunks for frames uint8 (T, h, w) of a simulated clip, within its true sector."""
    return chunks(enhancer, frames, phantom_sector(clip))
