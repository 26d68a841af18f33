"""The numbers of two results: against the report and the stored codes, by each model's own calibration, or without."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from fake_flagger import AMBER, RED, Spots

from echogan.enhance import trust_stage
from echogan.enhance.calibrated import Calibrated
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.result_stages import store_result
from echogan.enhance.result_writer import FLAG_TILES, MAP_TILES, TILES
from echogan.enhance.tile_layout import FLAGGED_PART
from echogan.trust.calibration import Calibration
from echogan.trust.card.reference import Reference
from echogan.ui.enhance.clip_entry import ClipResult, Stream
from echogan.ui.enhance.result_numbers import NOT_MADE, UNCALIBRATED, WAITS, result_numbers

torch.set_num_threads(1)


def made(folder, flagger=None) -> ClipResult:
    model = checkpoint(Scale(0.5))
    enhancer = Enhancer(model, EnhanceSettings(device="cpu", working_size=64))
    stored = store_result(
        enhancer, enhancer.prepare(clip_of(speckle(6)), fan_sector()), folder, flagger=flagger
    )
    streams = [Stream(folder / name, 6) for name in (TILES, MAP_TILES, FLAG_TILES)]
    thresholds = None if flagger is None else (AMBER, RED)
    return ClipResult(folder, stored.sector, stored.layout, model, "cpu", *streams, stored, thresholds)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory) -> ClipResult:
    calibration = Calibration(
        "ab" * 32, "", AMBER, RED, clips={"faithful": 100}, phantom="", errors="", date=""
    )
    beside = Calibrated(calibration, Reference({}, np.empty((0, 0), np.float32)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trust_stage, "calibration_of", lambda checkpoint: beside)
        return made(tmp_path_factory.mktemp("calibrated"), Spots())


def by_label(shown: ClipResult) -> dict[str, dict]:
    return {one["label"]: one for one in result_numbers(shown)}


def test_shares_are_those_of_the_codes_in_the_flagged_map(calibrated):
    numbers, stored = by_label(calibrated), calibrated.stored
    tissue = stored.space.tissue
    codes = [stored.layout.part(tile, FLAGGED_PART)[tissue] for tile in TileReader(calibrated.flags.folder)]
    strength = np.abs(np.stack(codes).astype(int) - 128) / 127
    assert numbers["Flagged amber"]["value"] == pytest.approx(100 * (strength >= AMBER).mean())
    assert numbers["Flagged red"]["value"] == pytest.approx(100 * (strength >= RED).mean())
    assert 0 < numbers["Flagged red"]["value"] < numbers["Flagged amber"]["value"] < 100
    assert numbers["Flagged red"]["unit"] == "% of the sector"


def test_change_and_cycle_error_are_those_of_the_report_and_less_change_is_kept(calibrated):
    numbers, diagnostics = by_label(calibrated), calibrated.stored.report.diagnostics
    change, cycle = numbers["Mean change"], numbers["Cycle error"]
    assert (change["value"], cycle["value"]) == tuple(
        diagnostics[name]["mean"] for name in ("difference", "cycle_error")
    )
    assert (change["follows_strength"], cycle["follows_strength"]) == (True, False)
    assert 0 < change["kept"] < change["value"]
    assert cycle["kept"] == cycle["value"]
    assert change["unit"] == cycle["unit"] == "grey levels"


def test_what_is_not_known_is_said(calibrated, tmp_path):
    numbers = by_label(made(tmp_path))
    assert numbers["Mean change"]["value"] == numbers["Mean change"]["kept"] > 0
    for label in ("Flagged amber", "Flagged red"):
        assert (numbers[label]["value"], numbers[label]["missing"]) == (None, UNCALIBRATED)
    being_made = replace(calibrated, stored=None)
    assert {(one["value"], one["missing"]) for one in result_numbers(being_made)} == {(None, WAITS)}
    without_card = replace(calibrated.stored, flags=None, report=replace(calibrated.stored.report, trust={}))
    for checked, missing in ((3, WAITS), (None, NOT_MADE)):
        early = by_label(replace(calibrated, stored=without_card, checked=checked))
        assert (early["Flagged red"]["value"], early["Flagged red"]["missing"]) == (None, missing)
        assert early["Mean change"]["value"] > 0
