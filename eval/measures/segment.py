"""What a segmenter says of an image: the probability of each class, and the outlines as CAMUS labels."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from echogan.core.scale import GREY
from echogan.model.networks.segmenter import MULTIPLE, Segmenter, Structure


def segment(network: Segmenter, image: np.ndarray) -> np.ndarray:
    """CAMUS labels uint8 (h, w) of an image uint8 (h, w): LV 1, myocardium 2, LA 3; the right heart is background."""
    labels = probabilities(network, image.astype(np.float32) / GREY - 1).argmax(0).astype(np.uint8)
    return np.where(labels > Structure.LA, 0, labels)


def probabilities(network: Segmenter, frame: np.ndarray) -> np.ndarray:
    """The probability of each of the network's k classes, float32 (k, h, w), of a frame float32 (h, w) in [-1, 1]."""
    bottom, right = (-side % MULTIPLE for side in frame.shape)
    with torch.inference_mode():
        logits = network(F.pad(torch.from_numpy(frame)[None, None], (0, right, 0, bottom), value=-1.0))
    return logits.softmax(1)[0, :, : frame.shape[0], : frame.shape[1]].numpy()
