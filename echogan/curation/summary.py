"""The report of a finished curation: counts by split and patient, and notes on what should be checked."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from echogan.curation.labels import Labels
from echogan.curation.plan import Plan
from echogan.curation.report import CurateReport
from echogan.curation.settings import SPLITS

FEW_PATIENTS = 10


def summarise(
    plan: Plan, files: int, labels: Labels | None, folders: tuple[Path, ...], looked_at: int, seconds: float
) -> CurateReport:
    """The report of a plan that was carried out."""
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
