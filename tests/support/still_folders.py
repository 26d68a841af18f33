"""Folders of stills as a user has them."""

from pathlib import Path

import cv2
import numpy as np

from echogan.core.geometry import Fan


def stills(folder: Path, count: int = 6) -> Path:
    """Speckle in a fan, each its own patient."""
    folder.mkdir(parents=True)
    fan, rng = Fan((159.5, 8.0), -38.0, 38.0, 4.0, 220.0), np.random.default_rng(len(folder.name))
    for k in range(count):
        coarse = cv2.resize(rng.uniform(20, 230, (24, 32)).astype(np.float32), (320, 240))
        grey = coarse * rng.rayleigh(0.8, (240, 320)).clip(0.2, 2)
        cv2.imwrite(str(folder / f"{k}.png"), (fan.mask(240, 320) * grey.clip(8, 255)).astype(np.uint8))
    return folder
