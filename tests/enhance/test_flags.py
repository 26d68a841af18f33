"""Flags of a stored result: codes and regions as the flagger found them, and a result with the original kept there."""

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from fake_flagger import AMBER, RED, Spots

from echogan.clips.clip import grey
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.flags import KEPT
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.put_back import keep_original, keep_weights
from echogan.enhance.result_stages import store_result
from echogan.enhance.result_writer import FLAG_TILES
from echogan.enhance.stored_result import StoredResult
from echogan.enhance.tile_layout import FLAGGED_PART, KEPT_PART
from echogan.trust.flagged import flag_codes

torch.set_num_threads(1)
MODEL = checkpoint(Scale(0.7, -0.1), Scale(1.2))
COUNT = 9


def stored(folder, frames: np.ndarray, flagger=None) -> StoredResult:
    enhancer = Enhancer(MODEL, EnhanceSettings(device="cpu", working_size=64, batch_size=4))
    return store_result(enhancer, enhancer.prepare(clip_of(frames), fan_sector()), folder, flagger=flagger)


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> StoredResult:
    return stored(tmp_path_factory.mktemp("result"), speckle(COUNT), Spots())


def spots(result: StoredResult) -> tuple[np.ndarray, np.ndarray]:
    frames = np.zeros((1, *result.layout.map_size), np.float32)
    removed, invented = Spots()(frames, frames)
    return removed[0], invented[0]


def test_tiles_hold_the_codes_and_what_is_kept(result):
    removed, invented = spots(result)
    weights = keep_weights(np.maximum(removed, invented) >= AMBER)
    tiles = list(TileReader(result.folder / FLAG_TILES))
    assert len(tiles) == COUNT
    for tile in tiles:
        assert np.array_equal(result.layout.part(tile, FLAGGED_PART), flag_codes(removed, invented))
        assert np.array_equal(result.layout.part(tile, KEPT_PART), weights)


def test_the_regions_are_the_two_blocks(result):
    assert result.flags is not None
    assert (result.flags.amber, result.flags.red) == (AMBER, RED)
    found = {region.kind: region for region in result.flags.regions}
    removed, invented = spots(result)
    tissue = result.space.tissue  # an overlay lies over a part of the first
    assert found["removed"].pixels == np.count_nonzero(removed[tissue])
    assert found["added"].pixels == np.count_nonzero(invented[tissue])
    assert found["removed"].red
    assert not found["added"].red
    assert all(region.frames == COUNT for region in found.values())


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_frames_with_the_original_kept_differ_there_alone(result, strength):
    removed, invented = spots(result)
    weights = keep_weights(np.maximum(removed, invented) >= AMBER)
    left, top, right, bottom = result.layout.box
    plain, kept = result.frames(strength), result.frames(strength, keep=True)
    changed = 0
    for (original, shown), (_, with_kept) in zip(plain, kept, strict=True):
        box = np.s_[top:bottom, left:right]
        expected = keep_original(original[box], shown[box], weights)
        # The order of keeping and blending may round a level otherwise.
        assert np.abs(with_kept[box].astype(int) - expected).max() <= 1
        changed += np.abs(with_kept.astype(int) - shown).max() > 5
    assert changed == COUNT


def test_numbers_of_the_kept_result_are_those_of_its_own_frames(result):
    kept = result.report_at(1.0, keep=True)
    assert kept.settings["keep_original"]
    assert KEPT in kept.warnings
    weights = keep_weights(np.maximum(*spots(result)) >= AMBER)
    tissue = result.space.tissue
    maps = [one["difference"].astype(float) for one in result.maps()]
    expected = [np.abs(one * (1 - weights / 255))[tissue].mean() for one in maps]
    assert kept.per_frame["difference"] == pytest.approx(expected, abs=1e-2)
    assert kept.diagnostics["difference"]["mean"] == pytest.approx(np.mean(expected), abs=1e-2)
    assert kept.diagnostics["difference"]["mean"] < 0.99 * result.report.diagnostics["difference"]["mean"]
    assert kept.per_frame["cycle_error"] == result.report.per_frame["cycle_error"]
    weaker = result.report_at(0.5, keep=True).diagnostics["difference"]["mean"]
    assert weaker == pytest.approx(np.mean(expected) / 2, abs=1e-2)


def test_the_arrays_of_the_kept_result_are_weighted_too(result):
    weights = keep_weights(np.maximum(*spots(result)) >= AMBER)
    for plain, kept in zip(result.maps(0.5), result.maps(0.5, keep=True), strict=True):
        expected = plain["difference"] * (1 - weights / 255)
        np.testing.assert_allclose(kept["difference"], expected, rtol=2e-3, atol=2e-3)
        assert np.array_equal(kept["cycle_error"], plain["cycle_error"])


def test_the_figure_is_drawn_from_the_kept_frames(result, monkeypatch):
    drawn = []
    monkeypatch.setattr("echogan.enhance.diagnostics.map_figure", lambda *given: drawn.append(given) or b"")
    result.figure(1.0, keep=True)
    ((images, maps, _, caption),) = drawn
    left, top, right, bottom = result.layout.box
    frames = [grey(shown[top:bottom, left:right]) for _, shown in result.frames(1.0, keep=True)]
    tissue = result.sector.tissue_mask[top:bottom, left:right]
    np.testing.assert_allclose(images["mean enhanced"][tissue], np.mean(frames, 0)[tissue], atol=1e-3)
    weights = keep_weights(np.maximum(*spots(result)) >= AMBER)
    assert not np.nan_to_num(maps["difference"][weights == 255]).any()
    assert "original kept where flagged" in caption


def test_without_a_calibration_nothing_is_flagged(tmp_path):
    plain = stored(tmp_path, speckle(3))
    assert plain.flags is None
    assert not list(TileReader(tmp_path / FLAG_TILES))
