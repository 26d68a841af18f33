"""A clip is opened and sampled once, is shared by all that the page does, and is released in time."""

import gc
import shutil
import threading
import time
import weakref
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from counted_clips import count_clips
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.core.errors import ClipError, UnreadableClip
from echogan.core.geometry import Fan
from echogan.ui.enhance import handlers as module
from echogan.ui.enhance import open_clips
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.open_clips import OpenClips
from echogan.ui.enhance.tab import build_enhance_tab
from echogan.ui.session import Sessions

torch.set_num_threads(1)
ANN: Any = SimpleNamespace(session_hash="ann")
FAN = Fan((60.0, 2.0), -30.0, 30.0, 3.0, 80.0)


@pytest.fixture
def path(tmp_path):
    """A moving fan as a GIF."""
    frames = np.where(fan_sector().mask, speckle(6), 0).astype(np.uint8)
    like = ClipFile(tmp_path, "video", 6, 96, 120, 25.0, False, lambda: iter(frames))
    write_clip(tmp_path / "a.gif", frames, like)
    return tmp_path / "a.gif"


@pytest.fixture
def counts(path, monkeypatch):
    return count_clips(monkeypatch)


@pytest.fixture
def handlers(tmp_path, monkeypatch):
    """The page's handlers with real clips and a generator that halves."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    monkeypatch.setattr(ModelChoices, "load", lambda models, name: checkpoint(Scale(0.5)))
    for name in ("Info", "Warning"):
        monkeypatch.setattr(gr, name, lambda text, **_: None)
    made: list[Any] = []
    real = module.EnhanceHandlers.__init__
    monkeypatch.setattr(
        module.EnhanceHandlers, "__init__", lambda self, *given: (real(self, *given), made.append(self))[0]
    )
    with gr.Blocks():
        build_enhance_tab(Sessions(), ModelChoices())
    return made[0]


def enhance(handlers, path, fan=None) -> dict:
    ticket = handlers.wait(str(path), ANN)[handlers.ticket]
    *_, last = handlers.start(str(path), "halve", 1.0, False, fan, ticket, ANN)
    return last[handlers.player]


def test_one_decode_for_the_sample_and_one_for_each_enhancing(path, counts, handlers):
    assert handlers.opened(str(path), ANN)[handlers.player]["mode"] == "preview"
    for fan in (None, "60,2,-30,30,3,80", "60,2,-30,30,3,70"):
        for blackout in (True, False):
            shown = handlers.blackout_changed(str(path), blackout, fan, ANN)
            assert shown["sector"]["given"] is (fan is not None)
    assert counts == {"opened": 1, "decoded": 1}
    assert enhance(handlers, path)["mode"] == "result"
    assert counts == {"opened": 1, "decoded": 2}
    assert enhance(handlers, path, "60,2,-30,30,3,80")["sector"]["given"]
    assert counts == {"opened": 1, "decoded": 3}


def test_the_same_upload_again_or_another_is_opened_anew(path, counts, handlers):
    for opened in (1, 2):
        handlers.opened(str(path), ANN)
        assert counts["opened"] == opened


def test_a_visitor_who_leaves_or_clears_the_clip_leaves_nothing_in_memory(path, handlers):
    for leave in (lambda: handlers.sessions.close("ann"), lambda: handlers.opened(None, ANN)):
        handlers.opened(str(path), ANN)
        kept = weakref.ref(handlers.sessions.clips.get("ann", path).sample)
        leave()
        gc.collect()
        assert kept() is None


def test_a_clip_that_nobody_used_for_long_is_released(path, counts):
    clips = OpenClips()
    clips.get("ann", path)
    clips.sweep(60)
    clips.get("ann", path)
    assert counts["opened"] == 1
    clips.sweep(0)
    clips.get("ann", path)
    assert counts["opened"] == 2


def test_over_the_limit_the_least_recently_used_goes(path, counts):
    one = OpenClips().get("x", path).nbytes
    counts.clear()
    clips = OpenClips(most_bytes=2 * one)
    for key in ("a", "b", "a", "c"):
        clips.get(key, path)
    assert counts["opened"] == 3
    clips.get("a", path)
    clips.get("c", path)
    assert counts["opened"] == 3
    clips.get("b", path)
    assert counts["opened"] == 4
    small = OpenClips(most_bytes=1)
    for _ in range(2):
        small.get("a", path)  # the newest stays, however large
    assert counts["opened"] == 5


def test_two_events_of_a_visitor_open_a_clip_once(path, counts, monkeypatch):
    really = open_clips.open_preview

    def slowly(source):
        time.sleep(0.2)
        return really(source)

    monkeypatch.setattr(open_clips, "open_preview", slowly)
    clips, found = OpenClips(), []
    threads = [threading.Thread(target=lambda: found.append(clips.get("ann", path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {"opened": 1, "decoded": 1}
    assert len({id(preview) for preview in found}) == 1


def test_a_deleted_clip_gets_one_sentence_and_is_released(path, counts):
    clips = OpenClips()
    clips.get("ann", path)
    copy = shutil.copy(path, path.with_name("b.gif"))
    path.unlink()
    with pytest.raises(UnreadableClip, match=r"^The clip is no longer on the server\. Open it again\.$"):
        clips.get("ann", path)
    assert clips.get("ann", copy).clip.frames == 6


def test_a_clip_deleted_while_it_is_enhanced_is_said_to_be_gone(path):
    preview = OpenClips().get("ann", path)
    path.unlink()
    with pytest.raises(ClipError, match="no longer there"):
        next(preview.clip.iter_frames())


def test_a_clip_that_fails_does_not_take_the_next_one_with_it(path, tmp_path):
    clips, bad = OpenClips(), tmp_path / "bad.gif"
    bad.write_text("no clip")
    with pytest.raises(UnreadableClip):
        clips.get("ann", bad)
    assert clips.get("ann", path, FAN).sector.fan == FAN
