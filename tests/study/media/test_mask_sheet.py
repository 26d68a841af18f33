"""The sheet of masks: what is hidden is red and comes first; a list can say that nothing is written over the tissue."""

import io
from dataclasses import replace

import numpy as np
import pytest
from fake_checkpoint import clip_of, speckle
from PIL import Image

from echogan.clips.files import write_clip
from echogan.core.geometry import Fan
from echogan.study.media.mask_sheet import CAPTION, COLUMNS, TILE, hidden, mask_sheet
from echogan.study.media.pairing import open_pair
from echogan.study.media.sources import Source

FAN = Fan.parse("100,4,-38,38,4,150")


@pytest.fixture
def source(tmp_path) -> Source:
    """A clip with white letters that do not move over its tissue."""
    frames = np.where(FAN.mask(160, 200), speckle(12, 160, 200, 0) // 3 + 20, 0).astype(np.uint8)
    for left in range(84, 116, 8):
        frames[:, 70:80, left : left + 2] = 255
        frames[:, 74:76, left : left + 6] = 255
    write_clip(tmp_path / "a.gif", frames, clip_of(frames, 25.0, path=tmp_path / "source.avi"))
    return Source("line 2 of the list", tmp_path / "a.gif", "A", None, sector=FAN)


def test_a_list_can_say_that_there_is_no_text(source):
    found, told = open_pair(source), open_pair(replace(source, text=False))
    assert hidden(found) > 50
    assert hidden(told) == 0
    assert np.array_equal(told.sector.tissue_mask, found.sector.mask)


def test_what_is_hidden_is_red_and_comes_first(source):
    pair = open_pair(source)
    plain = open_pair(replace(source, text=False))
    sheet = np.asarray(Image.open(io.BytesIO(mask_sheet([plain, pair], ["P001-1", "P002-1"])))).astype(int)
    assert sheet.shape == (TILE + CAPTION, COLUMNS * TILE, 3)
    red = sheet[CAPTION:, :, 0] > sheet[CAPTION:, :, 1] + 60
    assert red[:, :TILE].sum() > 20
    assert not red[:, TILE:].any()
    assert sheet[CAPTION:, TILE : 2 * TILE].max() > 100
    assert sheet[:, 2 * TILE :].max() == 0
