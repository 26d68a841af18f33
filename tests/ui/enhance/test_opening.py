"""What is kept of a clip that was opened: a thumbnail of its sector, a mask of its tissue, its frames bit by bit."""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from fake_checkpoint import clip_of, fan_sector, speckle, whole_sector
from small_workplace import gif

from echogan.core.errors import Cancelled, UnreadableClip
from echogan.core.geometry import Fan, Sector
from echogan.enhance.frame_tiles import TileReader
from echogan.ui.enhance.clip_entry import Stream
from echogan.ui.enhance.opening import (
    THUMB,
    open_for_page,
    sector_by_hand,
    thumbnail,
    write_mask,
    write_tiles,
)


def test_the_mask_is_the_tissue_and_there_is_none_without_a_sector(tmp_path):
    sector = fan_sector()
    path = write_mask(sector, tmp_path / "mask.png")
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED) == 255, sector.tissue_mask)
    assert write_mask(whole_sector(96, 120), tmp_path / "none.png") is None
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize(("height", "width"), [(96, 120), (960, 1200)])
def test_the_thumbnail_is_the_sectors_box_and_never_larger_than_needed(height, width, color):
    sector, frame = fan_sector(height, width), speckle(1, height, width)[0]
    frame = np.repeat(frame[..., None], 3, -1) if color else frame
    top, left, bottom, right = sector.box
    shown = thumbnail(frame, sector)
    box_height, box_width = bottom - top, right - left
    assert max(shown.shape[:2]) == min(THUMB, max(box_height, box_width))
    assert shown.shape[0] / shown.shape[1] == pytest.approx(box_height / box_width, rel=0.02)
    assert shown.ndim == frame.ndim
    assert shown.mean() == pytest.approx(frame[top:bottom, left:right].mean(), abs=2)


def test_frames_are_written_as_they_are_also_outside_the_sector(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (19, 40, 50, 3), np.uint8)
    stream = Stream(tmp_path / "original")
    write_tiles(clip_of(frames), stream, threading.Event())
    assert stream.ready == 19
    assert np.array_equal(np.stack(list(TileReader(stream.folder))), frames)


@pytest.mark.parametrize("shape", [(19, 40, 50, 3), (8, 40, 50)])
def test_the_file_is_not_read_again_once_its_frames_are_written(tmp_path, shape):
    frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    if frames.ndim == 4:
        frames[3] = frames[3, ..., :1]  # a frame in colour without any is stored as grey
    asked = []

    def decode():
        asked.append(1)
        return iter(frames)

    clip = write_tiles(
        replace(clip_of(frames), decode=decode), Stream(tmp_path / "original"), threading.Event()
    )
    for _ in range(2):
        assert np.array_equal(np.stack(list(clip.iter_frames())), frames)
    assert len(asked) == 1
    (tmp_path / "original" / "000000.tiles").unlink()
    with pytest.raises(UnreadableClip, match="no longer there"):
        list(clip.iter_frames())


def test_writing_stops_when_it_is_told_to(tmp_path):
    cancel, stream = threading.Event(), Stream(tmp_path / "original")
    cancel.set()
    with pytest.raises(Cancelled):
        write_tiles(clip_of(speckle(9)), stream, cancel)
    assert stream.ready == 0


def test_a_clip_is_opened_with_its_facts(tmp_path, cine):
    opened = open_for_page(cine, tmp_path)
    assert (opened.clip.frames, opened.clip.width, opened.clip.height) == (30, 320, 240)
    assert opened.found.sector.kind == "fan"
    assert not opened.found.given
    assert opened.thumb.exists()
    assert opened.found.mask is not None
    assert ("Rows x columns", "240 x 320") in opened.tags
    assert opened.original.ready == 0
    assert open_for_page(gif(tmp_path / "a.gif"), tmp_path).tags == []


def test_a_sector_by_hand(tmp_path):
    fan = Fan((60.0, 2.0), -30.0, 30.0, 3.0, 80.0)
    found = sector_by_hand(clip_of(speckle(5)), fan, tmp_path / "mask.png")
    assert found.given
    assert found.sector.fan == fan
    mask = cv2.imread(str(found.mask), cv2.IMREAD_UNCHANGED) > 0
    assert not mask[~fan.mask(96, 120)].any()
    assert isinstance(found.sector, Sector)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("this is no clip\n" * 100)
    with pytest.raises(UnreadableClip):
        open_for_page(path, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]
