"""The Enhance tab when two things happen at once: no wrong result, none lost, no false toast."""

from types import SimpleNamespace

import gradio as gr
import pytest
from fake_checkpoint import Scale, checkpoint

from echogan.core.errors import UnreadableClip
from echogan.ui import feedback
from echogan.ui.enhance import handlers as module
from echogan.ui.enhance.handlers import EnhanceHandlers, take_fan
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.open_clips import OpenClips
from echogan.ui.enhance.tab import build_enhance_tab
from echogan.ui.session import Sessions

ANN = SimpleNamespace(session_hash="ann")


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The handlers with their sessions, and the toasts shown; enhancing and previews are stand-ins."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    sessions, toasts, made = Sessions(), [], []
    monkeypatch.setattr(ModelChoices, "load", lambda models, name: checkpoint(Scale(1.0)))
    monkeypatch.setattr(module, "as_json", lambda value: value)
    opened = SimpleNamespace(clip=SimpleNamespace(kind="gif"))
    monkeypatch.setattr(OpenClips, "get", lambda *_: opened)
    monkeypatch.setattr(module, "preview_value", lambda preview, folder, blackout: {"preview": blackout})
    for name in ("Info", "Warning"):
        monkeypatch.setattr(module.gr, name, lambda text, **_: toasts.append(text))
    monkeypatch.setattr(feedback.show_error, "__defaults__", (lambda text, **_: toasts.append(text),))
    real = EnhanceHandlers.__init__
    monkeypatch.setattr(EnhanceHandlers, "__init__", lambda self, *a: (real(self, *a), made.append(self))[0])
    with gr.Blocks():
        build_enhance_tab(sessions, ModelChoices())
    return SimpleNamespace(handlers=made[0], sessions=sessions, toasts=toasts)


def enhancing(monkeypatch, act):
    """Let `act(progress, cancel)` be what enhances."""
    monkeypatch.setattr(
        module, "enhance_for_page", lambda request, folder, progress, cancel: act(progress, cancel)
    )


def start(page, ticket=None):
    """Press Enhance, unless there is a ticket of an earlier press, and let the machine be free."""
    ticket = ticket or page.handlers.wait("a.gif", ANN)[page.handlers.ticket]
    return page.handlers.start("a.gif", "tiny", 1.0, False, None, ticket, ANN)


def test_a_result_reaches_the_page(page, monkeypatch):
    enhancing(monkeypatch, lambda progress, cancel: progress(1, 1) or "result")
    waiting = page.handlers.wait("a.gif", ANN)
    assert waiting[page.handlers.rail.blackout].interactive is False
    assert waiting[page.handlers.rail.stop].interactive is True
    *_, last = start(page, waiting[page.handlers.ticket])
    assert last[page.handlers.player] == "result"
    assert last[page.handlers.rail.blackout].interactive is True
    assert page.sessions.has_result("ann")


def test_the_result_of_a_clip_that_was_replaced_meanwhile_is_not_shown(page, monkeypatch):
    def act(progress, cancel):  # too late to notice the stop
        page.handlers.opened("b.gif", ANN)
        return "result of a"

    enhancing(monkeypatch, act)
    steps = list(start(page))
    assert not any(page.handlers.player in step for step in steps)
    assert "Stopped" in steps[-1][page.handlers.rail.progress]
    assert not page.sessions.has_result("ann")
    assert page.toasts == []


def test_a_clip_that_went_because_another_was_opened_is_no_mistake(page, monkeypatch):
    def act(progress, cancel):
        page.handlers.opened("b.gif", ANN)
        raise UnreadableClip("The clip is no longer here.")

    enhancing(monkeypatch, act)
    list(start(page))
    assert page.toasts == []


def test_a_real_mistake_is_told(page, monkeypatch):
    def act(progress, cancel):
        raise UnreadableClip("The clip is damaged.")

    enhancing(monkeypatch, act)
    list(start(page))
    assert "The clip is damaged." in page.toasts[0]


@pytest.mark.parametrize("meanwhile", ["stop", "open"])
def test_what_waits_does_not_begin_after_a_stop_or_another_clip(page, monkeypatch, meanwhile):
    enhancing(monkeypatch, lambda *_: pytest.fail("it began"))
    ticket = page.handlers.wait("a.gif", ANN)[page.handlers.ticket]
    if meanwhile == "stop":
        page.handlers.stop(ANN)
    else:
        page.handlers.opened("b.gif", ANN)
    assert list(start(page, ticket)) == [{page.handlers.rail.progress: gr.skip()}]  # nor says anything


def test_the_blackout_takes_no_result_away(page, monkeypatch):
    assert page.handlers.blackout_changed("a.gif", True, None, ANN) == {"preview": True}
    enhancing(monkeypatch, lambda *_: "result")
    list(start(page))
    assert page.handlers.blackout_changed("a.gif", True, None, ANN) == gr.skip()
    assert page.sessions.has_result("ann")
    assert "Press Enhance" in page.toasts[0]


def test_without_a_clip_it_is_said(page):
    page.handlers.wait(None, ANN)
    assert page.toasts == ["Open a clip first."]


def test_an_empty_fan_is_the_one_that_was_found():
    assert take_fan(SimpleNamespace(fan="")) is None  # type: ignore[arg-type]
    assert take_fan(SimpleNamespace(fan="1,2,3")) == "1,2,3"  # type: ignore[arg-type]
