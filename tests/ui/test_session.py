"""Folders and uploads: who needs them and when they go, tested against the file system."""

import os
import shutil
import time

import pytest

from echogan.ui.session import Sessions, app_folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_folders_lie_in_the_apps_cache_under_names_that_tell_nothing(cache):
    sessions = Sessions()
    one, two = sessions.begin("visitor"), sessions.begin("visitor")
    assert one.folder.is_dir()
    assert two.folder.is_dir()
    assert cache.resolve() in one.folder.parents
    assert "visitor" not in str(one.folder)
    assert len(one.folder.name) == 32
    assert one.folder.name != two.folder.name


def test_a_client_may_have_several_at_work_and_keeps_only_the_latest_results():
    sessions = Sessions()
    runs = [sessions.begin("a") for _ in range(5)]
    assert not any(run.cancel.is_set() for run in runs)
    assert all(run.folder.exists() for run in runs)
    for run in runs:
        run.cancel.set()  # the work has ended
    last = sessions.begin("a")
    assert [run.folder.exists() for run in [*runs, last]] == [False, False, False, True, True, True]


def test_one_client_cannot_clear_another():
    sessions = Sessions()
    mine, theirs = sessions.begin("mine"), sessions.begin("theirs")
    sessions.close("mine")
    assert not mine.folder.exists()
    assert theirs.folder.exists()
    assert not theirs.cancel.is_set()


def an_upload(cache, name: str = "Doe^Jane.dcm", content: str = "a") -> str:
    """A file where Gradio puts what a visitor sends: in a folder named by a hash."""
    folder = cache / (content * 64)
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    return str(folder / name)


def test_an_upload_goes_with_its_visitor_or_when_another_takes_its_place(cache):
    sessions = Sessions()
    first, second = an_upload(cache), an_upload(cache, content="b")
    sessions.hold("a", first)
    sessions.hold("a", first)
    assert os.path.exists(first)
    sessions.hold("a", second)
    assert not os.path.exists(first)
    sessions.close("a")
    assert [path for path in cache.rglob("*") if path.name != "sessions"] == []


def test_an_upload_that_two_visitors_share_stays_until_both_are_gone(cache):
    sessions = Sessions()
    shared = an_upload(cache)
    sessions.hold("a", shared)
    sessions.hold("b", shared)
    sessions.close("a")
    assert os.path.exists(shared)
    sessions.close("b")
    assert not os.path.exists(shared)


def test_only_uploads_are_removed(cache, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.dcm"
    example = app_folder("examples") / "cine.dcm"
    sessions = Sessions()
    for path in (elsewhere, example):
        path.write_bytes(b"x")
        sessions.hold("a", str(path))
        sessions.close("a")
        assert path.exists()


def test_old_folders_are_swept_even_from_an_earlier_start():
    left_behind = app_folder("sessions") / ("0" * 32)
    left_behind.mkdir()
    (left_behind / "enhanced.mp4").write_bytes(b"x")
    an_hour_ago = time.time() - 4000
    os.utime(left_behind, (an_hour_ago, an_hour_ago))
    fresh = Sessions().begin("a").folder
    assert not left_behind.exists()
    assert fresh.exists()


def test_other_users_of_the_machine_see_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "new"))
    Sessions().begin("a")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def age(folder, seconds=4000.0):
    before = time.time() - seconds
    os.utime(folder, (before, before))


def test_what_an_earlier_start_was_sent_is_swept_and_what_is_in_use_stays(cache):
    forgotten, held, new = (an_upload(cache, content=letter) for letter in "abc")
    sessions = Sessions()
    sessions.hold("a", held)
    for upload in (forgotten, held):
        age(os.path.dirname(upload))
    age(app_folder("sessions"))
    sessions.sweep()
    assert [os.path.exists(path) for path in (forgotten, held, new)] == [False, True, True]
    assert app_folder("sessions").exists()


def test_long_work_keeps_its_folder_and_its_result_for_an_hour_more():
    sessions = Sessions()
    run = sessions.begin("a")
    age(run.folder)
    sessions.sweep()
    assert run.folder.exists()
    (run.folder / "enhanced.mp4").write_bytes(b"x")  # the work ends
    run.cancel.set()
    sessions.sweep()
    assert run.folder.exists()
    age(run.folder)
    sessions.sweep()
    assert not run.folder.exists()


def test_a_clip_that_was_worked_on_stays_until_its_visitors_leave(cache):
    sessions, first, second = Sessions(), an_upload(cache), an_upload(cache, content="b")
    for visitor, upload in (("a", first), ("a", second), ("b", first)):
        with sessions.using(visitor, upload):
            age(os.path.dirname(upload))
            sessions.sweep()
        assert os.path.exists(first)
        os.utime(os.path.dirname(upload))
    sessions.close("a")
    assert [os.path.exists(path) for path in (first, second)] == [True, False]
    sessions.close("b")
    assert not os.path.exists(first)


def test_a_clip_goes_with_a_visitor_who_leaves_while_it_is_worked_on(cache):
    sessions, upload = Sessions(), an_upload(cache)
    with sessions.using("a", upload):
        sessions.close("a")
        assert os.path.exists(upload)
    assert not os.path.exists(upload)


def test_the_end_of_the_app_leaves_nothing_of_its_visitors(cache):
    sessions = Sessions()
    run = sessions.begin("a")
    sessions.hold("b", an_upload(cache))
    sessions.close_all()
    assert run.cancel.is_set()
    assert [path for path in cache.rglob("*") if path.name != "sessions"] == []


def test_a_taken_file_has_a_neutral_name_and_goes_from_where_it_came_in(cache, tmp_path_factory):
    sessions, upload = Sessions(), an_upload(cache)
    folder = sessions.make_folder()
    sessions.take(upload, folder / "clip.dcm")
    assert (folder / "clip.dcm").read_bytes() == b"x"
    assert sessions.pending
    sessions.sweep()
    assert os.path.exists(upload)  # another visitor may be sending the same file
    age(os.path.dirname(upload), 60)
    sessions.sweep(taken_seconds=0)
    assert not os.path.exists(os.path.dirname(upload))
    assert not sessions.pending
    assert (folder / "clip.dcm").read_bytes() == b"x"


def test_who_sends_the_same_file_while_it_is_taken_can_take_it_too(cache):
    sessions, upload = Sessions(), an_upload(cache)
    folder = sessions.make_folder()
    sessions.take(upload, folder / "a")
    an_upload(cache)  # sent again
    time.sleep(0.05)
    sessions.sweep(taken_seconds=0.04)
    sessions.take(an_upload(cache), folder / "b")
    assert (folder / "b").read_bytes() == b"x"


def test_a_taken_file_that_is_held_by_another_stays(cache):
    sessions, upload = Sessions(), an_upload(cache)
    sessions.hold("trainer", upload)
    sessions.take(upload, sessions.make_folder() / "a")
    sessions.sweep(taken_seconds=0)
    assert os.path.exists(upload)
    sessions.hold("trainer", None)
    assert not os.path.exists(upload)


def test_nothing_but_an_upload_is_taken(cache, tmp_path_factory):
    sessions = Sessions()
    folder, elsewhere = sessions.make_folder(), tmp_path_factory.mktemp("elsewhere") / "a.dcm"
    elsewhere.write_bytes(b"x")
    own = folder / "clip.dcm"
    own.write_bytes(b"x")
    link = cache / ("c" * 64)
    link.mkdir()
    (link / "a.dcm").symlink_to(elsewhere)
    for path in (
        elsewhere,
        own,
        link / "a.dcm",
        link,
        "",
        "/etc/passwd",
        "a\0b",
        "x" * 5000,
        f"{link}/../../etc/passwd",
    ):
        with pytest.raises(FileNotFoundError):
            sessions.take(str(path), folder / "taken")
        sessions.discard(str(path))
    sessions.sweep(taken_seconds=0)
    assert elsewhere.exists()
    assert own.exists()


def test_folders_in_use_stay_and_are_seen_to_be_in_use(cache):
    sessions = Sessions()
    folder = sessions.make_folder()
    age(folder)
    sessions.sweep()
    Sessions().sweep()  # another app with the same temporary folder
    assert folder.exists()
    sessions.remove_folder(folder)
    assert not folder.exists()


def test_what_is_old_goes_whatever_its_name_is(cache):
    sessions = Sessions(temporary=cache.parent / f"{cache.name}-temporary")
    sessions.temporary.mkdir()
    broken_off, going_on, recording = cache / "tmpk3x9_a1b", cache / "tmp0", sessions.temporary / "tmpq"
    empty, elsewhere = cache / "no hash", cache / "link"
    empty.mkdir()
    elsewhere.symlink_to("/etc")
    for path in (broken_off, going_on, recording):
        path.write_bytes(b"")
    for path in (broken_off, recording, empty):
        age(path)
    os.utime(elsewhere, (0, 0), follow_symlinks=False)
    sessions.sweep()
    assert [os.path.lexists(path) for path in (broken_off, recording, empty, elsewhere)] == [False] * 4
    assert going_on.exists()


def test_an_empty_file_goes_before_one_that_may_still_be_sent(cache):
    empty, part = cache / "tmp1", cache / "tmp2"
    empty.touch()
    part.write_bytes(b"part")
    for path in (empty, part):
        os.utime(path, (time.time() - 60,) * 2)
    Sessions().sweep()
    assert [path.exists() for path in (empty, part)] == [False, True]


def test_a_taken_file_whose_folder_is_gone_is_forgotten(cache):
    sessions, upload = Sessions(), an_upload(cache)
    sessions.take(upload, sessions.make_folder() / "a")
    shutil.rmtree(os.path.dirname(upload))
    sessions.sweep(taken_seconds=0)
    assert not sessions.pending
