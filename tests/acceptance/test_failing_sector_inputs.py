"""The inputs that once failed by their content or sector: each gives the right value of their table, or is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint

from echogan.cli.main import main
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.core.errors import UnsupportedClip
from echogan.core.geometry import Fan, Sector
from echogan.model.checkpoints import hub

torch.set_num_threads(1)
FAILING = Path(__file__).resolve().parents[2].parent / "shared" / "failing"
DRAWN = Fan((120.0, 14.0), -36.0, 36.0, 0.0, 150.0)  # of the clips of 180 x 240 pixels


def given(start: str) -> Path:
    """The one input whose name starts so."""
    found = sorted(FAILING.glob(f"{start}_*"))
    if not found:
        pytest.skip(f"no {start}_* in ../shared/failing beside the project")
    return found[0]


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    return (mask & truth).sum() / (mask | truth).sum()


def sector_of(start: str) -> tuple[Sector, np.ndarray]:
    clip = open_clip(given(start))
    return find_sector(clip), clip.sample(1)[0]


@pytest.fixture
def fake_model(monkeypatch):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5)))


def enhance(*arguments: object) -> int:
    return main(["enhance", *(str(argument) for argument in arguments), "--device", "cpu"])


@pytest.mark.parametrize("start", ["f03", "f03b"])
@pytest.mark.parametrize("flags", [[], ["--sector", "120,14,-36,36,0,150"]], ids=["found", "given"])
def test_colour_doppler_is_refused(start, flags, tmp_path, capfd, fake_model):
    source = given(start)
    assert enhance(source, tmp_path / "out.mp4", *flags) == 2
    assert "colour Doppler" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
    with pytest.raises(UnsupportedClip, match="colour Doppler"):
        sector_from_fan(DRAWN, open_clip(source))


def test_the_pane_above_a_spectrum_is_taken_alone():
    sector, _ = sector_of("f04")
    assert sector.kind == "fan"
    assert not sector.mask[140:].any()
    assert sector.tissue_mask.mean() > 0.09
    assert any("spectral Doppler" in note for note in sector.notes)


def test_dither_is_no_colour():
    sector, _ = sector_of("f05")
    assert overlap(sector.tissue_mask, DRAWN.mask(180, 240)) > 0.95


@pytest.mark.parametrize("start", ["f08", "f08b"])
def test_of_two_panes_one_is_enhanced_and_that_is_said(start):
    sector, _ = sector_of(start)
    truth = np.pad(DRAWN.mask(180, 240), ((0, 0), (0, 240)))
    assert overlap(sector.mask, truth) > 0.95
    assert "2 tissue panes; the left one is enhanced" in sector.notes[0]
    assert not any("does not agree" in note for note in sector.notes)


def test_a_fan_with_its_apex_below_is_found_and_enhanced(tmp_path, fake_model):
    sector, frame = sector_of("f09")
    assert sector.fan is not None
    assert sector.fan.opens_up
    assert overlap(sector.mask, DRAWN.mask(180, 240)[::-1]) > 0.95
    assert enhance(given("f09"), tmp_path / "out.mp4", "--working-size", 64, "--no-mark") == 0
    change = np.abs(open_clip(tmp_path / "out.mp4").sample(1)[0].astype(int) - frame).max(-1)
    assert change[cv2.erode(sector.tissue_mask.astype(np.uint8), np.ones((5, 5))) > 0].mean() > 15
    assert change[cv2.dilate(sector.mask.astype(np.uint8), np.ones((15, 15))) == 0].mean() < 2


def test_the_tissue_in_the_region_outweighs_a_title_bar(tmp_path, fake_model):
    sector, frame = sector_of("f11")
    assert not sector.mask[:40].any()
    assert sector.tissue_mask[40:261, 60:321].sum() > 0.95 * sector.tissue_mask.sum()
    lit = (frame.max(-1) > 20) & (np.arange(300)[:, None] > 40)
    assert sector.tissue_mask[lit].mean() > 0.9
    assert enhance(given("f11"), tmp_path / "out.dcm", "--working-size", 64) == 0
    written = open_clip(tmp_path / "out.dcm").sample(1)[0]
    assert not written[:40].any()  # the bar with the name is gone
    assert written[lit].any()
