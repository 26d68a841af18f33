"""`python -m echogan study analyse | demo | plan`: the statistics of a study, of a simulated one, and its size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.cli.console import progress_bar, stop_on_interrupt
from echogan.cli.study_files import Folder
from echogan.enhance.enhancer import EnhanceSettings
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
    """A simulated study on phantom clips, read to its end by simulated readers with stated effects: to see the report.

    OUT/study is the study itself, which the Studies tab and the other commands open too.
    """

    output: Output
    readers: int = 6
    """simulated readers"""
    patients: int = 24
    """simulated patients, with one clip each"""
    settings: OmitArgPrefixes[EnhanceSettings] = field(default_factory=EnhanceSettings)

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.study.analysis.report import analyse_study
        from echogan.study.demo import simulate_study
        from echogan.study.unblinded import tables_of

        self.settings.check()
        with stop_on_interrupt() as cancel, progress_bar("stimuli", "clip", lines=True) as progress:
            store = simulate_study(
                self.output / "study",
                self.readers,
                self.patients,
                settings=self.settings,
                progress=progress,
                cancel=cancel,
            )
        analyse_study(tables_of(store), self.output)
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
