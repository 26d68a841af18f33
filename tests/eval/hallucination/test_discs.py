"""Discs painted into the result of a network that changes nothing: where they lie, and that they are flagged."""

import numpy as np
import pytest
import torch
from fake_checkpoint import fan_sector, speckle
from lesion_examples import enhancer_of

from echogan.trust.calibration import Calibration
from eval.hallucination.discs import (
    FRAMES,
    dilated,
    disc_frames,
    displacement,
    look,
    places,
    through,
    truly_there,
)

SECTOR = fan_sector(192, 240)
FRAME = np.where(SECTOR.mask, 0.5 * speckle(1, 192, 240)[0], 0)
ROWS, COLUMNS = np.mgrid[:192, :240]
DARK = (ROWS - 110) ** 2 + (COLUMNS - 120) ** 2 <= 30**2
CLIP = np.stack([np.where(DARK, 0.1 * FRAME, FRAME)] * FRAMES).astype(np.uint8)
CALIBRATION = Calibration("a" * 64, "b" * 64, 0.3, 0.9, {}, "", "", "")


@pytest.fixture(scope="module")
def found():
    return through(enhancer_of(torch.nn.Identity()), CLIP, SECTOR, 160 / 192)


def test_a_disc_is_eight_millimetres_wide(found):
    area = disc_frames(found, (60, 60), moving=False)[-1].sum()
    height = found.tissue.shape[0]
    side = 160 / 192 * found.chunk.prepared.space.box_size[0] / height
    assert area * side**2 == pytest.approx(np.pi * 16, rel=0.2)


def test_discs_lie_in_dark_places_and_pieces_of_wall_in_bright_ones(found):
    level = found.g[-1]
    dark, bright = (
        np.mean([level[place] for place in places(found, 50, np.random.default_rng(0), bright=b)])
        for b in (False, True)
    )
    assert dark < bright - 0.05


def test_what_moves_is_followed(found):
    last = found.x[-1]
    moved = np.roll(last, (2, 3), (0, 1))
    height, width = last.shape
    down, right = displacement(last, moved, (height // 2, width // 2), 10)
    assert (down, right) == pytest.approx((2, 3), abs=0.7)


def test_the_margin_around_a_disc_is_a_distance():
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    assert dilated(mask, 3.1)[10, 13]
    assert not dilated(mask, 3.1)[10, 14]


@pytest.mark.parametrize("change", ["painted, static", "painted, moving", "wall removed"])
def test_what_is_painted_or_removed_is_measured_apart_from_the_rest(found, change):
    seen = look(found, change, 4, CALIBRATION, seed=0)
    assert len(seen) == 4
    for one in seen:
        assert 0 <= one.covered <= 1
        assert abs(one.elsewhere) < 0.1


def test_a_disc_that_is_truly_there_is_not_flagged_by_a_network_that_changes_nothing():
    seen = truly_there(enhancer_of(torch.nn.Identity()), CLIP, SECTOR, 160 / 192, 3, CALIBRATION, seed=0)
    assert max(one.covered for one in seen) < 0.5


class ClearsUntilBrighter(torch.nn.Module):
    """Clears the right half of the first frames, and changes nothing once frames are brighter than those."""

    def __init__(self):
        super().__init__()
        self.first = None

    def forward(self, x):
        level = x.mean().item()
        self.first = level if self.first is None else self.first
        if level > self.first + 1e-6:
            return x
        right = torch.arange(x.shape[-1]) > x.shape[-1] // 2
        return torch.where(right, torch.minimum(x, torch.tensor(-0.8)), x)


def test_what_a_network_changes_elsewhere_for_a_disc_that_is_truly_there_is_not_the_map_s_doing():
    seen = truly_there(enhancer_of(ClearsUntilBrighter()), CLIP, SECTOR, 160 / 192, 3, CALIBRATION, seed=0)
    plain = through(enhancer_of(ClearsUntilBrighter()), CLIP, SECTOR, 160 / 192)
    assert np.abs(plain.g - plain.x)[:, plain.tissue].mean() > 0.03, "the network clears"
    assert max(abs(one.elsewhere) for one in seen) < 0.02
