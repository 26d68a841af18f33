"""Flagged regions of drawn discs: area, place, frames, kind, and that the cut into chunks does not matter."""

import numpy as np
import pytest

from echogan.trust.regions import MOST, RegionTracker, regions

SIZE = 96
AMBER, RED = 0.4, 0.8


def disc(row, column, radius=6):
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def clip(frames):
    return np.zeros((frames, SIZE, SIZE), np.float32)


@pytest.fixture
def tissue():
    return np.ones((SIZE, SIZE), bool)


def test_a_disc_is_one_region_with_its_area_and_place(tissue):
    removed, added = clip(6), clip(6)
    removed[:, disc(80, 20)] = 0.5
    (found,) = regions(removed, added, tissue, AMBER, RED)
    assert (found.kind, found.pixels) == ("removed", disc(80, 20).sum())
    assert found.box == (74, 14, 87, 27)
    assert (found.depth, found.side) == ("far", "left")
    assert (found.first, found.last, found.frames) == (0, 5, 6)
    assert found.persistent
    assert not found.red
    assert found.probability == pytest.approx(0.5)


def test_the_larger_probability_decides_the_kind(tissue):
    removed, added = clip(1), clip(1)
    removed[:, disc(48, 48)], added[:, disc(48, 48)] = 0.5, 0.9
    (found,) = regions(removed, added, tissue, AMBER, RED)
    assert found.kind == "added"
    assert found.red
    assert found.persistent is None  # of a still nobody can say
    assert (found.depth, found.side) == ("mid", "centre")


def test_a_moving_region_stays_one_and_a_far_jump_makes_another(tissue):
    removed, added = clip(20), clip(20)
    for t in range(10):
        added[t, disc(20, 20 + 3 * t)] = 0.7
    for t in range(10, 20):
        added[t, disc(80, 20)] = 0.7
    found = regions(removed, added, tissue, AMBER, RED)
    assert sorted((one.first, one.last) for one in found) == [(0, 9), (10, 19)]


def test_flicker_and_a_short_absence(tissue):
    removed, added = clip(24), clip(24)
    for t in (0, 1, 3, 4, 6):  # away for one frame at a time
        removed[t, disc(20, 20)] = 0.7
    for t in (0, 10, 20):  # away for long
        removed[t, disc(70, 70, 4)] = 0.7
    larger, *others = regions(removed, added, tissue, AMBER, RED)
    assert (larger.first, larger.last, larger.frames, larger.persistent) == (0, 6, 5, True)
    assert [(one.first, one.frames, one.persistent) for one in others] == [
        (0, 1, False),
        (10, 1, False),
        (20, 1, False),
    ]


def test_parts_of_a_split_region_are_one(tissue):
    removed, added = clip(6), clip(6)
    removed[:3, 40:50, 10:60] = 0.6
    removed[3:, 40:50, 10:30] = 0.6
    removed[3:, 40:50, 40:60] = 0.9
    (found,) = regions(removed, added, tissue, AMBER, RED)
    assert (found.frames, found.frame, found.pixels, found.red) == (6, 0, 500, True)


def test_spots_and_what_lies_outside_the_tissue_are_no_regions(tissue):
    tissue[:, :48] = False
    removed, added = clip(6), clip(6)
    removed[:, 10:12, 60:62] = 0.9
    removed[:, disc(50, 20)] = 0.9
    assert regions(removed, added, tissue, AMBER, RED) == []


def test_near_is_at_the_probe_whichever_way_the_fan_opens(tissue):
    removed, added = clip(1), clip(1)
    removed[:, disc(10, 85)] = 0.6
    (down,) = regions(removed, added, tissue, AMBER, RED)
    (up,) = regions(removed, added, tissue, AMBER, RED, opens_up=True)
    assert (down.depth, up.depth, down.side, up.side) == ("near", "far", "right", "right")


def test_how_a_clip_is_cut_into_chunks_changes_nothing_and_memory_is_bounded(tissue):
    noise = np.random.default_rng(0).random((3 * MOST, SIZE, SIZE)).astype(np.float32)
    removed, added = clip(len(noise)), clip(len(noise))
    for t in range(0, len(noise), 4):  # a region of its own each time
        rows, columns = 10 + 70 * noise[t, 0, :2]
        removed[t, disc(rows, columns, 3 + t % 5)] = 0.4 + noise[t, 1, 0] / 2
    whole = regions(removed, added, tissue, AMBER, RED)
    tracker = RegionTracker(tissue, AMBER, RED)
    for start in range(0, len(noise), 7):
        tracker.add(removed[start : start + 7], added[start : start + 7])
        assert len(tracker._open) + len(tracker._closed) <= 2 * MOST + 8
    assert tracker.regions() == whole
    assert [one.pixels for one in whole] == sorted((one.pixels for one in whole), reverse=True)


def test_hidden_walls_are_listed_with_what_is_flagged_and_never_red(tissue):
    removed, added, hidden = clip(6), clip(6), clip(6)
    removed[:, disc(80, 20)] = 0.5
    hidden[:, disc(30, 70, 12)] = 0.95  # larger, and over the red threshold of what is flagged
    hidden[:, disc(30, 20, 12)] = 0.45  # over the amber threshold, but not likely
    tracker = RegionTracker(tissue, AMBER, RED)
    tracker.add(removed, added, hidden)
    wall, flagged = tracker.regions()  # the largest first
    assert (flagged.kind, wall.kind) == ("removed", "hidden wall")
    assert wall.pixels == disc(30, 70, 12).sum() > flagged.pixels
    assert (wall.red, wall.persistent, wall.side) == (False, True, "right")
