"""The list of clips, and the work on it: what is shown when, what stays, what goes, and nothing of anybody else's."""

import gc
import shutil
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from small_workplace import QuickModels, gif, in_state, line, sent, small_workplace, until

from echogan.clips.guard.guard import SERVER
from echogan.clips.sector.clip_sample import ClipSample
from echogan.core.errors import CheckpointNotFound, SectorError, SettingsError
from echogan.core.geometry import Fan
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.stored_result import StoredResult
from echogan.ui.enhance import opening
from echogan.ui.enhance.clip_entry import Visit
from echogan.ui.enhance.inbox import MOST_CLIPS
from echogan.ui.enhance.workplace import Workplace

FAN = Fan((60.0, 2.0), -30.0, 30.0, 3.0, 80.0)


def add(place: Workplace, visit: Visit, tmp_path, name="a.gif", frames=10, seed=0) -> str:
    files = [sent(gif(tmp_path / f"{seed}-{frames}.gif", frames, seed), tmp_path / "gradio", name)]
    ((clip,), refused) = place.add(visit, files)
    assert refused == []
    return clip


def opened(place: Workplace, visit: Visit, tmp_path, **how) -> str:
    clip = add(place, visit, tmp_path, **how)
    in_state(place, visit, clip, "ready")
    until(lambda: (found := line(place, visit, clip))["original_ready"] == found["frames"])
    return clip


def holding(place: Workplace) -> tuple[threading.Event, threading.Event]:
    """Let the next model wait: (it has begun to load, it may go on)."""
    begun, go = threading.Event(), threading.Event()
    models = place.models
    assert isinstance(models, QuickModels)

    def wait() -> None:
        models.before_load = lambda: None
        begun.set()
        assert go.wait(30)

    models.before_load = wait
    return begun, go


def result_of(place: Workplace, visit: Visit, clip: str) -> StoredResult:
    stored = place.clip(visit, clip).result
    assert stored is not None
    return stored


# Opening.


def test_a_clip_opens_behind_and_its_frames_come_whole(place, ann, tmp_path):
    clip = add(place, ann, tmp_path, name="Jane.gif")
    shown = in_state(place, ann, clip, "ready")
    assert (shown["name"], shown["frames"], shown["seconds"], shown["kind"]) == ("Jane.gif", 10, 0.4, "gif")
    until(lambda: line(place, ann, clip)["original_ready"] == 10)
    found = place.detail(ann, clip)
    frames = list(TileReader(place.clip(ann, clip).opened.original.folder))
    clip_file = place.clip(ann, clip).opened.clip
    for tile, frame in zip(frames, clip_file.iter_frames(), strict=True):
        assert np.array_equal(tile if tile.ndim == frame.ndim else np.repeat(tile[..., None], 3, -1), frame)
    assert (found["width"], found["height"], found["still"], found["result"]) == (120, 96, False, None)
    assert found["exports"] == []


def test_a_refused_file_says_so_in_its_own_name_and_leaves_nothing_on_the_disk(place, ann, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("this is no clip\n" * 100)
    ((clip,), _) = place.add(ann, [sent(bad, tmp_path / "gradio", "Jane Doe.mp4")])
    refused = in_state(place, ann, clip, "refused")
    assert "'Jane Doe.mp4' is not a clip" in refused["error"]
    until(lambda: not place.clip(ann, clip).folder.exists())
    with pytest.raises(SettingsError, match="is not a clip"):
        place.detail(ann, clip)
    place.remove(ann, [clip])
    assert place.clips(ann) == []


def test_no_sample_is_in_this_process_but_for_a_sector_by_hand_and_that_is_released(
    place, ann, tmp_path, monkeypatch
):
    samples: list[weakref.ref] = []
    real = ClipSample.of.__func__  # type: ignore[attr-defined]

    def watched(cls, clip, *rest):
        made = real(cls, clip, *rest)
        samples.append(weakref.ref(made))
        return made

    monkeypatch.setattr(ClipSample, "of", classmethod(watched))
    clips = [opened(place, ann, tmp_path, seed=seed) for seed in range(4)]
    assert samples == []
    place.set_sector(ann, clips[0], FAN)
    gc.collect()
    assert [sample() for sample in samples] == [None]
    kept = sum(
        entry.sector.sector.tissue_mask.nbytes + entry.sector.sector.overlay_mask.nbytes
        for entry in ann.clips.values()
        if entry.sector
    )
    assert kept <= 4 * 2 * 96 * 120


def test_at_most_two_clips_are_looked_at_at_once(place, ann, tmp_path, monkeypatch):
    looked: list[str] = []
    go, real = threading.Event(), opening.look

    def waiting(path, cancel=None):
        looked.append("one")
        assert go.wait(30)
        return real(path, cancel=cancel)

    monkeypatch.setattr(opening, "look", waiting)
    clips = [add(place, ann, tmp_path, seed=seed) for seed in range(4)]
    until(lambda: len(looked) == 2)
    time.sleep(0.3)
    assert len(looked) == 2
    go.set()
    for clip in clips:
        in_state(place, ann, clip, "ready")
    assert len(looked) == 4


def written(place, visit, clip) -> None:
    """Wait until a clip's frames come from its tiles."""
    until(lambda: isinstance(place.clip(visit, clip).opened.clip.decode, partial))


def test_one_child_for_the_look_and_one_for_the_tiles_and_none_after_them(place, ann, tmp_path, monkeypatch):
    tasks, real = Counter(), SERVER.ask
    monkeypatch.setattr(
        SERVER, "ask", lambda request, answers: (tasks.update([request["task"]]), real(request, answers))
    )
    clip = opened(place, ann, tmp_path)
    written(place, ann, clip)
    place.set_blackout(ann, clip, True)
    place.set_sector(ann, clip, Fan.parse("60,2,-30,30,3,80"))
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    assert tasks == {"look": 1, "frames": 1}


def test_the_list_has_an_end(place, ann, tmp_path):
    files = [
        sent(gif(tmp_path / "one.gif", 1), tmp_path / "gradio", f"{i}.gif") for i in range(MOST_CLIPS + 1)
    ]
    added, refused = place.add(ann, files)
    assert len(added) == MOST_CLIPS
    ((name, sentence),) = refused
    assert name == f"{MOST_CLIPS}.gif"
    assert "at most 32 clips" in sentence


# Sector and blackout.


def test_a_sector_by_hand_is_used_and_the_result_is_then_stale(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path)
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    assert place.detail(ann, clip)["result"]["stale"] == ""
    before = line(place, ann, clip)["rev"]
    given = place.set_sector(ann, clip, FAN)
    assert given["sector"]["given"]
    assert given["sector"]["fan"][:6] == [60.0, 2.0, -30.0, 30.0, 3.0, 80.0]
    assert "sector was changed" in given["result"]["stale"]
    assert line(place, ann, clip)["rev"] > before
    back = place.set_sector(ann, clip, None)
    assert not back["sector"]["given"]
    assert back["result"]["stale"] == ""
    place.set_sector(ann, clip, FAN)
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    assert place.detail(ann, clip)["result"]["stale"] == ""
    assert result_of(place, ann, clip).sector.fan == FAN


def test_a_sector_that_cannot_be_used_changes_nothing(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path)
    before = place.detail(ann, clip)
    with pytest.raises(SectorError):
        place.set_sector(ann, clip, Fan((5000.0, 0.0), -1.0, 1.0, 0.0, 3.0))
    assert place.detail(ann, clip) == before


def test_blackout_is_on_for_dicom_alone_and_can_be_switched(place, ann, tmp_path, cine):
    plain = opened(place, ann, tmp_path)
    ((dicom,), _) = place.add(ann, [sent(cine, tmp_path / "gradio", "a.dcm")])
    in_state(place, ann, dicom, "ready")
    assert [place.detail(ann, clip)["blackout"] for clip in (plain, dicom)] == [False, True]
    assert place.set_blackout(ann, plain, True)["blackout"]
    assert not place.set_blackout(ann, dicom, False)["blackout"]


# Enhancing.


def test_a_result_streams_in_and_ends_with_its_numbers(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path, frames=30)
    revisions = line(place, ann, clip)["rev"]
    place.enhance(ann, [clip], "halve")
    begun = until(lambda: place.detail(ann, clip)["result"])
    assert begun["ready"] >= 8
    in_state(place, ann, clip, "done")
    shown, ended = line(place, ann, clip), place.detail(ann, clip)["result"]
    assert (shown["ready"], shown["has_result"], shown["place"], shown["progress"]) == (30, True, None, "")
    assert shown["rev"] > revisions
    assert ended["ended"]
    assert ended["model"] == "halve"
    assert len(ended["curves"][0]["values"]) == 30
    stored = result_of(place, ann, clip)
    changes = [
        np.abs(enhanced.astype(float) - original)[stored.sector.tissue_mask].mean()
        for original, enhanced in stored.frames(1)
    ]
    assert ended["mean_change"] == pytest.approx(np.mean(changes), rel=0.1)
    assert 0 < ended["first_s"] <= ended["seconds"]


def test_a_stop_keeps_the_result_before_and_a_new_one_takes_its_place_with_its_first_frames(
    place, ann, tmp_path
):
    clip = opened(place, ann, tmp_path)
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    first = result_of(place, ann, clip)
    begun, go = holding(place)
    place.enhance(ann, [clip], "dim")
    assert begun.wait(20)
    shown = line(place, ann, clip)
    assert (shown["state"], shown["has_result"], shown["ready"]) == ("enhancing", True, 10)
    place.stop(ann, None)
    go.set()
    assert line(place, ann, clip)["state"] == "done"
    until(lambda: not place.enhancing.queue._running)
    assert result_of(place, ann, clip) is first
    assert first.folder.exists()
    place.enhance(ann, [clip], "dim")
    in_state(place, ann, clip, "done")
    until(lambda: result_of(place, ann, clip).checkpoint.name == "dim")
    until(lambda: not first.folder.exists())


def test_a_stop_in_the_middle_of_a_first_result_leaves_none(place, ann, tmp_path, monkeypatch):
    clip = opened(place, ann, tmp_path, frames=40)
    entry = place.clip(ann, clip)
    seen = []
    real = place.enhancing._show

    def show(entry, result, job):
        real(entry, result, job)
        seen.append(result.folder)
        place.stop(ann, [clip])

    monkeypatch.setattr(place.enhancing, "_show", show)
    place.enhance(ann, [clip], "halve")
    until(lambda: seen and not place.enhancing.queue._running)
    assert line(place, ann, clip)["state"] == "ready"
    assert entry.shown is None
    assert not seen[0].exists()


def test_pressing_twice_enhances_with_the_last_model_once(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path)
    begun, go = holding(place)
    place.enhance(ann, [clip], "halve")
    assert begun.wait(20)
    for model in ("halve", "dim"):
        place.enhance(ann, [clip], model)
    assert line(place, ann, clip)["state"] == "queued"
    go.set()
    in_state(place, ann, clip, "done")
    assert result_of(place, ann, clip).checkpoint.name == "dim"
    assert place.models.loads == ["halve", "dim"]


def test_enhance_all_while_they_open(place, ann, tmp_path):
    clips = [add(place, ann, tmp_path, seed=seed) for seed in range(4)]
    place.enhance(ann, clips, "halve")
    for clip in clips:
        in_state(place, ann, clip, "done")


def test_stop_takes_back_what_was_asked_for_a_clip_that_opens(place, ann, tmp_path, monkeypatch):
    go, real = threading.Event(), opening.look
    monkeypatch.setattr(opening, "look", lambda *given, **options: go.wait(20) and real(*given, **options))
    clip = add(place, ann, tmp_path)
    place.enhance(ann, [clip], "halve")
    place.stop(ann, [clip])
    go.set()
    in_state(place, ann, clip, "ready")
    time.sleep(0.2)
    assert line(place, ann, clip)["state"] == "ready"


def test_visitors_take_turns_and_see_how_many_come_before(place, ann, tmp_path):
    bob = place.visits.arrive(None, "bob's page")[0]
    mine = [opened(place, ann, tmp_path, seed=seed) for seed in range(3)]
    theirs = opened(place, bob, tmp_path, seed=9)
    begun, go = holding(place)
    place.enhance(ann, mine, "halve")
    assert begun.wait(20)
    place.enhance(bob, [theirs], "dim")
    assert [line(place, ann, clip)["place"] for clip in mine] == [None, 1, 3]
    assert line(place, bob, theirs)["place"] == 2
    assert line(place, bob, theirs)["progress"].startswith("Waiting for 2 clips")
    go.set()
    in_state(place, ann, mine[2], "done")
    assert place.models.loads == ["halve", "halve", "dim", "halve"]


def test_a_fault_is_said_and_the_next_clip_goes_on(place, ann, tmp_path, caplog):
    good, bad = opened(place, ann, tmp_path), opened(place, ann, tmp_path, name="Jane.gif", seed=1)
    written(place, ann, bad)
    shutil.rmtree(place.clip(ann, bad).folder / "original")
    place.enhance(ann, [bad, good], "halve")
    failed = in_state(place, ann, bad, "failed")
    assert "no longer there" in failed["error"]
    assert "'Jane.gif'" in failed["error"]
    in_state(place, ann, good, "done")

    def fail() -> None:
        raise RuntimeError("secret" + "s")

    place.models.before_load = fail
    place.enhance(ann, [good], "halve")
    assert "Something went wrong" in in_state(place, ann, good, "failed")["error"]
    assert line(place, ann, good)["has_result"]
    assert "RuntimeError" in caplog.text
    assert "secrets" not in caplog.text


def test_a_clip_that_takes_too_long_ends_and_the_next_goes_on(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path)
    place.enhancing.most_seconds = 0.0
    place.enhance(ann, [clip], "halve")
    assert "longer than a server" in in_state(place, ann, clip, "failed")["error"]
    assert not line(place, ann, clip)["has_result"]
    place.enhancing.most_seconds = 60.0
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")


@pytest.mark.parametrize(("address", "limited"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_only_a_server_for_many_has_a_limit(tmp_path, monkeypatch, address, limited):
    monkeypatch.setenv("GRADIO_SERVER_NAME", address)
    with small_workplace(tmp_path / "server", monkeypatch) as many:
        assert (many.enhancing.most_seconds < 1e6) == limited


def test_a_model_that_is_none_is_refused_at_once(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path)
    with pytest.raises(CheckpointNotFound):
        place.enhance(ann, [clip], "/etc")
    assert line(place, ann, clip)["state"] == "ready"


# Examples.


def test_an_example_is_enhanced_once_for_all_visitors(place, ann):
    bob = place.visits.arrive(None, "bob's page")[0]
    name = place.examples and "Recorded DICOM cine"
    clips = [(visit, place.add_example(visit, name)) for visit in (ann, bob)]
    assert place.add_example(ann, name) == clips[0][1]
    for visit, clip in clips:
        in_state(place, visit, clip, "ready")
        place.enhance(visit, [clip], "halve")
        in_state(place, visit, clip, "done")
    first, second = (result_of(place, visit, clip) for visit, clip in clips)
    assert first is second
    place.visits.close(ann)
    assert first.folder.exists()
    place.enhance(bob, [clips[1][1]], "dim")  # not the first model: this visitor's own
    until(lambda: result_of(place, bob, clips[1][1]).checkpoint.name == "dim")
    assert first.folder.exists()
    assert bob.folder in result_of(place, bob, clips[1][1]).folder.parents


def test_an_example_that_is_none_is_refused(place, ann):
    for name in ("", "../../etc/passwd", "Simulated"):
        with pytest.raises(SettingsError, match="no such example"):
            place.add_example(ann, name)


# Removing and leaving.


def test_a_removed_clip_leaves_nothing_whatever_is_done_with_it(place, ann, tmp_path, monkeypatch):
    folders = []
    for _ in range(5):
        clip = add(place, ann, tmp_path)
        folders.append(place.clip(ann, clip).folder)
        place.enhance(ann, [clip], "halve")
        time.sleep(0.03)
        place.remove(ann, [clip, "nothing"])
    until(lambda: not place.enhancing.queue._threads and not place.opening._threads)
    assert place.clips(ann) == []
    assert [folder for folder in folders if folder.exists()] == []


def test_a_visit_that_ends_in_the_middle_of_everything_leaves_nothing(place, ann, tmp_path):
    clips = [add(place, ann, tmp_path, seed=seed, frames=30) for seed in range(4)]
    place.enhance(ann, clips, "halve")
    until(lambda: any(one["state"] == "enhancing" for one in place.clips(ann)))
    folder = ann.folder
    assert folder is not None
    place.visits.close(ann)
    until(lambda: not place.enhancing.queue._threads and not place.opening._threads)
    assert not folder.exists()
    assert ann.clips == {}


def test_the_end_of_the_app_leaves_nothing(tmp_path, monkeypatch):
    with small_workplace(tmp_path / "gradio", monkeypatch) as place:
        visit = place.visits.arrive(None, "page")[0]
        clip = opened(place, visit, tmp_path)
        place.add_example(visit, "Recorded DICOM cine")
        place.enhance(visit, [clip], "halve")
    assert [path for path in (tmp_path / "gradio").rglob("*") if path.name != "sessions"] == []


@pytest.mark.parametrize(
    "act",
    [
        lambda place, visit, clip: place.detail(visit, clip),
        lambda place, visit, clip: place.enhance(visit, [clip], "halve"),
        lambda place, visit, clip: place.set_sector(visit, clip, None),
        lambda place, visit, clip: place.set_blackout(visit, clip, True),
        lambda place, visit, clip: place.export(visit, [clip], "mp4", {}, True),
    ],
)
def test_a_clip_of_another_visitor_is_not_there(place, ann, tmp_path, act: Callable):
    clip = opened(place, ann, tmp_path)
    eve = place.visits.arrive(None, "eve's page")[0]
    with pytest.raises(SettingsError, match="no longer in the list"):
        act(place, eve, clip)
    place.remove(eve, [clip])
    place.stop(eve, [clip])
    assert line(place, ann, clip)["state"] == "ready"
    assert place.clips(eve) == []


def test_a_clip_whose_file_is_gone_is_said_to_be(place, ann, tmp_path):
    clip = opened(place, ann, tmp_path)
    shutil.rmtree(place.clip(ann, clip).folder)
    with pytest.raises(Exception, match="no longer there"):
        place.set_sector(ann, clip, FAN)
