"""A drawn clip with a removed and an added square, its sums, and a calibration to read them with."""

import numpy as np
import pytest

from echogan.trust.calibration import Calibration
from echogan.trust.card.sums import CardFrames, TrustSums

SIZE, FRAMES = 64, 20
AMBER, RED = 0.4, 0.8


@pytest.fixture
def calibration() -> Calibration:
    return Calibration(
        generator="cd" * 32,
        fusion="ef" * 32,
        amber=AMBER,
        red=RED,
        clips={"with known errors": 90, "faithful": 120},
        phantom="1.2.0",
        errors="lesions erased and invented",
        date="2026-01-31",
    )


@pytest.fixture
def drawn() -> CardFrames:
    """Frames (20, 64, 64): removed 8 x 8 at red in all, added 16 x 16 at amber in frames 5 to 9.

    A hidden wall of 4 x 16 in the second half of them, and one of 10 x 10 that is not likely enough.
    """
    rng = np.random.default_rng(0)
    x = rng.uniform(0.2, 0.8, (FRAMES, SIZE, SIZE)).astype(np.float32)
    removed, invented = np.zeros_like(x), np.zeros_like(x)
    removed[:, 40:48, 10:18] = 0.9
    invented[5:10, 8:24, 24:40] = 0.5
    lv = np.zeros((FRAMES, SIZE, SIZE), bool)
    for t in range(FRAMES):
        lv[t, 10:50, 20 : 36 - abs(t % 10 - 5)] = True
    features = rng.normal(size=(FRAMES, 6)).astype(np.float32)
    hidden = np.zeros(x.shape, np.uint8)
    hidden[:, 50:60, 30:40], hidden[10:, 0:4, 0:16] = 127, 128  # below and at the code that counts
    return CardFrames(x, x * 0.5, x, invented - removed, removed, invented, lv, lv, features, hidden)


def parts_of(frames: CardFrames, size: int):
    """The same frames in chunks."""
    for start in range(0, len(frames.x), size):
        cut = {
            name: part if part is None else part[start : start + size] for name, part in vars(frames).items()
        }
        yield CardFrames(**cut)


@pytest.fixture
def sums_of():
    """Sums over frames, in chunks of a size."""

    def make(frames: CardFrames, size: int = FRAMES, thresholds=(AMBER, RED)) -> TrustSums:
        whole = np.ones((SIZE, SIZE), bool)
        sums = TrustSums(whole, None, thresholds, whole)
        for part in parts_of(frames, size):
            sums.add(part)
        return sums

    return make
