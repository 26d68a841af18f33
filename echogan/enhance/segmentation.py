"""The shipped segmenter on frames of the working space: labels, and features of the whole frame."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import torch

from echogan.enhance.device import precision
from echogan.model.checkpoints.segmenter_checkpoint import STRUCTURES, load_segmenter
from echogan.model.networks.segmenter import MULTIPLE, Segmenter, Structure


class SegmenterInput:
    """Brings frames of the working space, (h, w), to the size (h', w') at which a segmenter sees them.

    working_size   of the segmenter
    """

    def __init__(self, size: tuple[int, int], working_size: int):
        scale = working_size / max(size)
        self.size = tuple(max(1, round(side * scale)) for side in size)

    def __call__(self, frames: np.ndarray) -> torch.Tensor:
        """Frames float32 (n, h, w) as the network takes them: (n, 1, ., .), black beyond their edges."""
        return torch.from_numpy(self.padded([self.shrink(frame) for frame in frames], -1.0))[:, None]

    def shrink(self, frame: np.ndarray) -> np.ndarray:
        """A frame float32 (h, w) as (h', w')."""
        return cv2.resize(frame, self.size[::-1], interpolation=cv2.INTER_AREA)

    def padded(self, frames: Sequence[np.ndarray], value: float) -> np.ndarray:
        """Frames (h', w') at the size that the network takes: float32 (n, ., .)."""
        height, width = self.size
        sides = (height + -height % MULTIPLE, width + -width % MULTIPLE)
        padded = np.full((len(frames), *sides), value, np.float32)
        padded[:, :height, :width] = frames
        return padded


class Segmented(NamedTuple):
    """What the segmenter says of n frames.

    labels       uint8 (n, h', w') over `Structure`
    features     float32 (n, 2 c): mean and standard deviation over the sector of the c channels at the coarsest level
    myocardium   float32 (n, h', w') in [0, 1]: its probability
    """

    labels: np.ndarray
    features: np.ndarray
    myocardium: np.ndarray


class Segmentation:
    """Outlines frames at the size at which the segmenter sees them.

    size     (h, w) of the working space
    mask     bool (h, w): the sector
    tissue   bool (h', w'): the tissue, at the labels' size
    """

    def __init__(self, size: tuple[int, int], mask: np.ndarray, tissue: np.ndarray, device: torch.device):
        self._network = copy.deepcopy(
            segmenter_on(device)
        )  # its own, for another thread's frames would call the hook
        self._network.down[-1].register_forward_hook(self._keep)
        self._coarse = torch.empty(0)
        self._input = SegmenterInput(size, self._network.config.working_size)
        self._device = device
        shrink, padded = self._input.shrink, self._input.padded
        self.tissue = shrink(tissue.astype(np.float32)) >= 0.5
        weight = torch.from_numpy(padded([shrink(mask.astype(np.float32))], 0.0))
        deepest = 2 ** len(self._network.down)
        share = torch.nn.functional.avg_pool2d(weight[:, None], deepest)
        self._weight = (share / share.sum()).to(device)

    def __call__(self, frames: np.ndarray) -> Segmented:
        """Frames float32 (n, h, w), canonical, in [-1, 1], the apex above."""
        with torch.inference_mode(), precision(self._device):
            logits = self._network(self._input(frames).to(self._device))
            coarse = self._coarse.float()
            mean = (coarse * self._weight).sum((2, 3), keepdim=True)
            deviation = ((coarse - mean) ** 2 * self._weight).sum((2, 3)).sqrt()
            features = torch.cat([mean[..., 0, 0], deviation], 1).cpu().numpy()
        height, width = self._input.size
        logits = logits[:, :, :height, :width].float()
        labels = logits.max(1).indices  # `argmax` gives the same in ten times the time
        myocardium = logits.softmax(1)[:, Structure.MYOCARDIUM]
        return Segmented(labels.byte().cpu().numpy(), features, myocardium.cpu().numpy())

    def _keep(self, module: torch.nn.Module, seen: tuple[torch.Tensor, ...], coarse: torch.Tensor) -> None:
        self._coarse = coarse


@cache
def segmenter_on(device: torch.device, source: str = STRUCTURES, finds: str = "structures") -> Segmenter:
    """A bundled segmenter on a device; see `load_segmenter`. All callers get the same one."""
    # With the channels last the same convolutions take a quarter less time on a CPU.
    return (
        copy.deepcopy(load_segmenter(source, finds).network).to(device).to(memory_format=torch.channels_last)
    )
