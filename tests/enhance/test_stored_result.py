"""A stored result is the Enhancer's, pixel by pixel, at every strength; the page's tiles hold it at full strength."""

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle

from echogan.enhance.card_maker import CardMaker
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.report import build_report
from echogan.enhance.result_stages import store_result
from echogan.enhance.result_writer import MAP_TILES
from echogan.enhance.stored_result import StoredResult
from echogan.trust.map_styles import MAP_STYLES

torch.set_num_threads(1)
MODEL = checkpoint(Scale(0.7, -0.1), Scale(1.2))


def stored(folder, frames, **settings) -> StoredResult:
    enhancer = Enhancer(MODEL, EnhanceSettings(device="cpu", working_size=64, **settings))
    return store_result(enhancer, enhancer.prepare(clip_of(frames), fan_sector()), folder)


def colour(frames: np.ndarray) -> np.ndarray:
    return np.stack([frames, frames // 2 + 20, np.roll(frames, 5, 1)], -1)


def grey_in_colour(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames[..., None], 3, -1)


@pytest.mark.parametrize("made", [lambda frames: frames, colour, grey_in_colour])
@pytest.mark.parametrize("strength", [0.0, 0.35, 0.5, 1.0])
def test_the_frames_are_those_that_the_enhancer_gives_at_that_strength(tmp_path, made, strength):
    frames = made(speckle(11))
    result = stored(tmp_path, frames)
    settings = EnhanceSettings(device="cpu", working_size=64, strength=strength)
    chunks = Enhancer(MODEL, settings).stream(clip_of(frames), fan_sector())
    expected = np.concatenate([chunk.enhanced for chunk in chunks])
    originals, enhanced = zip(*result.frames(strength), strict=True)
    assert np.array_equal(np.stack(originals), frames)
    assert np.array_equal(np.stack(enhanced), expected)


def test_half_strength_is_computed_from_the_two_images_alone(tmp_path):
    frames = speckle(2)
    result = stored(tmp_path, frames)
    full = np.stack([enhanced for _, enhanced in result.frames(1)]).astype(int)
    half = np.stack([enhanced for _, enhanced in result.frames(0.5)]).astype(int)
    assert np.abs(full - frames).max() > 20
    assert np.abs(2 * half - full - frames).max() <= 1


@pytest.mark.parametrize("made", [lambda frames: frames, colour, grey_in_colour])
def test_one_stream_holds_the_enhanced_box_and_the_other_the_maps_in_their_places(tmp_path, made):
    result = stored(tmp_path, made(speckle(9)))
    left, top, right, bottom = result.layout.box
    full = np.stack([enhanced for _, enhanced in result.frames(1)])
    tiles, map_tiles = list(TileReader(result.tiles)), list(TileReader(tmp_path / MAP_TILES))
    assert len(tiles) == len(map_tiles) == 9
    for tile, map_tile, frame, maps in zip(tiles, map_tiles, full, result.maps(), strict=True):
        box = frame[top:bottom, left:right]
        assert np.array_equal(tile if tile.ndim == box.ndim else np.repeat(tile[..., None], 3, -1), box)
        assert map_tile.shape == (len(maps) * result.layout.map_size[0], result.layout.map_size[1])
        for name, values in maps.items():
            x, y, width, height = result.layout.place(name)
            style, codes = MAP_STYLES[name], map_tile[y : y + height, x : x + width].astype(float)
            read = style.low + codes / 255 * (style.high - style.low)
            inside = np.clip(values.astype(float), style.low, style.high)
            assert (
                np.abs(read - inside).max() <= (style.high - style.low) / 510 + 0.05
            )  # half a step, and float16


def test_the_maps_are_those_of_the_enhancer(tmp_path):
    frames = speckle(10)
    result = stored(tmp_path, frames)
    enhancer = Enhancer(MODEL, EnhanceSettings(device="cpu", working_size=64))
    prepared = enhancer.prepare(clip_of(frames), fan_sector())
    diagnoses = Diagnoses(prepared.space)
    maps = [diagnoses.add(chunk) for chunk in enhancer.run(prepared)]
    for name in MAP_STYLES:
        expected = np.concatenate([one[name] for one in maps])
        found = np.stack([one[name] for one in result.maps()])
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_the_report_at_a_strength_is_that_of_a_run_at_that_strength(tmp_path):
    frames = speckle(10)
    weak = stored(tmp_path, frames).report.at(0.4)
    enhancer = Enhancer(MODEL, EnhanceSettings(device="cpu", working_size=64, strength=0.4))
    prepared = enhancer.prepare(clip_of(frames), fan_sector())
    diagnoses, maker = Diagnoses(prepared.space), CardMaker(enhancer, prepared)
    for chunk in enhancer.run(prepared):
        maker.add(chunk, diagnoses.add(chunk))
    expected = build_report(prepared, enhancer, diagnoses.summaries, maker.card(), {"total_s": 1.0}, [])
    assert weak.trust == expected.trust  # at full strength
    assert weak.strength == expected.strength == 0.4
    assert weak.settings == expected.settings
    for name, numbers in expected.diagnostics.items():
        for key, value in numbers.items():
            found = weak.diagnostics[name][key]
            # A percentile is counted in steps of 1/16 grey level.
            assert found == (pytest.approx(value, abs=0.04) if isinstance(value, float) else value)
        assert weak.per_frame[name] == pytest.approx(expected.per_frame[name], abs=1e-3)


def test_the_figure_is_drawn_from_what_was_kept(tmp_path):
    result = stored(tmp_path, speckle(3))
    full, none = result.figure(1.0), result.figure(0.0)
    assert full.startswith(b"\x89PNG")
    assert full != none


def test_the_weights_do_not_stay_in_memory(tmp_path):
    result = stored(tmp_path, speckle(1))
    assert [*result.checkpoint.to_high.parameters(), *result.checkpoint.to_low.parameters()] == []
    assert not isinstance(result.checkpoint.to_high, Scale)
    assert result.checkpoint.sha256 == MODEL.sha256
