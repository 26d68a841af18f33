"""`python -m echogan study backup | export | import | restore | table`: a study as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from echogan.core.atomic import write_whole
from echogan.study.hub_events import open_store, restore_from_hub
from echogan.study.store import archive, tables

ACTOR = "lead"  # in the log; the command line is used on the machine of whoever leads the study
Folder = Annotated[Positional[Path], arg(metavar="STUDY", help="the study's folder")]
Target = Annotated[Positional[Path], arg(metavar="FILE", help="the file to write")]
NewFolder = Annotated[Positional[Path], arg(metavar="STUDY", help="the folder to make")]


@dataclass
class Table:
    """Write the ratings of an unblinded study as CSV, one row an answer."""

    study: Folder
    target: Target

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError."""
        text = tables.as_csv(open_store(self.study))
        write_whole(self.target, text.encode())
        print(f"{self.target}: {text.count(chr(10)) - 1} answers")
        return 0


@dataclass
class Backup:
    """Copy the database, also while readers rate. It holds the arms."""

    study: Folder
    target: Target

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError, OutputError."""
        sha256 = archive.backup(open_store(self.study), self.target, ACTOR)
        print(f"{self.target}: SHA-256 {sha256}")
        return 0


@dataclass
class Export:
    """Write the whole study, stimuli and log included, as one zip. It holds the arms."""

    study: Folder
    target: Target

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError, OutputError."""
        sha256 = archive.export_study(open_store(self.study), self.target, ACTOR)
        print(f"{self.target}: manifest SHA-256 {sha256}")
        return 0


@dataclass
class Import:
    """Unpack an exported study into a new folder, once every hash is as listed and the log is whole."""

    source: Annotated[Positional[Path], arg(metavar="FILE", help="what `study export` wrote")]
    study: NewFolder

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError, OutputError."""
        archive.import_study(self.source, self.study).close()
        print(f"{self.study}: imported. Next: python -m echogan study check {self.study}")
        return 0


@dataclass
class Restore:
    """Make the study again from the dataset that ECHOGAN_STUDY_HUB names, for a host that lost its disk."""

    study: NewFolder

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError."""
        restore_from_hub(self.study).close()
        print(f"{self.study}: restored.")
        return 0
