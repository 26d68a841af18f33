"""A disk that is full or closed: every call says so in a sentence, and nothing half-written is left."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from small_workplace import gif, in_state, sent, until

from echogan.enhance import frame_tiles
from echogan.ui.enhance.calls import server_functions
from echogan.ui.enhance.enhancing import own_words
from echogan.ui.error_words import DISK_CLOSED, DISK_FULL, FAILED, sentence

FULL = OSError(errno.ENOSPC, "No space left on device")


def fail(*_: object, **__: object) -> None:
    raise FULL


@pytest.fixture
def ready(place, tmp_path):
    """A visit with one clip that is enhanced."""
    visit, _ = place.visits.arrive(None, "page")
    (clip,), _ = place.add(visit, [sent(gif(tmp_path / "a.gif"), tmp_path / "gradio")])
    place.enhance(visit, [clip], "halve")
    in_state(place, visit, clip, "done")
    return visit, clip


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, DISK_FULL),
        (errno.EDQUOT, DISK_FULL),
        (errno.EROFS, DISK_CLOSED),
        (errno.EACCES, DISK_CLOSED),
        (errno.ENOENT, FAILED),
    ],
)
def test_each_trouble_of_a_disk_has_its_sentence(code, said):
    assert sentence(OSError(code, "x")) == said


def test_an_upload_that_finds_no_room_is_refused_with_the_reason(place, tmp_path, monkeypatch):
    visit, _ = place.visits.arrive(None, "page")
    upload = sent(gif(tmp_path / "a.gif"), tmp_path / "gradio")
    place.add_example(visit, "Recorded DICOM cine")  # the visit has its folder
    until(lambda: place.opening.places() == {} and place.clips(visit)[0]["state"] == "ready")
    before = set(visit.folder.iterdir())
    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(shutil, "copyfile", fail)
    added, refused = place.add(visit, [upload])
    assert (added, refused) == ([], [("a.gif", DISK_FULL)])
    assert set(visit.folder.iterdir()) == before


def test_tiles_that_find_no_room_refuse_the_clip(place, tmp_path, monkeypatch):
    real = Path.write_bytes

    def no_tiles(path: Path, data: bytes) -> int:
        return fail() if data.startswith(frame_tiles.MAGIC) else real(path, data)

    monkeypatch.setattr(Path, "write_bytes", no_tiles)
    visit, _ = place.visits.arrive(None, "page")
    (clip,), _ = place.add(visit, [sent(gif(tmp_path / "a.gif"), tmp_path / "gradio")])
    assert in_state(place, visit, clip, "refused")["error"] == DISK_FULL
    until(lambda: not place.clip(visit, clip).folder.exists())


def test_a_result_an_export_and_a_call_that_find_no_room_say_so(place, ready, monkeypatch):
    visit, clip = ready
    calls = {call.__name__: call for call in server_functions(place)}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", fail)
        answer = calls["export"]({"visit": visit.token, "ids": [clip], "kind": "mp4", "mark": True})
        assert answer == {"error": DISK_FULL}
        assert visit.exports == {}
        place.enhance(visit, [clip], "dim")
        assert in_state(place, visit, clip, "failed")["error"] == DISK_FULL
    assert calls["poll"]({"visit": visit.token})["clips"][0]["has_result"]  # the one before


def test_an_export_that_finds_no_room_half_way_says_so_and_leaves_nothing(place, ready, monkeypatch):
    visit, clip = ready
    entry = place.clip(visit, clip)
    monkeypatch.setattr(os, "replace", fail)
    place.export(visit, [clip], "report", {}, True)
    (export,) = visit.exports.values()
    until(lambda: export.state != "making")
    assert (export.state, export.error) == ("failed", DISK_FULL)
    assert [path for path in export.folder.rglob("*") if path.is_file()] == []
    assert own_words(FULL, entry) == DISK_FULL
