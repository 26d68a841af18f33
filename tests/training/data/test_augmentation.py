"""Moved frames: as far as promised, never mirrored, and black outside the moved sector."""

import cv2
import numpy as np
import pytest
import torch
from shard_folders import FAN

from echogan.training.data.augmentation import SCALE, SHIFT, TURN_DEG, moved

SIZE = 128
MASK = torch.from_numpy(FAN.mask(64, 64)).repeat_interleave(2, 0).repeat_interleave(2, 1)


def marked() -> torch.Tensor:
    """A bright spot on the left, a dimmer one on the right."""
    frames = torch.zeros(1, SIZE, SIZE)
    frames[0, 76:84, 44:52], frames[0, 76:84, 76:84] = 250, 120
    return frames.to(torch.uint8)


def spots(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (x, y) of the bright and the dim spot."""
    bright, dim = frame > 180, (frame > 60) & (frame < 160)
    dim &= cv2.dilate(bright.astype(np.uint8), np.ones((9, 9))) == 0
    return tuple(np.argwhere(spot)[:, ::-1].mean(0) for spot in (bright, dim))


@pytest.mark.parametrize("seed", range(12))
def test_spots_move_within_the_limits_and_never_change_sides(seed):
    frames, mask = moved(marked(), torch.ones(SIZE, SIZE, dtype=torch.bool), seed)
    bright, dim = spots(frames[0].numpy())
    line = dim - bright
    assert line[0] > 0  # laterality
    assert abs(np.degrees(np.arctan2(line[1], line[0]))) <= TURN_DEG + 1
    assert np.hypot(*line) / 32 == pytest.approx(1, abs=SCALE + 0.03)
    assert np.abs((bright + dim) / 2 - (63.5, 79.5)).max() <= SHIFT * SIZE + 0.2 * 32 + 1
    assert mask.float().mean() > 0.6


def test_all_frames_move_alike_and_black_stays_outside():
    frames = (torch.rand(3, SIZE, SIZE) * 200 + 40).to(torch.uint8)
    frames[1:] = frames[0]
    out, mask = moved(frames, MASK, 3)
    assert torch.equal(out[0], out[2])
    assert (out[:, ~mask] == 0).all()
    assert (out[:, mask] > 0).all()
    assert mask.float().mean() == pytest.approx(MASK.float().mean(), rel=0.25)
    again, other = moved(frames, MASK, 3), moved(frames, MASK, 4)
    assert torch.equal(again[0], out)
    assert not torch.equal(other[0], out)
