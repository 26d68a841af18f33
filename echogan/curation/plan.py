"""What becomes of each file of an archive: kept, left out, or still to be examined; a function of the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from echogan.core.errors import SettingsError
from echogan.curation.archive_files import ArchiveFile
from echogan.curation.assembly import Placed, stored
from echogan.curation.duplicates import WORDS, Seen
from echogan.curation.journal import Journal, split_of
from echogan.curation.labels import Label, Labels, slug
from echogan.curation.report import LeftOutFile
from echogan.curation.settings import CurateSettings, Reason
from echogan.curation.shards import ShardRow

NO_LABEL = Label("")


@dataclass(frozen=True)
class Plan:
    """What becomes of each file, as far as is known; `unknown` are still to be examined.

    unsure  clips in which text over the tissue can have been missed
    deep    clips whose patient is known by the topmost folder alone, with other folders below that
    shared  duplicates of another patient's clip
    """

    clips: tuple[Placed, ...]
    left_out: tuple[LeftOutFile, ...]
    unknown: tuple[ArchiveFile, ...]
    unsure: int
    deep: int
    shared: int


def make_plan(
    files: Sequence[ArchiveFile], labels: Labels | None, journal: Journal, settings: CurateSettings
) -> Plan:
    """What becomes of the files, taken in the order of their paths. Raises SettingsError for contradicting labels."""
    clips: list[Placed] = []
    left_out: list[LeftOutFile] = []
    unknown: list[ArchiveFile] = []
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
    return Plan(tuple(clips), tuple(left_out), tuple(unknown), unsure, deep, shared)


def _known(label: Label, record: Mapping[str, Any]) -> bool:
    """Whether the labels or the file itself name the patient; else the topmost folder stands for one."""
    return bool(label.patient or (record.get("patient") and record.get("split")))


def _placed(
    file: ArchiveFile, label: Label, record: Mapping[str, Any], journal: Journal, settings: CurateSettings
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


def missing(plan: Plan, files: Sequence[ArchiveFile], journal: Journal) -> list[ArchiveFile]:
    """The files never examined, and those whose pixels are wanted but not there."""
    places = stored(journal.out, journal.parts)
    wanted = {clip.row.clip for clip in plan.clips if clip.row.clip not in places}
    wanted |= {file.key for file in plan.unknown}
    return [file for file in files if file.key in wanted]
