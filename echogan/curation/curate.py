"""An archive of clips -> de-identified training shards (NPZ): look at every file, keep tissue, split by patient."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import ClipLimits
from echogan.core.errors import OutputError, SettingsError, UnreadableClip
from echogan.curation.assembly import Placed, assemble, shard_folders, stored
from echogan.curation.duplicates import WORDS, Seen
from echogan.curation.journal import FileFingerprint, Journal, split_of
from echogan.curation.labels import Label, Labels, read_labels, slug
from echogan.curation.pool import Task, examine_all
from echogan.curation.report import CurateReport, LeftOutFile, check_kept, write_report, write_sheet
from echogan.curation.settings import SPLITS, CurateSettings, ExamineSettings, Reason
from echogan.curation.shards import ShardRow

FEW_PATIENTS = 10
NO_LABEL = Label("")


@dataclass(frozen=True)
class _File:
    """One file of the archive: its path below it with slashes, its salted hash, and how it is known again."""

    number: int
    name: str
    key: str
    fingerprint: FileFingerprint


@dataclass(frozen=True)
class _Plan:
    """What becomes of each file, as far as is known; `unknown` are still to be looked at.

    unsure  clips in which text over the tissue can have been missed
    deep    clips whose patient is known by the topmost folder alone, with other folders below that
    shared  duplicates of another patient's clip
    """

    clips: tuple[Placed, ...]
    left_out: tuple[LeftOutFile, ...]
    unknown: tuple[_File, ...]
    unsure: int
    deep: int
    shared: int


def curate(
    archive: str | Path,
    out: str | Path,
    settings: CurateSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> CurateReport:
    """Make the shards of every clip and still below `archive`, DICOM, video, GIF, image or .npz, in `out`.

    Each shard folder (`out`, or one per quality below it) holds index.csv and shard_0000.npz, ... with frames uint8
    (n, T, S, S), masks bool (n, S, S), fans float32 (n, 6), lengths int64 (n,): tissue only, the fan's box scaled to
    S on its longer side and centred, black elsewhere. Whose a clip is, the labels' column patient says, else the
    DICOM's header, else the topmost folder that it lies in. A patient's split follows from a hash of the id, or
    from the column split of the labels. Called again it goes on where it was stopped, takes what is
    new and drops what is gone. progress(done, total) counts files. Raises SettingsError, UnreadableClip (no
    archive), OutputError, and Cancelled soon after `cancel` is set; what was done by then is kept.
    """
    began = time.perf_counter()
    archive, out, settings = Path(archive), Path(out), settings or CurateSettings()
    settings.check()
    names = _names(archive, settings.quality)
    _check_apart(archive, out)
    labels = read_labels(settings.quality, archive, names) if settings.quality is not None else None
    with Journal(out, archive, settings) as journal:
        files = _files(archive, names, journal)
        looked_at = _examine(archive, files, labels, journal, settings, progress, cancel)
        plan = _plan(files, labels, journal, settings)
        assemble(out, journal.parts, plan.clips, stored(out, journal.parts))
    folders = tuple(shard_folders(out))
    report = _report(plan, len(files), labels, folders, looked_at, time.perf_counter() - began)
    write_sheet(out)
    write_report(out, report, names if settings.name_left_out else None)
    check_kept(report)
    return report


def _names(archive: Path, quality: Path | None) -> list[str]:
    """The files below the archive in order, hidden ones and the list of grades aside."""
    if not archive.is_dir():
        raise UnreadableClip(f"There is no folder {archive}. Check the path of the archive.")
    found = []

    def refuse(error: OSError) -> None:  # else its clips would count as gone
        raise UnreadableClip(
            f"A folder of the archive cannot be listed ({error.strerror}): check its permissions, and that it is "
            "mounted."
        )

    seen = {archive.resolve()}
    for folder, folders, names in os.walk(archive, onerror=refuse, followlinks=True):
        own = sorted(
            (Path(folder, name) for name in folders), key=lambda path: (path.is_symlink(), path.name)
        )
        folders[:] = [path.name for path in own if not path.name.startswith(".") and _new(path, seen)]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    listed = quality.resolve() if quality is not None else None
    found = [path for path in found if path.is_file() and path.resolve() != listed]
    if not found:
        raise UnreadableClip(f"The folder {archive} holds no files. Give a folder of clips.")
    return sorted(path.relative_to(archive).as_posix() for path in found)


def _new(folder: Path, seen: set[Path]) -> bool:
    """Whether a folder is met for the first time: links may lead in circles, or twice to one place."""
    whole = folder.resolve()
    new = whole not in seen
    seen.add(whole)
    return new


def _check_apart(archive: Path, out: Path) -> None:
    a, o = archive.resolve(), out.resolve()
    if a == o or a in o.parents or o in a.parents:
        raise OutputError(
            "The archive and the output folder must not hold one another: give a folder beside it."
        )


def _files(archive: Path, names: Sequence[str], journal: Journal) -> list[_File]:
    files = []
    for number, name in enumerate(names, 1):
        stat = (archive / name).stat()
        files.append(
            _File(number, name, journal.hash("clip", name), FileFingerprint(stat.st_size, stat.st_mtime_ns))
        )
    return files


def _examine(
    archive: Path,
    files: Sequence[_File],
    labels: Labels | None,
    journal: Journal,
    settings: CurateSettings,
    progress: Callable[[int, int], None] | None,
    cancel: threading.Event | None,
) -> int:
    """Look at every file of which something is still unknown; how many that were."""
    examined = ExamineSettings(
        settings.frames, settings.size, settings.min_confidence, settings.min_side, ClipLimits()
    )
    looked_at, total = 0, len(files)
    # A duplicate's pixels are not kept, so it is looked at again once the clip it resembled has gone.
    while unknown := _missing(_plan(files, labels, journal, settings), files, journal):
        tasks = [Task(file.key, archive / file.name, journal.parts / f"{file.key}.npz") for file in unknown]
        by_key = {file.key: file for file in unknown}
        done = total - len(unknown)
        for task, found in examine_all(tasks, examined, settings.processes, cancel):
            journal.add(task.key, by_key[task.key].fingerprint, _without_identity(found, journal, settings))
            done, looked_at = done + 1, looked_at + 1
            if progress is not None:
                progress(done, total)
    return looked_at


def _missing(plan: _Plan, files: Sequence[_File], journal: Journal) -> list[_File]:
    """The files never looked at, and those whose pixels are wanted but not there."""
    places = stored(journal.out, journal.parts)
    wanted = {clip.row.clip for clip in plan.clips if clip.row.clip not in places}
    wanted |= {file.key for file in plan.unknown}
    return [file for file in files if file.key in wanted]


def _without_identity(found: Mapping[str, Any], journal: Journal, settings: CurateSettings) -> dict[str, Any]:
    """What a worker found, with the patient's id turned into a salted hash and a split."""
    patient = found.get("patient", "")
    kept = {name: value for name, value in found.items() if name != "patient"}
    if patient:
        kept |= {
            "patient": journal.hash("patient", patient),
            "split": split_of(patient, settings.seed, settings.shares),
        }
    return kept


def _plan(files: Sequence[_File], labels: Labels | None, journal: Journal, settings: CurateSettings) -> _Plan:
    """A function of the files, their labels and what was found in them, taken in the order of their paths."""
    clips: list[Placed] = []
    left_out: list[LeftOutFile] = []
    unknown: list[_File] = []
    seen, patients, unsure, deep, shared = Seen(), dict[str, str](), 0, 0, 0
    for file in files:
        label = labels.by_file.get(file.name, NO_LABEL) if labels is not None else NO_LABEL
        record = journal.record(file.key, file.fingerprint)
        if labels is not None and not label.quality:
            left_out.append(LeftOutFile(file.number, file.key, Reason.UNGRADED.value))
        elif record is None:
            unknown.append(file)
        elif record["reason"]:
            left_out.append(LeftOutFile(file.number, file.key, record["reason"]))
        else:
            prints = np.array([np.frombuffer(bytes.fromhex(text), np.uint64) for text in record["prints"]])
            assert prints.shape[1:] == (WORDS,)
            clip = _placed(file, label, record, journal, settings)
            if (original := seen.find(prints)) is not None:
                left_out.append(LeftOutFile(file.number, file.key, Reason.DUPLICATE.value))
                shared += patients[original] != clip.row.patient
                continue
            seen.add(file.key, prints)
            patients[file.key] = clip.row.patient
            unsure += not record["text_sure"]
            deep += not _known(label, record) and file.name.count("/") > 1
            clips.append(clip)
    splits = {(clip.row.patient, clip.row.split) for clip in clips}
    if len(splits) > len({patient for patient, _ in splits}):
        raise SettingsError(
            "The labels put one patient into two splits: give all files of a patient the same split."
        )
    return _Plan(tuple(clips), tuple(left_out), tuple(unknown), unsure, deep, shared)


def _known(label: Label, record: Mapping[str, Any]) -> bool:
    """Whether the labels or the file itself say whose clip it is; else its topmost folder must."""
    return bool(label.patient or (record.get("patient") and record.get("split")))


def _placed(
    file: _File, label: Label, record: Mapping[str, Any], journal: Journal, settings: CurateSettings
) -> Placed:
    """The clip's folder and its line of the index."""
    patient, split = record.get("patient", ""), record.get("split", "")
    # The labels first: in an anonymised archive every header may name the same patient.
    if label.patient or not _known(label, record):
        folder, slash, _ = file.name.partition("/")
        known = label.patient or (folder if slash else f"file {file.name}")
        patient, split = journal.hash("patient", known), split_of(known, settings.seed, settings.shares)
    spacing = record["spacing_mm"] or label.spacing_mm
    in_shard = f"{spacing / record['scale']:.5f}" if spacing else ""
    grade = slug(label.quality) if label.quality else ""
    row = ShardRow("", 0, file.key, patient, grade, label.split or split, record["length"], in_shard)
    return Placed(journal.out / grade if grade else journal.out, row)


def _report(
    plan: _Plan, files: int, labels: Labels | None, folders: tuple[Path, ...], looked_at: int, seconds: float
) -> CurateReport:
    splits: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in plan.clips:
        splits[clip.row.quality][clip.row.split] += 1
    patients = {clip.row.patient: clip.row.split for clip in plan.clips}
    counts = Counter(patients.values())
    notes = []
    if empty := [split for split in SPLITS if plan.clips and not counts[split]]:
        notes.append(f"No patient fell to {' and '.join(empty)}: try another --seed or other --shares.")
    if len(patients) < FEW_PATIENTS < len(plan.clips):
        notes.append(f"All clips count as {len(patients)} patients: name them in the labels' column patient.")
    if plan.deep:
        notes.append(
            f"{plan.deep} clips say nothing of their patient and lie in folders within folders: all below one of the "
            "archive's own folders count as one patient. Name them in the labels' column patient where that is wrong."
        )
    if plan.unsure:
        notes.append(
            f"{plan.unsure} stills or very short clips: text over the tissue can be missed where nothing moves. "
            "Look at them before the shards are shared."
        )
    if plan.shared:
        notes.append(
            f"{plan.shared} duplicates belong to another patient than their original: one person may count as two, "
            "in two splits."
        )
    if labels is not None and labels.unmatched:
        notes.append(f"{labels.unmatched} rows of the labels match no file, or several.")
    return CurateReport(
        files=files,
        kept=len(plan.clips),
        splits={quality: {s: splits[quality][s] for s in SPLITS} for quality in sorted(splits)},
        patients={split: counts[split] for split in SPLITS},
        left_out=plan.left_out,
        folders=folders,
        notes=tuple(notes),
        looked_at=looked_at,
        seconds=seconds,
    )
