"""A study or series of a DICOMweb server: its echo cines, enhanced one after the other, stored back or kept here."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from echogan.archive.pacs.dicomweb import DicomWebServer
from echogan.archive.pacs.instances import Instance, stored_sources, why_not
from echogan.archive.pacs.one_object import ObjectJob, enhance_object
from echogan.core.errors import Cancelled, ClipError, ObjectRefused, OutputError, UnsupportedClip

Progress = Callable[[int, int], None]


@dataclass
class StudyCounts:
    """What became of the instances."""

    enhanced: int = 0
    skipped: int = 0
    failed: int = 0


def enhance_study(
    server: DicomWebServer,
    uid: str,
    job: ObjectJob,
    output: Path | None,
    tell: Callable[[str], None],
    bar: Callable[[str], AbstractContextManager[Progress]],
    cancel: threading.Event,
) -> StudyCounts:
    """Enhance the cines of a study or a series.

    uid      of a study or a series
    output   a new or empty folder for the results; None stores them in their study, unless it has them already
    tell     takes a line for each instance
    bar      gives a callback for the progress of the clip of a name

    One clip that cannot be enhanced, fetched or stored does not stop the others. Raises DicomServerError where the
    server is gone or shut, SettingsError, OutputError, and Cancelled soon after `cancel` is set.
    """
    counts = StudyCounts()
    found = server.instances(uid)
    known = stored_sources(found, job.made_by) if output is None else set()
    names = _names(found)
    if found and all(instance.ours for instance in found):
        tell("Everything there was made by this program, and is left alone.")
    for instance in found:
        if cancel.is_set():
            raise Cancelled("Stopped.")
        reason = "has been stored already" if instance.uid in known else why_not(instance)
        if reason:
            # Results are named only where one asked for them: there may be as many as clips.
            if not instance.ours:
                tell(f"{instance.label}: skipped, it {reason}.")
                counts.skipped += 1
            continue
        name = names[instance.uid]
        target = output / f"{name}.dcm" if output is not None else None
        try:
            with bar(instance.label) as progress:
                warnings = _one(server, instance, job, target, progress, cancel)
        except UnsupportedClip as error:
            tell(f"{instance.label}: skipped. {error}")
            counts.skipped += 1
        except (ClipError, ObjectRefused) as error:
            tell(f"{instance.label}: failed. {error}")
            counts.failed += 1
        else:
            where = "stored in its study" if target is None else target.name
            tell(f"{instance.label}: {where}.{''.join(f' {warning}' for warning in warnings)}")
            counts.enhanced += 1
    return counts


def _one(
    server: DicomWebServer,
    instance: Instance,
    job: ObjectJob,
    target: Path | None,
    progress: Progress,
    cancel: threading.Event,
) -> list[str]:
    """Fetch, enhance and store one instance; what was fetched is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="echogan-") as folder:  # for this user alone
        source, made = Path(folder, "clip.dcm"), target or Path(folder, "result.dcm")
        server.fetch(instance, source)
        report = target.with_suffix(".json") if target is not None else None
        warnings = enhance_object(source, made, job, report, progress, cancel)
        if target is None:
            if cancel.is_set():
                raise Cancelled("Stopped.")
            server.store(made, instance.study)
    return warnings


def _names(instances: list[Instance]) -> dict[str, str]:
    """A file name for each UID: numbers of series and clip, told apart where these are the same."""
    names: dict[str, str] = {}
    for one in instances:
        plain = f"series-{one.series_number:03d}-clip-{one.number:03d}"
        taken = sum(name == plain or name.startswith(f"{plain}-") for name in names.values())
        names[one.uid] = f"{plain}-{taken + 1}" if taken else plain
    return names


def check_output(output: Path) -> None:
    """Raise OutputError unless the folder is new or empty: two studies have clips of the same numbers."""
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is a file: give a folder for the results.")
    if output.is_dir() and any(output.iterdir()):
        raise OutputError(f"The folder {output} is not empty: give a new or an empty folder.")
