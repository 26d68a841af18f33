"""Backup, export and import: everything comes back, and no file can harm."""

import hashlib
import json
import sqlite3
import zipfile

import pytest
from studies import draft, opened_study, rating

from echogan.core.errors import OutputError, StudyError
from echogan.study.store.archive import MANIFEST, backup, export_study, import_study
from echogan.study.store.audit import verify
from echogan.study.store.lifecycle import facts
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite, reader_by_token
from echogan.study.store.reading import media_file, next_task, progress


def tables(path) -> dict[str, list]:
    with sqlite3.connect(path) as db:
        names = [
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names}


@pytest.fixture
def study(tmp_path):
    store = opened_study(tmp_path / "study")
    (store.folder / "linkage.csv").write_text("P001,Jane Doe")
    reader, token = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    record(store, reader, rating(task))
    return store, token


def test_a_backup_is_the_whole_database(study, tmp_path):
    store, _ = study
    backup(store, tmp_path / "copy.sqlite")
    assert tables(tmp_path / "copy.sqlite") == tables(store.path)
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o077 == 0


def test_an_exported_study_goes_on_elsewhere(study, tmp_path):
    store, token = study
    export_study(store, tmp_path / "study.zip")
    other = import_study(tmp_path / "study.zip", tmp_path / "other")
    assert tables(other.path) == tables(store.path)
    assert verify(other) == []
    reader = reader_by_token(other, token)
    assert progress(other, reader) == progress(store, reader)
    task = next_task(other, reader)
    assert task is not None
    assert media_file(other, reader, task.id).read_bytes()
    record(other, reader, rating(task))


def test_an_exported_study_holds_no_names(study, tmp_path):
    export_study(study[0], tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as file:
        assert not any("linkage" in name for name in file.namelist())
        assert not any(b"Jane Doe" in file.read(name) for name in file.namelist())


def rewritten(source, target, change) -> None:
    """Copy a zip while `change(members)` alters its name -> content."""
    with zipfile.ZipFile(source) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


def listed(members, name, content) -> None:
    """Add a member and its hash."""
    hashes = json.loads(members[MANIFEST])
    hashes[name] = hashlib.sha256(content).hexdigest()
    members[name], members[MANIFEST] = content, json.dumps(hashes).encode()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: listed(m, "../evil.webm", b"x"), "does not belong"),
        (lambda m: listed(m, "/tmp/evil.webm", b"x"), "does not belong"),
        (lambda m: listed(m, "media/../../evil.webm", b"x"), "does not belong"),
        (lambda m: listed(m, "media/run.py", b"x"), "does not belong"),
        (lambda m: m.update({"media/" + "0" * 32 + ".webm": b"x"}), "does not hold what its manifest lists"),
        (
            lambda m: m.pop(next(name for name in m if name.startswith("media/"))),
            "does not hold what its manifest",
        ),
        (
            lambda m: m.update({next(n for n in m if n.startswith("media/")): b"other"}),
            "not what its manifest says",
        ),
        (lambda m: m.pop(MANIFEST), "no exported study"),
        (lambda m: m.update({MANIFEST: b"[]"}), "does not hold"),
        (
            lambda m: listed(m, "study.sqlite", b"SQLite format 3\0" + bytes(4000)),
            "cannot be opened",
        ),
    ],
)
def test_what_is_no_exported_study_is_refused_and_leaves_nothing(study, tmp_path, change, sentence):
    export_study(study[0], tmp_path / "study.zip")
    rewritten(tmp_path / "study.zip", tmp_path / "bad.zip", change)
    (tmp_path / "in").mkdir()
    with pytest.raises(StudyError, match=sentence):
        import_study(tmp_path / "bad.zip", tmp_path / "in" / "other")
    assert list((tmp_path / "in").iterdir()) == []
    assert not list(tmp_path.glob("**/evil.webm"))


def test_a_study_that_was_tampered_with_is_not_imported(study, tmp_path):
    store, _ = study
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE clip SET view = 'SC'")
    export_study(store, tmp_path / "study.zip")
    with pytest.raises(StudyError, match="changed before it was exported"):
        import_study(tmp_path / "study.zip", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_errors_of_files_are_sentences(study, tmp_path):
    with pytest.raises(StudyError, match="There is no file"):
        import_study(tmp_path / "none.zip", tmp_path / "other")
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(StudyError, match="no exported study"):
        import_study(tmp_path / "text.zip", tmp_path / "other")
    for action in (backup, export_study):
        with pytest.raises(OutputError, match="could not be written"):
            action(study[0], tmp_path / "missing" / "file")


def test_a_draft_can_be_exported_too(tmp_path):
    export_study(draft(tmp_path / "study"), tmp_path / "study.zip")
    assert facts(import_study(tmp_path / "study.zip", tmp_path / "other")).state == "draft"
