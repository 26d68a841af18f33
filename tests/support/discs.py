"""Discs in a square frame: structures whose place and size a test knows."""

import numpy as np

SIZE = 128


def disc(row: float, column: float, radius: float) -> np.ndarray:
    """Where the disc is: bool (SIZE, SIZE)."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.hypot(rows - row, columns - column) < radius
