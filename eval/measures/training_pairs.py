"""Single frames of training hearts, poor and clear, on which classical filters and tone curves are fitted."""

from __future__ import annotations

import numpy as np

from echogan.phantom.render import phantom_pair

Pair = tuple[np.ndarray, np.ndarray, np.ndarray]
"""(poor uint8 (h, w), clear uint8 (h, w), mask of the sector bool (h, w))."""


def training_pair(seed: int) -> Pair:
    """The first frame of the simulated clip of a seed. Even seeds are those of the poor training clips."""
    clip = phantom_pair(seed, frames=1, want=("clean", "degraded"))
    assert clip.degraded is not None
    assert clip.clean is not None
    return clip.degraded[0].numpy(), clip.clean[0].numpy(), clip.sector_mask.numpy()
