"""What the page is told: JSON with the facts of the clip, and words that fit them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle, whole_sector

from echogan.clips.sector.sector_confidence import CHECK_BELOW
from echogan.core.geometry import Sector
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.result_stages import store_result
from echogan.enhance.result_writer import FLAG_TILES, MAP_TILES, TILES
from echogan.enhance.tile_layout import TileLayout
from echogan.trust.map_styles import MAP_STYLES
from echogan.ui.enhance.clip_entry import ClipEntry, ClipResult, ClipSector, Export, OpenedClip, Stream
from echogan.ui.enhance.details import (
    badge,
    detail,
    export_line,
    progress,
    sector_detail,
    sector_note,
    summary,
)
from echogan.ui.enhance.fair_queue import Job, Place


def an_entry(tmp_path, clip=None, sector: Sector | None = None) -> ClipEntry:
    clip = clip or clip_of(speckle(3))
    found = ClipSector(sector or fan_sector(), tmp_path / "mask.png")
    opened = OpenedClip(
        clip, found, tmp_path / "thumb.png", [("Rows", "96")], Stream(tmp_path / "original", 3)
    )
    return ClipEntry("1", "a.gif", tmp_path / "clip.gif", tmp_path, opened=opened, sector=found)


def a_result(tmp_path, entry: ClipEntry) -> ClipResult:
    assert entry.opened is not None
    model = checkpoint(Scale(0.5), Scale(1.2))
    enhancer = Enhancer(model, EnhanceSettings(device="cpu", working_size=64))
    prepared = enhancer.prepare(entry.opened.clip, fan_sector())
    stored = store_result(enhancer, prepared, tmp_path)
    layout = TileLayout.of(prepared)
    streams = [Stream(tmp_path / name, 3) for name in (TILES, MAP_TILES, FLAG_TILES)]
    return ClipResult(tmp_path, stored.sector, layout, model, "cpu", *streams, stored)


def test_the_details_are_json_and_say_the_clips_facts(tmp_path):
    clip = replace(clip_of(speckle(2)), durations_ms=(40.0, 60.0), spacing_mm=(0.5, 0.25))
    entry = an_entry(tmp_path, clip)
    found = json.loads(json.dumps(detail(entry)))
    assert (found["frames"], found["width"], found["height"]) == (2, 120, 96)
    assert found["starts"] == [0.0, 0.04, 0.1]
    assert found["spacing_mm"] == [0.5, 0.25]
    assert found["tags"] == [["Rows", "96"]]
    assert found["sector"]["crop"] == [fan_sector().box[i] for i in (1, 0, 3, 2)]
    assert summary(entry, {})["seconds"] == 0.1
    assert detail(an_entry(tmp_path, clip_of(speckle(1), fps=None)))["still"]
    assert summary(an_entry(tmp_path, clip_of(speckle(1), fps=None)), {})["seconds"] is None


def test_a_results_maps_can_be_painted_from_what_is_sent(tmp_path):
    entry = an_entry(tmp_path)
    entry.shown = a_result(tmp_path, entry)
    sent = json.loads(json.dumps(detail(entry)))["result"]
    assert [one["name"] for one in sent["maps"]] == list(MAP_STYLES)
    tile = next(iter(TileReader(Path(sent["map_tiles"]["folder"]))))
    for one in sent["maps"]:
        style = MAP_STYLES[one["name"]]
        assert (one["low"], one["high"], one["solid_at"]) == (style.low, style.high, style.solid_at)
        assert np.abs(np.array(one["colors"]) - style.table()[0]).max() <= 0.5
        x, y, width, height = one["tile"]
        assert (x, width, height) == (0, tile.shape[1], tile.shape[0] // len(MAP_STYLES))
        assert y + height <= tile.shape[0]
    assert sent["map_tiles"]["ready"] == sent["ready"] == 3
    assert sent["ended"]
    assert sent["mean_change"] > 1
    assert [curve["follows_strength"] for curve in sent["curves"]] == [True, False, False]


def test_a_result_that_is_being_made_has_no_numbers_yet(tmp_path):
    entry = an_entry(tmp_path)
    entry.shown = replace(a_result(tmp_path, entry), stored=None)
    sent = detail(entry)["result"]
    assert not sent["ended"]
    assert sent["curves"] == []
    assert sent["mean_change"] is None
    assert detail(entry)["exports"] == []


def test_a_license_other_than_the_projects_is_shown(tmp_path):
    entry = an_entry(tmp_path)
    result = a_result(tmp_path, entry)
    assert [name for name, _, _ in badge(result)] == ["Model", "Hash", "Device"]
    own = result.checkpoint
    other = replace(own, config=replace(own.config, license="CC BY-NC-SA 4.0"), revision="f" * 40)
    shown = {name: text for name, text, _ in badge(replace(result, checkpoint=other))}
    assert shown["Licence"] == "CC BY-NC-SA 4.0"
    assert shown["Revision"] == "f" * 12


@pytest.mark.parametrize(("confidence", "unsure"), [(CHECK_BELOW - 0.01, True), (CHECK_BELOW + 0.01, False)])
def test_low_confidence_asks_the_reader_to_look(confidence, unsure):
    found = ClipSector(replace(fan_sector(), confidence=confidence), None)
    assert sector_detail(found, False)["unsure"] is unsure
    assert ("adjust" in sector_note(found, False)) is unsure


def test_a_rectangle_is_outlined_and_said():
    inside = np.zeros((240, 320), bool)
    inside[30:200, 40:300] = True
    found = ClipSector(Sector("rectangle", inside, np.zeros_like(inside), 0.5), None)
    shown = sector_detail(found, False)
    assert shown["box"] == shown["crop"] == [40, 30, 300, 200]
    assert shown["fan"] is None
    assert "rectangle" in shown["note"]
    assert sector_detail(ClipSector(fan_sector(), None), False)["box"] is None


def test_a_fan_that_opens_upwards_is_told_so():
    fan = fan_sector().fan
    assert fan is not None
    down = sector_detail(ClipSector(fan_sector(), None), False)["fan"]
    up = sector_detail(ClipSector(replace(fan_sector(), fan=fan.upside_down(96)), None), False)["fan"]
    assert len(down) == 7
    assert up[7] is True
    assert up[1] == 95 - down[1]


def test_a_sector_by_hand_is_known_from_one_that_was_found():
    given = sector_detail(ClipSector(fan_sector(), None, given=True), False)
    assert (given["given"], given["note"]) == (True, "Sector as you set it.")
    assert not sector_detail(ClipSector(fan_sector(), None), False)["given"]


def test_a_whole_image_warns_that_nothing_is_blacked_out():
    found = ClipSector(whole_sector(96, 120), None)
    assert "names" in sector_note(found, blackout=True)
    assert "names" not in sector_note(found, blackout=False)
    assert "border" not in sector_note(found, blackout=True)  # one word for the sector


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(0, None), "Waiting for the machine"),
        (Place(1, None), "Waiting for 1 clip"),
        (Place(3, 41.6), "Waiting for 3 clips, about 42 s"),
    ],
)
def test_who_waits_is_told_for_what(tmp_path, place, words):
    entry = an_entry(tmp_path)
    entry.job = Job("ann", lambda job: None, 30)
    assert progress(entry, place) == words
    entry.job.began, entry.job.done = 1.0, 8
    assert progress(entry, None) == "Enhancing frame 8 of 30"


def test_an_export_is_offered_when_it_is_there(tmp_path):
    export = Export("1", ["a"], "mp4", "MP4", tmp_path)
    assert export_line(export)["file"] is None
    file = tmp_path / "a_enhanced.mp4"
    file.write_bytes(b"x" * 1_234_567)
    export.file, export.state = file, "done"
    shown = export_line(export)
    assert (shown["file"], shown["name"], shown["size"]) == (str(file), "a_enhanced.mp4", "1.2 MB")
