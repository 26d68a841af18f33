"""Exports on demand: of one clip a file, of several a zip, as strong as the page shows, and only the last few kept."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fake_flagger import Spots
from small_workplace import gif, in_state, sent, until

from echogan.clips.files import open_clip
from echogan.core.errors import SettingsError
from echogan.ui.enhance import enhancing, exporting
from echogan.ui.enhance.exporting import LABELS


@pytest.fixture
def ann(place):
    return place.visits.arrive(None, "page")[0]


def enhanced(place, visit, tmp_path, *names: str) -> list[str]:
    files = [
        sent(gif(tmp_path / f"{i}.gif", 9, i), tmp_path / "gradio", name) for i, name in enumerate(names)
    ]
    clips, _ = place.add(visit, files)
    place.enhance(visit, clips, "halve")
    for clip in clips:
        in_state(place, visit, clip, "done")
    return clips


def made(place, visit) -> dict:
    """The last export, once it is there."""
    until(lambda: all(one["state"] != "making" for one in place.exports(visit)))
    return place.exports(visit)[-1]


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_a_file_is_as_strong_as_the_slider(place, ann, tmp_path, strength):
    (clip,) = enhanced(place, ann, tmp_path, "a.gif")
    place.export(ann, [clip], "gif", {clip: strength}, mark=False)
    export = made(place, ann)
    assert (export["state"], export["progress"], export["name"]) == ("done", 1.0, "a_enhanced_halve.gif")
    stored = place.clip(ann, clip).result
    shown = np.stack([frame for _, frame in stored.frames(strength)])
    assert np.array_equal(np.stack(list(open_clip(export["file"]).iter_frames())).reshape(shown.shape), shown)


def test_several_clips_come_as_a_zip_whose_names_differ(place, ann, tmp_path):
    clips = enhanced(place, ann, tmp_path, "x/a.gif", "y/a.gif")
    place.export(ann, clips, "report", dict.fromkeys(clips, 0.5), mark=True)
    export = made(place, ann)
    assert export["name"].endswith(".zip")
    assert export["ids"] == clips
    with zipfile.ZipFile(export["file"]) as archive:
        assert len(set(archive.namelist())) == 2
        strengths = [json.loads(archive.read(name))["strength"] for name in archive.namelist()]
    assert strengths == [0.5, 0.5]


def test_the_original_is_kept_where_flagged_in_clips_that_have_flags(place, ann, tmp_path, monkeypatch):
    (plain,) = enhanced(place, ann, tmp_path, "a.gif")
    monkeypatch.setattr(enhancing, "flagger_for", lambda enhancer, prepared: Spots())
    (flagged,) = enhanced(place, ann, tmp_path, "b.gif")
    for clip, kept in ((plain, False), (flagged, True)):
        place.export(ann, [clip], "report", {}, mark=True, keep=True)
        settings = json.loads(Path(made(place, ann)["file"]).read_text())["settings"]
        assert settings.get("keep_original", False) is kept


def test_everything_of_a_clip_is_one_zip(place, ann, tmp_path):
    (clip,) = enhanced(place, ann, tmp_path, "a.gif")
    kinds = [one["kind"] for one in place.detail(ann, clip)["exports"]]
    assert kinds[-1] == "all"
    assert set(kinds) <= set(LABELS)
    place.export(ann, [clip], "all", {}, mark=True)
    export = made(place, ann)
    assert export["name"] == "a_enhanced_halve.zip"
    with zipfile.ZipFile(export["file"]) as archive:
        assert len(archive.namelist()) == len(kinds) - 1


def test_without_a_result_there_is_nothing_to_export(place, ann, tmp_path):
    ((clip,), _) = place.add(ann, [sent(gif(tmp_path / "a.gif"), tmp_path / "gradio")])
    in_state(place, ann, clip, "ready")
    with pytest.raises(SettingsError, match="Enhance the clip first"):
        place.export(ann, [clip], "mp4", {}, mark=True)
    (done,) = enhanced(place, ann, tmp_path, "b.gif")
    with pytest.raises(SettingsError, match="no such export"):
        place.export(ann, [done], "png", {}, mark=True)
    place.export(ann, [clip, done], "mp4", {}, mark=True)  # those that have a result
    assert made(place, ann)["ids"] == [done]


def test_only_the_last_three_of_a_clip_are_kept(place, ann, tmp_path):
    (clip,) = enhanced(place, ann, tmp_path, "a.gif")
    files = []
    for _ in range(4):
        place.export(ann, [clip], "report", {}, mark=True)
        files.append(made(place, ann)["file"])
    assert [one["file"] for one in place.exports(ann)] == files[1:]
    until(lambda: [path for path in files if not open_is_there(path)] == files[:1])


def open_is_there(path: str) -> bool:
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def test_a_dropped_export_and_those_of_a_removed_clip_go(place, ann, tmp_path):
    one, two = enhanced(place, ann, tmp_path, "a.gif", "b.gif")
    for ids in ([one], [one, two]):
        place.export(ann, ids, "report", {}, mark=True)
        made(place, ann)
    first, both = place.exports(ann)
    place.exporting.drop(ann, first["id"])
    place.exporting.drop(ann, "nothing")
    assert not open_is_there(first["file"])
    place.remove(ann, [one])
    assert [export["id"] for export in place.exports(ann)] == [both["id"]]
    place.remove(ann, [two])
    assert place.exports(ann) == []
    assert not open_is_there(both["file"])


def test_a_fault_is_said(place, ann, tmp_path, monkeypatch, caplog):
    (clip,) = enhanced(place, ann, tmp_path, "a.gif")
    words = "of " + "Jane"

    def fail(*given):
        raise RuntimeError(words)

    monkeypatch.setattr(exporting, "make_export", fail)
    place.export(ann, [clip], "mp4", {}, mark=True)
    failed = made(place, ann)
    assert failed["state"] == "failed"
    assert "Something went wrong" in failed["error"]
    assert "Jane" not in caplog.text


def test_a_result_that_an_export_reads_stays_until_that_has_ended(place, ann, tmp_path, monkeypatch):
    import threading

    (clip,) = enhanced(place, ann, tmp_path, "a.gif")
    first = place.clip(ann, clip).result
    begun, go, real = threading.Event(), threading.Event(), exporting.make_export

    def slow(*given):
        begun.set()
        assert go.wait(30)
        return real(*given)

    monkeypatch.setattr(exporting, "make_export", slow)
    place.export(ann, [clip], "npz", {}, mark=True)
    assert begun.wait(20)
    place.enhance(ann, [clip], "dim")
    until(lambda: place.clip(ann, clip).result.checkpoint.name == "dim")
    assert first.folder.exists()
    go.set()
    assert made(place, ann)["state"] == "done"
    until(lambda: not first.folder.exists())
