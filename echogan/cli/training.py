"""The commands around training: train, curate and convert, their options made from the settings."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.cli.console import progress_bar, stop_on_interrupt
from echogan.core.errors import Cancelled
from echogan.core.kept_folders import kept_folder
from echogan.curation.settings import CurateSettings
from echogan.jobs.runs import FOLDER_VARIABLE
from echogan.model.checkpoints.convert import ConvertSettings, convert, describe
from echogan.training.config import TrainingConfig, as_begun
from echogan.training.run_folder import RunFolder


def usual_config() -> TrainingConfig:
    """The defaults, and the folder of runs where the page looks for them."""
    return TrainingConfig(folder=str(kept_folder(TrainingConfig.folder, FOLDER_VARIABLE)))


@dataclass
class Train:
    """Train a pair of generators on simulated clips, or on folders of your own; the run can be resumed.

    --low and --high take folders of clips or of shards; clips are made into shards first. The run's folder holds
    everything.
    """

    config: Annotated[TrainingConfig, arg(name="")] = field(default_factory=usual_config)
    check: bool = False
    """only check the data: separability, duplicates, time, a picture, and whether to start"""

    def usual(self) -> Train | None:
        """The defaults of a second reading of the command line: for a resumed run, the settings it began with.

        A run that was stopped while its clips were prepared has none yet. Raises TrainingError.
        """
        begun = self.config.resume and RunFolder(self.config.run_path).config.exists()
        return Train(as_begun(self.config), self.check) if begun else None

    def run(self) -> int:
        """Check or train; returns the exit code. Raises TrainingError, SettingsError, OutputError and Cancelled."""
        from echogan.jobs.own_clips import with_shards
        from echogan.training.trainer import train

        self.config.check()
        if not self.config.resume and not self.check:
            RunFolder(self.config.run_path).refuse_begun()  # before clips are curated for hours
        with stop_on_interrupt() as cancel, progress_bar("curate", "file", lines=True) as progress:
            config = with_shards(
                self.config, lambda side, done, total: progress(done, total), cancel, say=print
            )
        if not self.check:
            print(f"Run folder: {train(config)}")
            return 0
        from echogan.jobs.data_check import check_data

        with stop_on_interrupt() as cancel:
            print(check_data(config, cancel=cancel.is_set).text())
        print(f"{config.run_path / 'check.png'} shows what the discriminators will see.")
        return 0


@dataclass
class Convert:
    """Make a checkpoint of two generators trained with pytorch-CycleGAN-and-pix2pix.

    ResNet-9, ResNet-6 or U-Net-256 with instance norm, 1 or 3 channels. Code in a file is refused, never run.
    """

    output: Annotated[Positional[Path], arg(metavar="OUT", help="the checkpoint folder, not there yet")]
    to_high: Path
    """weights of the generator that enhances: latest_net_G_A.pth where the poor frames were domain A"""
    to_low: Path
    """weights of the generator that goes back: latest_net_G_B.pth"""
    settings: OmitArgPrefixes[ConvertSettings] = field(default_factory=ConvertSettings)

    def run(self) -> int:
        """Read, check and write; returns the exit code. Raises CheckpointError, SettingsError and OutputError."""
        settings = replace(self.settings, name=self.settings.name or self.output.resolve().name)
        config = convert(self.to_high, self.to_low, self.output, settings)
        print(f"{self.output}: {describe(config.generator)}; use it with --model {self.output}")
        return 0


@dataclass
class Curate:
    """Make training shards of an archive: tissue only, no names, split by patient; --low and --high of train.

    ARCHIVE may hold DICOM, videos, GIFs, images and .npz clips in any folders. Stopped and called again, it goes on.
    """

    archive: Annotated[
        Positional[Path], arg(metavar="ARCHIVE", help="a folder of clips, searched to any depth")
    ]
    output: Annotated[
        Positional[Path], arg(metavar="OUT", help="the folder of the shards, beside the archive")
    ]
    settings: OmitArgPrefixes[CurateSettings] = field(default_factory=CurateSettings)

    def run(self) -> int:
        """Curate; returns the exit code. Raises SettingsError, UnreadableClip and OutputError."""
        from echogan.curation.curate import curate

        try:
            with stop_on_interrupt() as cancel, progress_bar("curate", "file") as progress:
                report = curate(self.archive, self.output, self.settings, progress, cancel)
        except Cancelled:
            print("Stopped; give the same command again to go on from here.", file=sys.stderr)
            return 130
        print(report.text())
        print(f"{self.output}: shards, report.txt and sheet.png")
        return 0
