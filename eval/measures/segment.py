"""The shipped segmenter's outlines of an image, as CAMUS labels."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from echogan.core.scale import GREY
from echogan.model.networks.segmenter import MULTIPLE, Segmenter, Structure


def segment(network: Segmenter, image: np.ndarray) -> np.ndarray:
    """CAMUS labels uint8 (h, w) of an image uint8 (h, w): LV 1, myocardium 2, LA 3; the right heart is background."""
    x = torch.from_numpy(image).float()[None, None] / GREY - 1
    bottom, right = (-side % MULTIPLE for side in image.shape)
    with torch.inference_mode():
        logits = network(F.pad(x, (0, right, 0, bottom), value=-1.0))
    labels = logits.argmax(1)[0, : image.shape[0], : image.shape[1]].byte().numpy()
    return np.where(labels > Structure.LA, 0, labels)
