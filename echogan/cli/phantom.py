"""`python -m echogan phantom`: simulated pairs as files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction, arg

from echogan.cli.console import make_folder, progress_bar, stop_on_interrupt
from echogan.phantom_files.pairs import PairSettings


@dataclass
class PhantomPairs:
    """Write simulated pairs into a folder: clean and degraded clips, arrays with labels, truth, and a sheet.png."""

    output: Annotated[Positional[Path], arg(metavar="OUT", help="the folder, made where it is not there")]
    settings: UseAppendAction[OmitArgPrefixes[PairSettings]] = field(default_factory=PairSettings)

    def run(self) -> int:
        """Render and write; returns the exit code. Raises SettingsError, OutputError and Cancelled."""
        from echogan.phantom_files.files import write_pairs

        self.settings.check()
        make_folder(self.output)
        with stop_on_interrupt() as cancel, progress_bar("phantom") as progress:
            count = write_pairs(self.output, self.settings, progress, cancel)
        print(f"{self.output}: {count} pair{'s' * (count != 1)} and sheet.png")
        return 0
