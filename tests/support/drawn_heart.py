"""A still of a drawn heart: round chambers of known size and place, with speckle of known width."""

import cv2
import numpy as np

from echogan.core.geometry import Fan
from eval.camus.stills import Still

MM, HEIGHT, WIDTH = 0.6, 200, 256
LV_AT, LV_MM, THICK_MM = (128, 95), 24.0, 9.0  # (column, row), radius, thickness of the muscle
LA_AT, LA_MM = (128, 150), 13.0
MUSCLE, BLOOD, AROUND = 150, 40, 90  # grey levels
SPREAD, GRAIN = (
    12.0,
    1.5,
)  # deviation and sigma in pixels of the muscle's speckle; that of the blood is half as large


def disc(at: tuple[int, int], radius_mm: float) -> np.ndarray:
    """The pixels of a disc: bool (HEIGHT, WIDTH)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(columns - at[0], rows - at[1]) <= radius_mm / MM


def heart(left_atrium: bool = True, seed: int = 0) -> Still:
    """An LV in its muscle above an LA that opens into it, as an apical still has them."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[disc(LV_AT, LV_MM + THICK_MM)] = 2
    if left_atrium:
        labels[disc(LA_AT, LA_MM)] = 3
    labels[disc(LV_AT, LV_MM)] = 1
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=labels.shape), (0, 0), GRAIN)
    noise *= SPREAD / noise.std()
    level = np.select([labels == 2, labels > 0], [MUSCLE, BLOOD], AROUND)
    fan = Fan((WIDTH / 2, -1.0), -50.0, 50.0, 2.0, float(HEIGHT))
    grey = (level + noise * np.where(labels == 2, 1, 0.5)) * fan.mask(HEIGHT, WIDTH)
    image = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return Still("patient0", "ED", image, labels, fan, MM)
