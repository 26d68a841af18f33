"""Clips read in a child are what they are when read here; a bad file ends its child, and nothing else."""

import dataclasses
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from small_workplace import gif
from videos import encode, ramps

from echogan.clips.files import open_clip
from echogan.clips.guard import guard
from echogan.clips.guard.guard import SERVER, ChildFault, look, open_guarded
from echogan.clips.sector.find_sector import find_sector
from echogan.core.errors import Cancelled, ClipTooLarge, UnreadableClip, UnsupportedClip


@pytest.fixture
def with_request(monkeypatch):
    """Change what children are told: with_request(name=value)."""

    def change(**changed: object) -> None:
        real = guard.request_for
        monkeypatch.setattr(guard, "request_for", lambda *given: real(*given) | changed)

    return change


def same(one, other) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        if isinstance(getattr(one, field.name), np.ndarray)
        else getattr(one, field.name) == getattr(other, field.name)
        for field in dataclasses.fields(one)
    )


def test_facts_sector_and_frames_are_those_of_the_file(tmp_path, cine):
    for path in (cine, gif(tmp_path / "a.gif"), encode(tmp_path / "m.mp4", ramps(9), "libx264", "yuv420p")):
        seen, here = look(path), open_clip(path)
        assert dataclasses.replace(seen.clip, decode=here.decode) == here
        assert same(seen.sector, find_sector(here))
        frames = here.read().frames
        assert np.array_equal(seen.first, frames[0])
        assert np.array_equal(seen.clip.read().frames, frames)
        assert np.array_equal(open_guarded(path).read().frames, frames)
        assert bool(seen.tags) == (path == cine)


def test_two_passes_at_once_and_one_that_is_left(tmp_path):
    clip = look(gif(tmp_path / "a.gif")).clip
    one, other = clip.iter_frames(), clip.iter_frames()
    first = next(one)
    assert np.array_equal(first, next(other))
    one.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert sum(1 for _ in other) == 9


def test_errors_come_back_with_their_kind_and_sentence(tmp_path):
    (tmp_path / "a.mp4").write_text("no clip")
    with pytest.raises(UnreadableClip, match="is not a clip"):
        look(tmp_path / "a.mp4")
    with pytest.raises(UnreadableClip, match="no file"):
        open_guarded(tmp_path / "none.mp4")
    with pytest.raises(UnsupportedClip, match="too small"):
        look(encode(tmp_path / "s.avi", ramps(3, 8, 8), "ffv1", "gray"))


def test_a_file_that_was_changed_meanwhile_is_refused(tmp_path):
    clip = look(gif(tmp_path / "a.gif")).clip
    gif(tmp_path / "a.gif", frames=5)
    with pytest.raises(UnreadableClip, match="changed"):
        next(clip.iter_frames())
    (tmp_path / "a.gif").unlink()
    with pytest.raises(UnreadableClip, match="no longer there"):
        next(clip.iter_frames())


def test_memory_has_a_limit(tmp_path, with_request):
    path = encode(tmp_path / "m.avi", ramps(40, 1024, 1024), "ffv1", "gray")
    assert look(path).clip.frames == 40
    with_request(memory=640 * 2**20)
    with pytest.raises((ClipTooLarge, UnreadableClip), match="memory"):
        look(path)


def test_time_has_a_limit_and_only_that_clip_ends(tmp_path, with_request):
    path = encode(tmp_path / "m.avi", ramps(600, 512, 512), "ffv1", "gray")
    with_request(loaded=0.0001)
    began = time.monotonic()
    with pytest.raises((ClipTooLarge, UnreadableClip), match="time"):
        look(path)
    assert time.monotonic() - began < 20


def test_looking_can_be_cancelled(tmp_path):
    path = encode(tmp_path / "m.avi", ramps(600, 512, 512), "ffv1", "gray")
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    with pytest.raises(Cancelled):
        look(path, cancel=cancel)


def test_no_child_stays_behind(tmp_path, monkeypatch):
    server = guard._Server()  # its children are those of this test alone
    monkeypatch.setattr(guard, "SERVER", server)
    # So many frames that they do not fit into the socket: the child has to wait for whoever wants them.
    clip = look(gif(tmp_path / "a.gif", frames=60)).clip
    assert server._process is not None
    children = Path(f"/proc/{server._process.pid}/task/{server._process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process")
    assert _settled(children, 0), "the child that looked ends"
    frames = clip.iter_frames()
    next(frames)
    assert _settled(children, 1), "the child that decodes waits"
    frames.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert _settled(children, 0), "the child that decoded ends"


def _settled(children: Path, count: int) -> bool:
    """Whether so many children are left. Each ends by itself, within seconds where others compute."""
    end = time.monotonic() + 20
    while len(children.read_text().split()) != count and time.monotonic() < end:
        time.sleep(0.02)
    return len(children.read_text().split()) == count


def test_a_server_that_died_is_started_again(tmp_path):
    path = gif(tmp_path / "a.gif")
    assert look(path).clip.frames == 10
    assert SERVER._process is not None
    os.kill(SERVER._process.pid, signal.SIGKILL)
    SERVER._process.wait(20)
    assert look(path).clip.frames == 10


def test_a_fault_of_ours_is_logged_without_what_the_file_says(tmp_path, with_request, caplog):
    with_request(limits={"no such limit": 1})
    with pytest.raises(ChildFault):
        look(gif(tmp_path / "a.gif"))
    assert "TypeError in a child" in caplog.text
    assert "no such limit" not in caplog.text
