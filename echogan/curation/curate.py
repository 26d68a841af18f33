"""An archive of clips -> de-identified training shards (NPZ): examine every file, keep tissue, split by patient."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from echogan.clips.clip import ClipLimits
from echogan.curation.archive_files import ArchiveFile, archive_files, check_apart, file_names
from echogan.curation.assembly import assemble, shard_folders, stored
from echogan.curation.journal import Journal, split_of
from echogan.curation.labels import Labels, read_labels
from echogan.curation.plan import make_plan, missing
from echogan.curation.pool import Task, examine_all
from echogan.curation.report import CurateReport, check_kept, write_report, write_sheet
from echogan.curation.settings import CurateSettings, ExamineSettings
from echogan.curation.summary import summarise


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
    S on its longer side and centred, black elsewhere. The patient of a clip is taken from the labels' column patient,
    else from the DICOM header, else from the topmost folder. A patient's split follows from a hash of the id, or from
    the labels' column split. A second call continues where the first stopped, takes what is new and drops what is gone.
    progress(done, total) counts files. Raises SettingsError, UnreadableClip (no archive), OutputError, and Cancelled
    soon after `cancel` is set; what was done by then is kept.
    """
    began = time.perf_counter()
    archive, out, settings = Path(archive), Path(out), settings or CurateSettings()
    settings.check()
    names = file_names(archive, settings.quality)
    check_apart(archive, out)
    labels = read_labels(settings.quality, archive, names) if settings.quality is not None else None
    with Journal(out, archive, settings) as journal:
        files = archive_files(archive, names, journal)
        looked_at = _examine(archive, files, labels, journal, settings, progress, cancel)
        plan = make_plan(files, labels, journal, settings)
        assemble(out, journal.parts, plan.clips, stored(out, journal.parts))
    folders = tuple(shard_folders(out))
    report = summarise(plan, len(files), labels, folders, looked_at, time.perf_counter() - began)
    write_sheet(out)
    write_report(out, report, names if settings.name_left_out else None)
    check_kept(report)
    return report


def _examine(
    archive: Path,
    files: Sequence[ArchiveFile],
    labels: Labels | None,
    journal: Journal,
    settings: CurateSettings,
    progress: Callable[[int, int], None] | None,
    cancel: threading.Event | None,
) -> int:
    """Examine every file of which something is still unknown; returns how many those were."""
    examined = ExamineSettings(
        settings.frames, settings.size, settings.min_confidence, settings.min_side, ClipLimits()
    )
    looked_at, total = 0, len(files)
    # A duplicate's pixels are not kept, so it is examined again once the clip it resembled has gone.
    while unknown := missing(make_plan(files, labels, journal, settings), files, journal):
        tasks = [Task(file.key, archive / file.name, journal.parts / f"{file.key}.npz") for file in unknown]
        by_key = {file.key: file for file in unknown}
        done = total - len(unknown)
        for task, found in examine_all(tasks, examined, settings.processes, cancel):
            journal.add(task.key, by_key[task.key].fingerprint, _without_identity(found, journal, settings))
            done, looked_at = done + 1, looked_at + 1
            if progress is not None:
                progress(done, total)
    return looked_at


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
