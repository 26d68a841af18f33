"""The way of an archive into shards: who goes where, what is never told, and that stopping changes nothing."""

import contextlib
import json
import os
import random
import signal
import stat
import string
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import filelock
import numpy as np
import pytest
from dicom_samples import NAME, save, ultrasound
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_archive import drawn, heart, in_process, save_npz, save_png

from echogan.cli.main import main
from echogan.core.errors import Cancelled, OutputError, SettingsError, UnreadableClip
from echogan.curation import curate as curate_module
from echogan.curation import worker as curate_worker
from echogan.curation.curate import curate
from echogan.curation.journal import Journal, split_of
from echogan.curation.labels import Label, read_labels, slug
from echogan.curation.pool import Task, examine_all
from echogan.curation.settings import CurateSettings, ExamineSettings, Reason
from echogan.curation.shards import ShardRow, read_index

ROOT = Path(__file__).resolve().parents[2]
SMALL = CurateSettings(frames=2, size=64, workers=2)
THIRDS = (1 / 3, 1 / 3, 1 / 3)


@pytest.fixture
def quick(monkeypatch):
    """No worker processes, and the sector taken as known: what happens to the files is the question."""
    monkeypatch.setattr(curate_module, "examine_all", in_process)
    monkeypatch.setattr(curate_worker, "examine", drawn)


@pytest.fixture
def archive(tmp_path) -> Path:
    """Four patients of one or two clips, one of them twice, and two files that are no clips."""
    folder = tmp_path / "in"
    for number, (patient, name) in enumerate(
        [("ann", "a"), ("ann", "b"), ("bob", "c"), ("cy", "d"), ("dee", "e")]
    ):
        save_npz(folder / patient / f"{name}.npz", heart(number, 5))
    save_npz(folder / "dee" / "copy of a.npz", heart(0, 5))
    (folder / "ann" / "notes.txt").write_text("Ann came at nine.")
    (folder / ".DS_Store").write_text("not looked at")
    (folder / "table.csv").write_text("1,2")
    return folder


def pixels(folder: Path) -> dict[str, tuple[bytes, ShardRow]]:
    """What a shard folder holds of each clip, wherever in it that lies."""
    found = {}
    for row in read_index(folder):
        with np.load(folder / row.shard) as arrays:
            data = b"".join(
                arrays[name][row.row].tobytes() for name in ("frames", "masks", "fans", "lengths")
            )
        found[row.clip] = (data, ShardRow("", 0, *list(vars(row).values())[2:]))
    return found


def everything(folder: Path) -> dict[str, bytes]:
    """All files below the folder but those that tell the time taken or the order of the work."""
    skip = {"report.json", "report.txt", ".journal.jsonl"}
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in skip
    }


def salted(out: Path) -> Path:
    """An output folder whose salt is known, so that two of them can be compared."""
    out.mkdir()
    out.with_name(f"{out.name}.salt").write_text("ab" * 32)
    return out


def test_what_is_kept_and_what_is_not(quick, archive, tmp_path):
    out, told = tmp_path / "out", []
    report = curate(archive, out, SMALL, lambda done, total: told.append((done, total)))
    assert (report.files, report.kept, report.looked_at) == (8, 5, 8)
    assert report.reasons == {Reason.NOT_A_CLIP: 2, Reason.DUPLICATE: 1}
    assert told == [(n, 8) for n in range(1, 9)]
    rows = read_index(out)
    assert Counter(Counter(row.patient for row in rows).values()) == {2: 1, 1: 3}
    assert sum(report.patients.values()) == 4
    assert any("another patient" in note for note in report.notes)  # dee's copy of ann's clip
    said = json.loads((out / "report.json").read_text())
    # In order of their paths: ann/a, ann/b, ann/notes, bob/c, cy/d, dee/copy, dee/e, table.
    assert [item["number"] for item in said["left_out"]] == [3, 6, 8]
    assert said["left_out"][1]["reason"] == Reason.DUPLICATE
    assert (out / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "left_out.csv").exists()
    assert not list((out / ".parts").iterdir())
    assert curate(archive, out, SMALL).looked_at == 0


def test_no_name_is_told(archive, tmp_path, monkeypatch):
    """Real files and the whole way: nothing that names a patient or a file is in any output."""
    monkeypatch.setattr(curate_module, "examine_all", in_process)
    folder = tmp_path / "real"
    pictures = heart(1, 6)
    pictures[:, 4:12, 2:50] = 255
    save(ultrasound(pictures), _made(folder) / "ALONSO_1.dcm")
    save_png(folder / "sub" / "QUIXOTE.png", heart(2)[0])
    out = tmp_path / "out"
    report = curate(folder, out, SMALL)
    assert report.kept == 2
    assert stat.S_IMODE((tmp_path / "out.salt").stat().st_mode) == 0o600
    assert not (out / ".salt").exists()  # who is given the folder must not be able to try out ids
    for path in [p for p in out.rglob("*") if p.is_file()]:
        assert not any(word in path.name for word in ("ALONSO", "QUIXOTE", "sub"))
        data = path.read_bytes()
        for word in (NAME, "ID-", "ALONSO", "QUIXOTE", "ALONSO_1.dcm", str(folder)):
            assert word.encode() not in data, path.name
    known = {row.patient for row in read_index(out)}
    assert not known & {row.patient for row in _rows_of(folder, tmp_path / "again")}, (
        "another salt, other hashes"
    )
    assert any("1 stills" in note for note in report.notes)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _rows_of(archive: Path, out: Path) -> list[ShardRow]:
    curate(archive, out, SMALL)
    return read_index(out)


def test_names_only_on_request(quick, archive, tmp_path):
    out = tmp_path / "out"
    curate(archive, out, CurateSettings(frames=2, size=64, name_left_out=True))
    lines = (out / "left_out.csv").read_text().splitlines()
    assert lines[1:] == [
        "3,ann/notes.txt,not a clip or an image",
        "6,dee/copy of a.npz,duplicate of another file",
        "8,table.csv,not a clip or an image",
    ]
    curate(archive, out, SMALL)
    assert not (out / "left_out.csv").exists()


def test_more_files_less_files_other_files(quick, archive, tmp_path):
    grown, fresh = salted(tmp_path / "grown"), salted(tmp_path / "fresh")
    curate(archive, grown, SMALL)
    before = {row.patient: row.split for row in read_index(grown)}
    save_npz(archive / "ann" / "0.npz", heart(20, 5))
    save_npz(archive / "eve" / "f.npz", heart(21, 5))
    (archive / "bob" / "c.npz").unlink()
    (archive / "ann" / "a.npz").unlink()  # now dee's copy is no duplicate any more
    save_npz(archive / "cy" / "d.npz", heart(22, 6))
    os.utime(archive / "cy" / "d.npz", ns=(0, 0))
    report = curate(archive, grown, SMALL)
    assert report.looked_at == 4  # two new, one changed, and the copy whose pixels were not kept
    curate(archive, fresh, SMALL)
    assert pixels(grown) == pixels(fresh)
    after = {row.patient: row.split for row in read_index(grown)}
    assert all(after[patient] == before[patient] for patient in before.keys() & after.keys())


def test_a_folder_that_cannot_be_listed_ends_it_and_loses_nothing(quick, archive, tmp_path, monkeypatch):
    curate(archive, tmp_path / "out", SMALL)
    before, scan = everything(tmp_path / "out"), os.scandir

    def refusing(path):
        if Path(path).name == "ann":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UnreadableClip, match=r"cannot be listed \(Permission denied\)"):
        curate(archive, tmp_path / "out", SMALL)
    monkeypatch.undo()
    assert everything(tmp_path / "out") == before


def test_stopped_and_called_again(quick, archive, tmp_path, monkeypatch):
    whole, pieces = salted(tmp_path / "whole"), salted(tmp_path / "pieces")
    curate(archive, whole, SMALL)
    for stop_after in (1, 3):
        done = []

        def stopping(tasks, *rest, limit=stop_after, seen=done, **named):
            for result in in_process(tasks, *rest, **named):
                seen.append(1)
                if len(seen) > limit:
                    raise Cancelled("stopped")
                yield result

        monkeypatch.setattr(curate_module, "examine_all", stopping)
        with pytest.raises(Cancelled):
            curate(archive, pieces, SMALL)
    with (pieces / ".journal.jsonl").open("a") as file:
        file.write('{"key": "torn')
    (pieces / ".0123456789ab.part").write_text("half")
    monkeypatch.setattr(curate_module, "examine_all", in_process)
    assert curate(archive, pieces, SMALL).looked_at == 4
    assert everything(pieces) == everything(whole)


def test_killed_and_called_again(tmp_path):
    """A real process and its workers, killed without warning."""
    folder, whole, pieces = tmp_path / "in", salted(tmp_path / "whole"), salted(tmp_path / "pieces")
    for seed in range(4):
        save_png(folder / f"{seed}.png", heart(seed)[0])
    (folder / "4.txt").write_text("no clip")
    one = CurateSettings(frames=2, size=64, workers=1)
    code = (
        "import sys; from echogan.curation.curate import *; "
        "curate(*sys.argv[1:], CurateSettings(frames=2, size=64, workers=1))"
    )
    running = subprocess.Popen([sys.executable, "-c", code, folder, pieces], cwd=ROOT)
    journal = pieces / ".journal.jsonl"
    limit = time.monotonic() + 120
    while not (journal.exists() and journal.read_text().count("\n") >= 2) and time.monotonic() < limit:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    known = journal.read_text().count("\n")
    assert 2 <= known < 5
    assert not (pieces / "index.csv").exists()
    assert curate(folder, pieces, one).looked_at == 5 - known
    assert curate(folder, whole, one).kept == 4
    assert everything(pieces) == everything(whole)


CRASHING = """
import json, os, signal, sys, time
print("ready", flush=True)
for line in sys.stdin:
    path = os.path.basename(json.loads(line)["path"])
    if "crash" in path: os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in path: time.sleep(600)
    print(json.dumps({"reason": "seen", "patient": path[-1]}), flush=True)
"""


def test_a_crash_or_a_hang_costs_one_file(tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text(CRASHING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = ["a", "crash", "b", "hang", "c"]
    tasks = [Task(name, tmp_path / name, tmp_path / "part") for name in names]
    found = dict(examine_all(tasks, ExamineSettings(), 2, module="crashing", seconds=2.0))
    reasons = {task.key: answer["reason"] for task, answer in found.items()}
    failed = Reason.FAILED.value
    assert reasons == {"a": "seen", "crash": failed, "b": "seen", "hang": failed, "c": "seen"}


def test_a_stop_ends_the_workers_at_once(tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text(CRASHING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        list(examine_all([Task("h", tmp_path / "hang", tmp_path)], ExamineSettings(), 1, cancel, "crashing"))
    assert time.monotonic() - began < 30
    with pytest.raises(OutputError, match="do not start"):
        list(
            examine_all([Task("a", tmp_path / "a", tmp_path)], ExamineSettings(), 1, module="no_such_module")
        )


def graded(path: Path, rows: dict[str, str]) -> Path:
    path.write_text("file,quality\n" + "".join(f"{name},{grade}\n" for name, grade in rows.items()))
    return path


def test_a_folder_for_each_quality(quick, archive, tmp_path):
    out, list_ = tmp_path / "out", tmp_path / "labels.csv"
    grades = {"ann/a.npz": "Very good", "b.npz": "very Good", "c": "poor", "cy/d.npz": "", "gone.npz": "poor"}
    with_list = CurateSettings(frames=2, size=64, quality=graded(list_, grades))
    report = curate(archive, out, with_list)
    assert [folder.name for folder in report.folders] == ["poor", "very-good"]
    assert {row.quality for row in read_index(out / "very-good")} == {"very-good"}
    assert (len(read_index(out / "very-good")), len(read_index(out / "poor"))) == (2, 1)
    assert report.reasons == {Reason.UNGRADED: 5}
    assert report.looked_at == 3
    assert not (out / "index.csv").exists()
    assert "1 rows of the labels match no file, or several." in report.notes
    graded(list_, {**grades, "ann/a.npz": "poor", "e": "poor"})
    report = curate(archive, out, with_list)
    assert report.looked_at == 1
    assert (len(read_index(out / "very-good")), len(read_index(out / "poor"))) == (1, 3)


def test_whose_clip_it_is(quick, archive, tmp_path):
    """The labels before the PatientID, that before the folder, and the file alone where there is none."""
    labels = tmp_path / "labels.csv"
    lines = ["file;Quality;patient;spacing_mm", "a;x;bob;0,25", "b;x;;", "c;x;;", "d;x;;", "top;x;;"]
    labels.write_text("\ufeff" + "\r\n".join(lines))
    save_npz(archive / "top.npz", heart(30, 5))
    report = curate(archive, tmp_path / "out", CurateSettings(frames=2, size=64, quality=labels))
    assert report.kept == 5
    rows = read_index(report.folders[0])
    assert Counter(Counter(row.patient for row in rows).values()) == {2: 1, 1: 3}  # a with c of bob
    assert sum(bool(row.spacing_mm) for row in rows) == 1


def test_labels_part_patients_whom_an_anonymiser_made_one(quick, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(curate_worker, "patient_of", lambda path: "ANON")
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["file,quality,patient", "a,x,ann", "b,x,ann", "c,x,bob", "d,x,", "e,x,"]))
    report = curate(archive, tmp_path / "out", CurateSettings(frames=2, size=64, quality=labels))
    patients = Counter(row.patient for row in read_index(report.folders[0]))
    assert sorted(patients.values()) == [1, 2, 2]  # bob, ann, and the two that nobody named


def test_folders_within_folders_are_told_where_nobody_names_the_patient(quick, archive, tmp_path):
    assert not any(
        "folders within folders" in note for note in curate(archive, tmp_path / "out", SMALL).notes
    )
    deep = tmp_path / "deep"
    (deep / "2013").mkdir(parents=True)
    (archive / "ann").rename(deep / "2013" / "ann")
    (archive / "bob").rename(deep / "2013" / "bob")
    report = curate(deep, tmp_path / "other", SMALL)
    assert sum(report.patients.values()) == 1
    assert any(note.startswith(f"{report.kept} clips") and "as one patient" in note for note in report.notes)


def test_folders_behind_links_are_looked_at_once(quick, archive, tmp_path):
    plain = curate(archive, tmp_path / "out", SMALL)
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in [p for p in archive.iterdir() if p.is_dir()]:
        (linked / folder.name).symlink_to(folder)
    (linked / "again").symlink_to(archive / "ann")
    (linked / "round").symlink_to(linked)
    report = curate(linked, tmp_path / "other", SMALL)
    assert report.kept == plain.kept


def test_a_part_that_was_not_on_the_disk_yet_is_made_again(quick, archive, tmp_path, monkeypatch):
    whole = curate(archive, salted(tmp_path / "whole"), SMALL)
    out = salted(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(curate_module, "assemble", refuse)
        with pytest.raises(OutputError):
            curate(archive, out, SMALL)
    parts = sorted((out / ".parts").glob("*.npz"))
    parts[0].write_bytes(b"")  # as after a power cut
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    report = curate(archive, out, SMALL)
    assert (report.kept, report.looked_at) == (whole.kept, 2)
    assert pixels(out) == pixels(tmp_path / "whole")


def refuse(*_):
    raise OutputError("The power is gone.")


def test_one_salt_knows_a_patient_again_in_another_folder(quick, archive, tmp_path):
    both = [tmp_path / "one", tmp_path / "other"]
    for out in both:
        curate(archive, out, replace(SMALL, salt=tmp_path / "salt"))
    assert pixels(both[0]) == pixels(both[1])
    assert stat.S_IMODE((tmp_path / "salt").stat().st_mode) == 0o600
    assert not (both[0] / ".salt").exists()
    with pytest.raises(OutputError, match="another salt"):
        curate(archive, both[0], SMALL)
    (tmp_path / "letter").write_text("Dear Ann")
    with pytest.raises(OutputError, match="'salt' could not be written"):
        curate(archive, tmp_path / "fourth", replace(SMALL, salt=tmp_path / "nowhere" / "salt"))
    with pytest.raises(OutputError, match="holds no salt"):
        curate(archive, tmp_path / "third", replace(SMALL, salt=tmp_path / "letter"))


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.NOT_OPENED])
def test_what_only_failed_this_time_is_looked_at_again(quick, archive, tmp_path, monkeypatch, reason):
    def fails(tasks, settings, workers, cancel=None):
        for task, found in in_process(tasks, settings, workers, cancel):
            yield task, {"reason": reason.value} if task.path.stem in ("a", "d") else found

    with monkeypatch.context() as once:
        once.setattr(curate_module, "examine_all", fails)
        report = curate(archive, tmp_path / "out", SMALL)
    assert report.reasons[reason] == 2
    again = curate(archive, tmp_path / "out", SMALL)
    assert (again.looked_at, again.kept) == (2, 5)


def test_a_part_that_cannot_be_written_is_no_fault_of_the_file(archive, tmp_path, monkeypatch):
    def full(path, arrays):
        raise OutputError("'part' could not be written (No space left on device).")

    monkeypatch.setattr(curate_worker, "examine", drawn)
    monkeypatch.setattr(curate_worker, "write_arrays", full)
    task = Task("a", archive / "ann" / "a.npz", tmp_path / "part.npz")
    answer = curate_worker.answer(curate_worker.request(task.path, task.part, ExamineSettings(size=64)))
    assert "No space left" in answer["error"]
    (tmp_path / "full.py").write_text(
        'print("ready", flush=True)\ninput()\nprint(\'{"error": "No space left."}\', flush=True)'
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(OutputError, match="No space left"):
        list(examine_all([task], ExamineSettings(), 1, module="full"))


def test_a_split_that_is_given_holds(quick, archive, tmp_path):
    labels, out = tmp_path / "labels.csv", tmp_path / "out"
    rows = ["ann/a,x,test", "b,x,test", "c,x,VAL", "d,x,train", "e,x,"]
    settings_ = CurateSettings(frames=2, size=64, shares=(1, 0, 0), quality=labels)
    labels.write_text("\n".join(["file,quality,split", *rows]))
    report = curate(archive, out, settings_)
    assert report.splits == {"x": {"train": 2, "val": 1, "test": 2}}
    labels.write_text("\n".join(["file,quality,split", "ann/a,x,val", *rows[1:]]))
    with pytest.raises(SettingsError, match="one patient into two splits"):
        curate(archive, out, settings_)
    labels.write_text("\n".join(["file,quality,split", "ann/a,x,val", "b,x,val", *rows[2:]]))
    report = curate(archive, out, settings_)
    assert (report.looked_at, report.splits) == (0, {"x": {"train": 2, "val": 3, "test": 0}})


BAD_LABELS = {
    "file,quality,split\nann/a.npz,good,trian\n": "line 2 that is not train, val or test",
    "name,quality\na,b\n": "must have the columns",
    "": "must have the columns",
    "file,quality\nother.npz,good\n": "matches a file",
    "file,quality\nann/a.npz,good\na.npz,poor\n": "contradicts itself in line 3",
}


@pytest.mark.parametrize("text", BAD_LABELS)
def test_labels_that_cannot_be(archive, tmp_path, capsys, text):
    (tmp_path / "labels.csv").write_text(text)
    assert (
        main(["curate", str(archive), str(tmp_path / "out"), "--quality", str(tmp_path / "labels.csv")]) == 2
    )
    sentence(capsys, BAD_LABELS[text])
    assert not (tmp_path / "out").exists()


def sentence(capsys, wanted: str) -> None:
    said = capsys.readouterr().err
    assert wanted in said
    assert len(said.splitlines()) == 1
    assert said.strip().endswith(".")


@pytest.mark.parametrize(
    ("given", "out", "flags", "wanted"),
    [
        ("none", "out", [], "There is no folder"),
        ("void", "out", [], "holds no files"),
        ("in", "in/out", [], "must not hold one another"),
        ("in", ".", [], "must not hold one another"),
        ("in", "in", [], "must not hold one another"),
        ("in", "other", [], "holds other files"),
        ("in", "file", [], "is a file"),
        ("in", "out", ["--quality", "none.csv"], "cannot be read"),
        ("in", "out", ["--frames", "0"], "frames is 0; give a whole number from 1 to 64"),
        ("in", "out", ["--shares", ".8", ".1", ".2"], "sum to 1"),
    ],
)
def test_a_mistake_is_one_sentence(archive, tmp_path, capsys, given, out, flags, wanted):
    (tmp_path / "void").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["curate", str(tmp_path / given), str(tmp_path / out), *flags]) == 2
    sentence(capsys, wanted)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_other_shards_is_refused(quick, archive, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["curate", str(archive), str(out), "--frames", "2", "--size", "64"]) == 0
    assert "5 of 8 files kept" in capsys.readouterr().out
    kept = everything(out)
    assert main(["curate", str(archive), str(out), "--frames", "3", "--size", "64"]) == 2
    sentence(capsys, "another setting (frames)")
    save_npz(tmp_path / "second" / "a.npz", heart(1))
    assert main(["curate", str(tmp_path / "second"), str(out), "--frames", "2", "--size", "64"]) == 2
    sentence(capsys, "another archive")
    with Journal(out, archive, SMALL):
        assert main(["curate", str(archive), str(out), "--frames", "2", "--size", "64"]) == 2
    sentence(capsys, "is being curated")
    assert everything(out) == kept


def test_a_file_system_without_locks_is_no_hindrance(quick, archive, tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert main(["curate", str(archive), str(tmp_path / "out"), "--frames", "2", "--size", "64"]) == 0
    assert "5 of 8 files kept" in capsys.readouterr().out


def test_an_archive_without_clips_says_so(quick, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    assert main(["curate", str(tmp_path / "in"), str(tmp_path / "out")]) == 2
    sentence(capsys, "None of the 1 files could be kept (mostly: not a clip or an image)")
    assert (tmp_path / "out" / "report.txt").exists()


def test_ctrl_c_says_how_to_go_on(quick, archive, tmp_path, capsys, monkeypatch):
    def interrupted(tasks, settings, workers, cancel):
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.is_set()
        raise Cancelled("stopped")
        yield

    monkeypatch.setattr(curate_module, "examine_all", interrupted)
    assert main(["curate", str(archive), str(tmp_path / "out")]) == 130
    sentence(capsys, "give the same command again to go on")


ids = st.text(min_size=1, max_size=20)


@given(patients=st.sets(ids, max_size=30), more=st.sets(ids, max_size=10), seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=50)
def test_a_patient_never_moves(patients, more, seed):
    before = {patient: split_of(patient, seed, THIRDS) for patient in patients}
    assert all(
        split_of(patient, seed, THIRDS) == before[patient] for patient in patients | more if patient in before
    )
    assert {split_of(patient, seed, (1, 0, 0)) for patient in patients} <= {"train"}
    assert {split_of(patient, seed, (0, 0, 1)) for patient in patients} <= {"test"}
    # A larger share of train takes patients from the others, and gives none away.
    for patient in patients:
        if split_of(patient, seed, (0.5, 0.25, 0.25)) == "train":
            assert split_of(patient, seed, (0.8, 0.1, 0.1)) == "train"


@pytest.mark.parametrize("seed", [0, 1])
def test_the_shares_are_met(seed):
    counts = Counter(split_of(f"patient{i:04d}", seed, (0.8, 0.1, 0.1)) for i in range(4000))
    # Four standard deviations of a binomial: 4000 x 0.1 is 400 +- 76.
    assert abs(counts["val"] - 400) < 76
    assert abs(counts["test"] - 400) < 76
    assert split_of("patient0001", 0, THIRDS) == split_of("patient0001", 0, THIRDS)
    assert len({split_of("x", s, THIRDS) for s in range(20)}) == 3


cells = st.text(string.ascii_letters + string.digits + " äé'\"().-_", max_size=12).map(str.strip)
tables = st.dictionaries(st.integers(0, 30), st.tuples(cells, cells), min_size=1, max_size=20)


@given(
    table=tables,
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
)
@settings(deadline=None, max_examples=60)
def test_labels_come_back_as_written(tmp_path_factory, table, separator, encoding):
    import csv

    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    files = [f"p{i}/clip {i}.dcm" for i in range(31)]
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow([" File", "Patient", "QUALITY", "remark"])
        ways = [
            lambda i: files[i],
            lambda i: f"clip {i}.dcm",
            lambda i: f"clip {i}",
            lambda i: f".\\p{i}\\clip {i}.dcm",
        ]
        for i, (quality, patient) in table.items():
            writer.writerow([random.Random(i).choice(ways)(i), patient, quality, "seen"])
        writer.writerow(["elsewhere.dcm", "", "good", ""])
    found = read_labels(path, Path("/archive"), files)
    assert found.by_file == {files[i]: Label(quality, patient) for i, (quality, patient) in table.items()}
    assert found.unmatched == 1


@given(data=st.binary(max_size=200))
@settings(deadline=None, max_examples=60)
def test_any_file_is_labels_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    path.write_bytes(b"file,quality\n" + data)
    with contextlib.suppress(SettingsError):
        assert read_labels(path, Path("/archive"), ["a.png", "b.png"]).by_file


@given(quality=st.text(max_size=80))
def test_a_slug_is_one_plain_folder(quality):
    name = slug(quality)
    assert name
    assert Path(name).name == name
    assert (
        name == slug(name) == slug(f" {quality.upper()} ")
        or not quality.isascii()
        or name.startswith("grade-")
    )
    assert name[0] not in ".-"


def test_two_files_of_one_name_are_no_match(tmp_path):
    path = graded(tmp_path / "labels.csv", {"a.png": "good", "x/b.png": "poor"})
    found = read_labels(path, tmp_path, ["x/a.png", "y/a.png", "x/b.png"])
    assert found.by_file == {"x/b.png": Label("poor")}
    assert found.unmatched == 1


def test_camus_stills(shared_data, tmp_path):
    """Expert grades and patients of CAMUS as the labels; the real way with real processes."""
    camus, folder = shared_data / "camus", tmp_path / "in"
    folder.mkdir()
    lines = (camus / "index.csv").read_text().splitlines()
    for line in lines[1:9]:
        name = line.split(",")[0]
        (folder / name).symlink_to(camus / "images" / name)
    kept = CurateSettings(size=96, quality=camus / "index.csv", workers=2, shares=(0.5, 0.25, 0.25))
    report = curate(folder, tmp_path / "out", kept)
    assert (report.kept, report.left_out) == (8, ())
    rows = [(row, folder) for folder in report.folders for row in read_index(folder)]
    assert {folder.name for _, folder in rows} <= {"good", "medium", "poor"}
    assert set(Counter(row.patient for row, _ in rows).values()) == {2}  # ED and ES of each
    splits: dict[str, set[str]] = {}
    for row, _ in rows:
        splits.setdefault(row.patient, set()).add(row.split)
        assert row.spacing_mm
    assert all(len(found) == 1 for found in splits.values())
