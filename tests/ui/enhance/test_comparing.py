"""Two models on one clip: whose each result is, and what is refused, stopped, swapped, made anew and removed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_workplace import QuickModels, gif, in_state, line, sent, until

from echogan.core.errors import CheckpointNotFound, SettingsError
from echogan.core.geometry import Fan
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.ui.enhance import news
from echogan.ui.enhance.clip_entry import ClipEntry, Visit
from echogan.ui.enhance.comparing import NO_SECOND, NOT_BOTH
from echogan.ui.enhance.enhancing import SAME_NETWORK
from echogan.ui.enhance.fair_queue import Job
from echogan.ui.enhance.workplace import NOT_OPEN, Workplace

FAN = Fan((60.0, 2.0), -30.0, 30.0, 3.0, 80.0)


@pytest.fixture
def clip(place, ann, tmp_path) -> str:
    ((clip,), _) = place.add(ann, [sent(gif(tmp_path / "a.gif"), tmp_path / "gradio")])
    in_state(place, ann, clip, "ready")
    until(lambda: line(place, ann, clip)["original_ready"] == 10)
    return clip


def compare(place: Workplace, visit: Visit, clip: str, model: str = "halve", second: str = "dim") -> None:
    place.comparing.start(visit, place.open_clip(visit, clip), model, second)


def both_made(place: Workplace, visit: Visit, clip: str) -> tuple[ClipEntry, ClipEntry]:
    """The clip and its second, once the work on them has ended."""
    entry = place.clip(visit, clip)
    until(lambda: entry.job is None and (entry.second is None or entry.second.job is None))
    assert entry.second is not None
    return entry, entry.second


def compared(place: Workplace, visit: Visit, clip: str) -> tuple[ClipEntry, ClipEntry]:
    compare(place, visit, clip)
    return both_made(place, visit, clip)


@contextmanager
def nothing_begins(place: Workplace) -> Iterator[None]:
    """Another visitor's job holds the device meanwhile."""
    go = threading.Event()
    job = place.enhancing.queue.submit(Job("bob", lambda job: go.wait(30) and None))
    until(lambda: job.running)
    try:
        yield
    finally:
        go.set()


def frames_of(entry: ClipEntry) -> np.ndarray:
    assert entry.result is not None
    return np.stack([enhanced for _, enhanced in entry.result.frames(1.0)])


def folders(entry: ClipEntry) -> set[Path]:
    """The results on the disk."""
    return {path for path in entry.folder.iterdir() if path.is_dir() and path.name != "original"}


def test_each_result_is_that_of_its_own_model(place, ann, clip):
    compare(place, ann, clip)
    waiting = line(place, ann, clip)
    assert (waiting["model"], waiting["second"]["model"]) == ("halve", "dim")
    entry, second = both_made(place, ann, clip)
    for one, model in ((entry, "halve"), (second, "dim")):
        enhancer = Enhancer(place.models.load(model), EnhanceSettings(device="cpu"))
        assert entry.opened is not None
        assert entry.sector is not None
        chunks = enhancer.stream(entry.opened.clip, entry.sector.sector)
        assert np.array_equal(frames_of(one), np.concatenate([chunk.enhanced for chunk in chunks]))
    assert not np.array_equal(frames_of(entry), frames_of(second))
    told = place.detail(ann, clip)
    assert (told["result"]["model"], told["second"]["result"]["model"]) == ("halve", "dim")
    assert told["second"]["result"]["mean_change"] < told["result"]["mean_change"]
    assert [one["id"] for one in place.clips(ann)] == [clip]  # it stands in the list once


def test_what_is_there_is_not_made_again(place, ann, clip):
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    compared(place, ann, clip)
    compared(place, ann, clip)
    assert place.models.loads == ["halve", "dim"]
    entry, second = place.clip(ann, clip), place.clip(ann, clip).second
    compare(place, ann, clip, "dim", "halve")  # the other way round: they change places
    assert (entry.shown.checkpoint.name, second.shown.checkpoint.name) == ("dim", "halve")
    assert place.models.loads == ["halve", "dim"]


def test_a_model_beside_itself_and_one_that_is_not_there_are_refused_and_nothing_begins(
    place, ann, clip, monkeypatch
):
    with pytest.raises(SettingsError, match="The model dim cannot be compared with itself"):
        compare(place, ann, clip, "dim", " dim ")
    for given in (("halve", "../echogan"), ("nothing", "halve"), ("halve", "")):
        with pytest.raises(CheckpointNotFound):
            compare(place, ann, clip, *given)
    monkeypatch.setenv("ECHOGAN_MODELS", "user/model")
    with pytest.raises(CheckpointNotFound, match="does not offer the model user/other"):
        compare(place, ann, clip, "halve", "user/other")
    shown = line(place, ann, clip)
    assert (shown["state"], shown["second"], shown["model"]) == ("ready", None, "")


def test_a_clip_that_is_not_open_is_refused(place, ann, tmp_path):
    place.opening.workers = 0
    ((clip,), _) = place.add(ann, [sent(gif(tmp_path / "b.gif"), tmp_path / "gradio")])
    with pytest.raises(SettingsError, match=NOT_OPEN):
        compare(place, ann, clip)


def test_the_same_weights_under_another_name_are_said_and_the_first_stays(place, ann, clip, monkeypatch):
    load = QuickModels.load

    def renamed(self, name):
        return replace(load(self, "halve"), source=name, name=name)

    monkeypatch.setattr(QuickModels, "load", renamed)
    entry, second = compared(place, ann, clip)
    assert second.failed == place.detail(ann, clip)["second"]["error"] == SAME_NETWORK
    assert (second.shown, entry.failed) == (None, "")
    assert entry.result is not None


def test_the_same_weights_with_another_gain_are_another_model(place, ann, clip, monkeypatch):
    load = QuickModels.load

    def weaker(self, name):
        made = load(self, "halve")
        config = made.config if name == "halve" else replace(made.config, gain=0.5)
        return replace(made, source=name, name=name, config=config)

    monkeypatch.setattr(QuickModels, "load", weaker)
    entry, second = compared(place, ann, clip)
    assert second.failed == ""
    assert not np.array_equal(frames_of(entry), frames_of(second))


def test_a_second_model_that_does_not_load_says_why(place, ann, clip, monkeypatch):
    def broken() -> None:
        if place.models.loads:
            raise CheckpointNotFound("Its weights are damaged.")

    place.models.before_load = broken
    compared(place, ann, clip)
    told = place.detail(ann, clip)
    assert told["second"] == {
        "rev": told["second"]["rev"],
        "model": "dim",
        "error": "Its weights are damaged.",
        "result": None,
    }
    assert told["result"]["ended"]


def test_a_stop_ends_a_comparison_that_shows_nothing_yet(place, ann, clip, tmp_path):
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    entry = place.clip(ann, clip)
    before = folders(entry)
    with nothing_begins(place):
        compare(place, ann, clip)
        assert line(place, ann, clip)["second"]["state"] == "queued"
        place.stop(ann, None)
    assert line(place, ann, clip)["second"] is None
    assert entry.result is not None
    assert folders(entry) == before
    assert place.enhancing.queue.places() == {}


def test_a_removed_clip_takes_the_second_with_it(place, ann, clip):
    entry = place.clip(ann, clip)
    place.models.before_load = lambda: until(entry.closing.is_set)
    compare(place, ann, clip)
    until(lambda: entry.job.running)
    place.remove(ann, [clip])
    until(lambda: not place.enhancing.queue._threads)
    assert not entry.folder.exists()
    assert place.models.loads == ["halve"]  # the second never began


def test_a_swap_lets_the_second_be_exported(place, ann, clip):
    with pytest.raises(SettingsError, match=NO_SECOND):
        place.comparing.swap(place.clip(ann, clip))
    with nothing_begins(place):
        compare(place, ann, clip)
        with pytest.raises(SettingsError, match=NOT_BOTH):
            place.comparing.swap(place.clip(ann, clip))
    entry, second = compared(place, ann, clip)
    halved, dimmed = frames_of(entry), frames_of(second)
    place.comparing.swap(entry)
    assert np.array_equal(frames_of(entry), dimmed)
    assert np.array_equal(frames_of(second), halved)
    place.export(ann, [clip], "npz", {}, mark=False)
    until(lambda: place.exports(ann)[-1]["state"] == "done")
    with np.load(place.exports(ann)[-1]["file"]) as arrays:
        assert str(arrays["model"]) == "dim"


def test_the_end_of_a_comparison_leaves_the_first_alone(place, ann, clip):
    entry, second = compared(place, ann, clip)
    gone, kept = second.shown.folder, entry.shown.folder
    place.comparing.end(ann, entry)
    place.comparing.end(ann, entry)  # no mistake
    assert place.detail(ann, clip)["second"] is None
    assert (gone.exists(), kept.exists()) == (False, True)
    assert folders(entry) == {kept}


def test_an_end_while_the_second_is_made_leaves_nothing_of_it(place, ann, clip):
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    entry = place.clip(ann, clip)
    before = folders(entry)
    compare(place, ann, clip)
    until(lambda: line(place, ann, clip)["second"]["ready"])
    place.comparing.end(ann, entry)
    until(lambda: not place.enhancing.queue._threads)
    assert folders(entry) == before


def test_with_a_new_sector_both_are_made_anew(place, ann, clip):
    compared(place, ann, clip)
    place.set_sector(ann, clip, FAN)
    told = place.detail(ann, clip)
    assert told["result"]["stale"] == told["second"]["result"]["stale"] != ""
    place.enhance(ann, [clip], "halve")
    entry, second = both_made(place, ann, clip)
    assert entry.result.sector is second.result.sector is entry.sector.sector
    told = place.detail(ann, clip)
    assert told["result"]["stale"] == told["second"]["result"]["stale"] == ""
    assert folders(entry) == {entry.shown.folder, second.shown.folder}


def test_the_first_with_the_seconds_model_ends_the_comparison(place, ann, clip):
    entry, _ = compared(place, ann, clip)
    place.enhance(ann, [clip], "dim")
    assert line(place, ann, clip)["second"] is None
    in_state(place, ann, clip, "done")
    assert folders(entry) == {entry.shown.folder}


def test_a_page_that_waits_hears_of_the_second(place, ann, clip):
    entry, second = compared(place, ann, clip)
    before = news.fingerprint(ann)
    assert news.fingerprint(ann) == before
    with place.lock:
        second.rev += 1
    assert news.fingerprint(ann) != before
    place.comparing.end(ann, entry)
    assert news.fingerprint(ann) != before
