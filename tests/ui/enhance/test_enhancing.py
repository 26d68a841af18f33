"""Between a result that can be seen and its trust card: what is shown and saved, what stays, and what goes."""

import json
import threading
from pathlib import Path

import pytest
from fake_flagger import Spots
from small_workplace import gif, in_state, line, sent, small_workplace, until

from echogan.core.errors import OutputError, SettingsError
from echogan.enhance import trust_stage
from echogan.enhance.calibrated import found_in
from echogan.ui.enhance import enhancing
from echogan.ui.enhance.clip_entry import Visit
from echogan.ui.enhance.workplace import Workplace

CINE = "Recorded DICOM cine"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(enhancing, "flagger_for", lambda enhancer, prepared: Spots())
    with small_workplace(tmp_path / "gradio", monkeypatch) as place:
        yield place


@pytest.fixture
def gate(monkeypatch):
    """While it is closed, no trust card is made."""
    gate = threading.Event()

    def wait(chunk, flagger):
        assert gate.wait(60)
        return found_in(chunk, flagger)

    monkeypatch.setattr(trust_stage, "found_in", wait)
    yield gate
    gate.set()


def opened(place: Workplace, visit: Visit, tmp_path, seed: int = 0) -> str:
    file = sent(gif(tmp_path / f"{seed}.gif", 10, seed), tmp_path / "gradio", f"{seed}.gif")
    ((clip,), _) = place.add(visit, [file])
    in_state(place, visit, clip, "ready")
    return clip


def result(place: Workplace, visit: Visit, clip: str) -> dict:
    return place.detail(visit, clip)["result"]


def saved(place: Workplace, visit: Visit, clip: str, kind: str, keep: bool = False) -> Path:
    place.export(visit, [clip], kind, {}, mark=True, keep=keep)
    until(lambda: all(one["state"] != "making" for one in place.exports(visit)))
    made = place.exports(visit)[-1]
    assert made["state"] == "done", made["error"]
    return Path(made["file"])


def test_pictures_maps_and_their_files_do_not_wait_for_the_trust_card(place, ann, tmp_path, gate):
    clip = opened(place, ann, tmp_path)
    place.enhance(ann, [clip], "halve")
    shown = in_state(place, ann, clip, "checking")
    assert (shown["ready"], shown["maps_ready"], shown["flags_ready"], shown["checked"]) == (10, 10, 0, 0)
    assert shown["progress"] == "Making the trust card, frame 0 of 10"
    early = result(place, ann, clip)
    assert early["ended"]
    assert early["mean_change"] > 1
    assert (early["flags"]["ended"], early["flags"]["regions"]) == (False, [])
    waiting = {one["kind"] for one in place.detail(ann, clip)["exports"] if one["waits"]}
    assert waiting == {"npz", "report", "card_page", "card_pdf", "all"}
    assert saved(place, ann, clip, "gif").stat().st_size
    for kind, keep in (*((kind, False) for kind in waiting), ("gif", True)):
        with pytest.raises(SettingsError, match="trust card"):
            place.export(ann, [clip], kind, {}, mark=True, keep=keep)
    gate.set()
    in_state(place, ann, clip, "done")
    late = result(place, ann, clip)
    assert sum(one["map"] == "flagged" for one in late["flags"]["regions"]) == 2
    assert late["flag_tiles"]["ready"] == line(place, ann, clip)["flags_ready"] == 10
    assert late["mean_change"] == early["mean_change"]
    assert not any(one["waits"] for one in place.detail(ann, clip)["exports"])
    assert json.loads(saved(place, ann, clip, "report", keep=True).read_text())["trust"]["findings"]


def test_a_stop_keeps_what_can_be_seen_and_says_what_is_missing(place, ann, tmp_path, gate):
    clip = opened(place, ann, tmp_path)
    gate.set()
    place.enhance(ann, [clip], "dim")
    in_state(place, ann, clip, "done")
    before = place.clip(ann, clip).result
    gate.clear()
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "checking")
    place.stop(ann, None)
    gate.set()
    until(lambda: not place.enhancing.queue._running)
    assert line(place, ann, clip)["state"] == "done"
    shown = result(place, ann, clip)
    assert (shown["model"], shown["ended"], shown["flags"]["ended"]) == ("halve", True, False)
    assert any("trust card" in note for note in shown["notes"])
    assert saved(place, ann, clip, "gif").stat().st_size
    with pytest.raises(SettingsError, match="enhance again"):
        place.export(ann, [clip], "report", {}, mark=True)
    until(lambda: not before.folder.exists())  # what the job leaves goes after it has ended
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "done")
    assert result(place, ann, clip)["flags"]["ended"]
    assert not any("trust card" in note for note in result(place, ann, clip)["notes"])


def test_a_fault_in_the_trust_card_is_said_and_the_picture_stays(place, ann, tmp_path, gate, monkeypatch):
    clip = opened(place, ann, tmp_path)

    def full(self, *given) -> None:
        raise OutputError("The disk is full.")

    monkeypatch.setattr(trust_stage.TrustStage, "finish", full)
    place.enhance(ann, [clip], "halve")
    assert in_state(place, ann, clip, "failed")["error"] == "The disk is full."
    assert result(place, ann, clip)["ended"]
    assert saved(place, ann, clip, "gif").stat().st_size


def test_a_clip_that_is_removed_meanwhile_leaves_nothing_and_the_next_goes_on(place, ann, tmp_path, gate):
    first, second = (opened(place, ann, tmp_path, seed) for seed in (1, 2))
    place.enhance(ann, [first, second], "halve")
    in_state(place, ann, first, "checking")
    assert line(place, ann, second)["state"] == "queued"
    folder = place.clip(ann, first).folder
    place.remove(ann, [first])
    gate.set()
    in_state(place, ann, second, "done")
    assert not folder.exists()
    assert result(place, ann, second)["flags"]["ended"]


def test_a_visit_that_ends_meanwhile_leaves_nothing(place, ann, tmp_path, gate):
    clip = opened(place, ann, tmp_path)
    place.enhance(ann, [clip], "halve")
    in_state(place, ann, clip, "checking")
    folder = ann.folder
    place.visits.close(ann)
    gate.set()
    until(lambda: not place.enhancing.queue._threads)
    assert not folder.exists()


def test_a_stop_does_not_end_the_trust_card_of_an_example_for_all_others(place, ann, gate):
    bob = place.visits.arrive(None, "bob's page")[0]
    clips = [(visit, place.add_example(visit, CINE)) for visit in (ann, bob)]
    for visit, clip in clips:
        in_state(place, visit, clip, "ready")
    place.enhance(ann, [clips[0][1]], "halve")
    in_state(place, ann, clips[0][1], "checking")
    place.stop(ann, None)
    place.enhance(bob, [clips[1][1]], "halve")
    gate.set()
    in_state(place, bob, clips[1][1], "done")
    for visit, clip in clips:
        assert result(place, visit, clip)["flags"]["ended"]
    assert place.clip(ann, clips[0][1]).result is place.clip(bob, clips[1][1]).result
