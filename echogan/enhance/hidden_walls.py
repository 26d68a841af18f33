"""Finds walls that a result does not show, frame by frame; see `echogan.trust.hidden_walls`."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from echogan.enhance.device import precision
from echogan.enhance.segmentation import SegmenterInput, segmenter_on
from echogan.model.checkpoints.segmenter_checkpoint import WALLS
from echogan.model.networks.segmenter import Wall
from echogan.trust.hidden_walls import hidden_walls


class HiddenWalls:
    """The probability that a wall lies at a pixel and the result does not show it.

    tissue   bool (h, w), the apex above; elsewhere the probability is 0
    """

    def __init__(self, tissue: np.ndarray, device: torch.device):
        self._network, self._device, self._tissue = segmenter_on(device, WALLS, "walls"), device, tissue
        self._input = SegmenterInput(tissue.shape, self._network.config.working_size)

    def __call__(self, canonical: np.ndarray, g: np.ndarray, myocardium: np.ndarray) -> np.ndarray:
        """Float32 (n, h, w) in [0, 1].

        canonical    float32 (n, h, w) in [-1, 1]: the input on the canonical grey curve
        g            float32 (n, h, w) in [0, 1]: the result, as displayed
        myocardium   float32 (n, h', w') in [0, 1], as `Segmentation` gives it of the input
        """
        return hidden_walls(self.hidden(canonical), self._enlarged(myocardium), g, self._tissue)

    def hidden(self, canonical: np.ndarray) -> np.ndarray:
        """The probability that a wall lies at a pixel and the input does not show it: float32 (n, h, w) in [0, 1].

        canonical    as above; outside the tissue the probability means nothing
        """
        with torch.inference_mode(), precision(self._device):
            logits = self._network(self._input(canonical).to(self._device)).float()
        height, width = self._input.size
        return self._enlarged(logits.softmax(1)[:, Wall.HIDDEN, :height, :width].cpu().numpy())

    def _enlarged(self, maps: np.ndarray) -> np.ndarray:
        return np.stack([cv2.resize(one, self._tissue.shape[::-1]) for one in maps])
