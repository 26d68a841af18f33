"""Visits: found again after a reload, never guessed, and removed in time, also on an idle server."""

import threading
import time

import pytest
from small_workplace import until

from echogan.ui.enhance import visits as module
from echogan.ui.enhance.visits import ServerFull, VisitGone, Visits
from echogan.ui.session import Sessions


@pytest.fixture
def gone():
    return []


@pytest.fixture
def made(tmp_path, monkeypatch, gone):
    """A function that makes Visits, which end with the test."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    all_made = []

    def make(keep=3600.0, grace=120.0) -> Visits:
        visits = Visits(Sessions(keep), lambda visit: gone.append(visit.token), grace)
        all_made.append(visits)
        return visits

    yield make
    for visits in all_made:
        visits.close_all()


def test_a_reload_finds_the_visit_and_nobody_else_does(made):
    visits = made()
    visit, found = visits.arrive(None, "page1")
    assert not found
    assert len(visit.token) >= 40
    visits.leave("page1")
    again, found = visits.arrive(visit.token, "page2")
    assert found
    assert again is visit
    other, found = visits.arrive("0" * 43, "page3")
    assert not found
    assert other.token != "0" * 43
    for wrong in ("", visit.token[:-1], visit.token + "x"):
        with pytest.raises(VisitGone):
            visits.find(wrong)


def test_after_the_page_is_closed_the_grace_runs_unless_a_page_still_shows_it(made, gone):
    visits = made(grace=0.2)
    visit, _ = visits.arrive(None, "page1")
    visits.arrive(visit.token, "page2")
    visits.leave("page1")
    time.sleep(0.4)
    visits.sweep()
    assert gone == []
    visits.leave("page2")
    until(lambda: gone == [visit.token])  # the sweeper does it, without a call
    with pytest.raises(VisitGone):
        visits.find(visit.token)


def test_a_page_that_still_calls_was_not_closed(made, gone, monkeypatch):
    monkeypatch.setattr(module, "AFTERGLOW", 0.05)
    visits = made(grace=0.3)
    visit, _ = visits.arrive(None, "page1")
    visits.leave("page1")
    visits.find(visit.token)  # a last call, on its way when the page was closed
    assert visit.left is not None
    time.sleep(0.1)
    visits.find(visit.token)
    assert visit.left is None
    time.sleep(0.5)
    assert gone == []


def test_without_a_sign_of_life_a_visit_ends_and_with_one_it_stays(made, gone):
    visits = made(keep=0.4, grace=0.2)
    idle, _ = visits.arrive(None, "page1")
    busy, _ = visits.arrive(None, "page2")
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        visits.find(busy.token)
        time.sleep(0.05)
    assert gone == [idle.token]


def test_the_sweeper_lives_only_while_there_are_visits(made):
    visits = made(grace=0.1)
    visits.arrive(None, "page1")
    assert [thread for thread in threading.enumerate() if thread.name == "sweep"]
    visits.leave("page1")
    until(lambda: visits._sweeper is None)
    visits.arrive(None, "page2")
    assert visits._sweeper is not None


def test_a_full_server_takes_the_place_of_an_empty_visit_only(made, gone, monkeypatch):
    monkeypatch.setattr(module, "MOST_VISITS", 2)
    visits = made()
    first, _ = visits.arrive(None, None)
    second, _ = visits.arrive(None, None)
    first.clips["x"] = None  # type: ignore[assignment]
    visits.arrive(None, None)
    assert gone == [second.token]
    for visit in visits._visits.values():
        visit.clips["x"] = None  # type: ignore[assignment]
    with pytest.raises(ServerFull, match="Try again later"):
        visits.arrive(None, None)


def test_one_address_with_all_the_visits_locks_nobody_out(made, gone, monkeypatch):
    monkeypatch.setattr(module, "MOST_VISITS", 3)
    visits = made()
    greedy = [visits.arrive(None, None, "10.0.0.1")[0] for _ in range(3)]
    for visit in greedy:
        visit.clips["x"] = None  # type: ignore[assignment]
    other, _ = visits.arrive(None, None, "10.0.0.2")
    assert gone == [greedy[0].token]
    other.clips["x"] = None  # type: ignore[assignment]
    with pytest.raises(ServerFull):
        visits.arrive(None, None, "10.0.0.1")
    assert visits.find(other.token) is other
