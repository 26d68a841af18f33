"""A flagger with fixed probabilities, in place of a calibrated one."""

import numpy as np

AMBER, RED = 0.4, 0.8


class Spots:
    """Flags a removed block at the top left of the middle, above red, and below it an added one, above amber alone."""

    amber, red = AMBER, RED

    def __call__(self, x, g):
        """As `Flagger`."""
        assert x.min() >= 0
        assert x.max() <= 1
        removed, invented = np.zeros_like(x), np.zeros_like(x)
        height, width = x.shape[1:]
        removed[:, height // 2 - height // 8 : height // 2, width // 2 - width // 8 : width // 2] = 0.9
        invented[:, height // 2 + 4 : height // 2 + height // 8, width // 2 : width // 2 + width // 8] = 0.6
        return removed, invented
