"""What the page is told of flags: thresholds from the start, regions in words with a place to go to, kept numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from fake_flagger import AMBER, RED, Spots

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.result_stages import store_result
from echogan.enhance.result_writer import FLAG_TILES, MAP_TILES, TILES
from echogan.enhance.tile_layout import FLAGGED_PART, HIDDEN_PART, TileLayout
from echogan.trust.regions import Region
from echogan.ui.enhance.clip_entry import ClipResult, Stream
from echogan.ui.enhance.flag_details import flag_details, region_detail
from echogan.ui.enhance.map_details import map_details

torch.set_num_threads(1)
CLIP = clip_of(speckle(6))
LAYOUT = TileLayout((10, 20, 110, 70), False, (64, 128), (), True)
REGION = Region("removed", 2, 4, 3, 3, 200, (16, 32, 32, 64), "far", "left", 0.7, False, True)


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> ClipResult:
    folder = tmp_path_factory.mktemp("result")
    model = checkpoint(Scale(0.5))
    enhancer = Enhancer(model, EnhanceSettings(device="cpu", working_size=64))
    stored = store_result(enhancer, enhancer.prepare(CLIP, fan_sector()), folder, flagger=Spots())
    streams = [Stream(folder / name, 6) for name in (TILES, MAP_TILES, FLAG_TILES)]
    return ClipResult(folder, stored.sector, stored.layout, model, "cpu", *streams, stored, (AMBER, RED))


def test_the_page_can_find_the_codes_and_the_thresholds(shown):
    sent = json.loads(json.dumps(flag_details(shown, CLIP)))
    assert (sent["amber"], sent["red"]) == (AMBER, RED)
    maps = {one["name"]: one for one in map_details(shown.layout)}
    assert list(maps)[-2:] == [sent["part"], HIDDEN_PART] == [FLAGGED_PART, HIDDEN_PART]
    tile = next(iter(TileReader(shown.flags.folder)))
    assert [one["stream"] for one in maps.values()] == ["maps"] * (len(maps) - 2) + ["flags"] * 2
    x, y, width, height = maps[FLAGGED_PART]["tile"]
    codes = tile[y : y + height, x : x + width].astype(int)
    assert set(np.unique(codes)) == {128 - round(127 * 0.9), 128, 128 + round(127 * 0.6)}
    x, y, width, height = sent["kept_tile"]
    kept = tile[y : y + height, x : x + width]
    assert ((kept == 255) == (np.abs(codes - 128) >= 127 * AMBER)).all()
    assert maps[FLAGGED_PART]["ends"] == ["1 removed", "1 added"]
    assert maps[HIDDEN_PART]["ends"] == ["0", "1 hidden wall"]
    assert maps[HIDDEN_PART]["tile"] == [0, 2 * height, width, height]
    assert tile.shape[0] == 3 * height


def test_regions_and_kept_numbers_come_when_the_flags_are_complete(shown):
    for stored in (None, replace(shown.stored, flags=None)):
        early = flag_details(replace(shown, stored=stored), CLIP)
        assert (early["regions"], early["ended"]) == ([], False)
    sent = flag_details(shown, CLIP)
    assert sent["ended"]
    kinds = [one["kind"] for one in sent["regions"]]
    assert [kind for kind in kinds if kind != "hidden"] == [
        "removed",
        "added",
    ]  # of noise the network guesses walls
    assert sent["mean_change"] < shown.stored.report.diagnostics["difference"]["mean"]
    assert len(sent["curves"]["difference"]) == 6
    assert flag_details(replace(shown, thresholds=None), CLIP) is None


def test_a_region_in_words_and_its_box_in_the_clips_pixels():
    sent = region_detail(REGION, LAYOUT, CLIP)
    assert sent["title"] == "Removed, far left"
    assert sent["text"] == "frames 3 to 5 · 122 px · persistent"  # 200 px of 100 / 128 by 50 / 64 each
    assert sent["box"] == [35, 32.5, 60, 45]
    assert (sent["frame"], sent["red"]) == (3, False)
    assert (sent["kind"], sent["map"], sent["over"]) == ("removed", FLAGGED_PART, "Over the amber threshold")


def test_a_hidden_wall_leads_to_its_own_map():
    sent = region_detail(replace(REGION, kind="hidden wall"), LAYOUT, CLIP)
    assert sent["title"] == "Hidden wall, far left"
    assert (sent["kind"], sent["map"], sent["over"]) == ("hidden", HIDDEN_PART, "More probable than not")


def test_its_area_is_in_mm2_where_the_spacing_is_known():
    sent = region_detail(REGION, LAYOUT, replace(CLIP, spacing_mm=(0.5, 0.4)))
    assert "24 mm²" in sent["text"]


def test_a_region_of_one_frame_and_one_of_a_still():
    once = replace(REGION, first=2, last=2, frames=1, persistent=False)
    assert region_detail(once, LAYOUT, CLIP)["text"].startswith("frame 3 · ")
    assert region_detail(once, LAYOUT, CLIP)["text"].endswith("flickering")
    still = replace(once, first=0, last=0, persistent=None)
    assert region_detail(still, LAYOUT, clip_of(speckle(1), fps=None))["text"] == "122 px"
