"""`python -m echogan study analyse | demo | plan`: the statistics of a study, of a simulated one, and its size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from echogan.cli.study_files import Folder
from echogan.core.errors import SettingsError
from echogan.study.hub_events import open_store

Output = Annotated[Positional[Path], arg(metavar="OUT", help="the folder for report, figures and tables")]


@dataclass
class Analyse:
    """Analyse an unblinded study: report (HTML, PDF), figures, CSV, JSON, iMRMC and R files, a manifest of hashes."""

    study: Folder
    output: Output

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError, OutputError."""
        from echogan.study.analysis.report import analyse_study
        from echogan.study.unblinded import tables_of

        analyse_study(tables_of(open_store(self.study)), self.output)
        print(f"{self.output}: report.html, report.pdf and the tables")
        return 0


@dataclass
class Demo:
    """The same of a simulated study, whose readers are drawn at random from stated effects: to see the report."""

    output: Output
    readers: int = 6
    """simulated readers"""
    patients: int = 24
    """simulated patients, with two clips each"""

    def run(self) -> int:
        """Do it; returns the exit code. Raises SettingsError, OutputError."""
        from echogan.study.analysis.report import analyse_study
        from echogan.study.analysis.simulation import simulated_study

        if not (2 <= self.readers <= 100 and 3 <= self.patients <= 1000):
            raise SettingsError("Give 2 to 100 readers and 3 to 1000 patients.")
        analyse_study(simulated_study(self.readers, self.patients), self.output)
        print(f"{self.output}: report.html, report.pdf and the tables; all ratings are simulated")
        return 0


@dataclass
class Plan:
    """How likely studies of several sizes find a gain, by simulation: power.csv and power.png."""

    output: Output
    gain: float = 0.4
    """mean difference between the arms in points of the latent scale"""
    readers: tuple[int, ...] = (3, 5, 8)
    """numbers of readers"""
    patients: tuple[int, ...] = (20, 30, 40, 60)
    """numbers of patients"""
    studies: int = 400
    """simulated studies for each size"""

    def run(self) -> int:
        """Do it; returns the exit code. Raises StudyError, OutputError."""
        from echogan.study.analysis.planner import power
        from echogan.study.analysis.report import write_plan
        from echogan.study.analysis.simulation import Effects

        points = power(Effects(gain=self.gain), self.readers, self.patients, studies=self.studies)
        write_plan(points, self.output)
        for point in points:
            print(f"{point.readers} readers, {point.patients} patients: {point.power:.0%}")
        return 0
