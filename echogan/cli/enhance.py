"""`python -m echogan enhance`: one clip, every clip of a folder, or an archive."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.archive.job import ArchiveJob
from echogan.archive.sources import is_table
from echogan.cli.console import progress_bar, stop_on_interrupt
from echogan.cli.enhance_archive import Engine, run_archive
from echogan.cli.enhance_folder import Extras, enhance_folder
from echogan.clips.clip import ClipLimits
from echogan.clips.dicom.directory import is_dicomdir
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import OutputError, SettingsError, UnreadableClip
from echogan.core.geometry import Fan
from echogan.enhance.enhancer import EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT

if TYPE_CHECKING:
    from echogan.enhance.report import Report
    from echogan.model.checkpoints.checkpoint import Checkpoint

MOST_WORKERS, LEAST_MEMORY = 256, 1.0  # GiB
Format = Literal["mp4", "webm", "gif", "npz", "dcm", "png"]


@dataclass
class Enhance:
    """Enhance one clip, or every clip of a folder, of the folders within it, or of a DICOMDIR.

    The format follows OUTPUT's suffix: .mp4, .webm, .gif, .npz, .dcm, and .png for a still; without a suffix, a
    folder of PNG files.
    Exit code: 0 done, 1 some files of the folder failed or are no clips, 2 wrong usage, input or settings, 130
    stopped by Ctrl-C.
    """

    input: Annotated[
        Positional[Path],
        arg(metavar="INPUT", help="DICOM, video, GIF, image, NIfTI, MetaImage, a folder, or a DICOMDIR"),
    ]
    output: Annotated[Positional[Path], arg(metavar="OUTPUT", help="a file; a folder where INPUT is one")]
    model: str = DEFAULT
    """a bundled checkpoint, its folder, or user/model[@revision] on the Hugging Face Hub"""
    settings: OmitArgPrefixes[EnhanceSettings] = field(default_factory=EnhanceSettings)
    limits: OmitArgPrefixes[ClipLimits] = field(default_factory=ClipLimits)
    report: Path | None = None
    """write the report here (.json); a folder where INPUT is one"""
    arrays: Path | None = None
    """write frames, mask and maps as arrays here (.npz); a folder where INPUT is one"""
    figure: Path | None = None
    """write the map figure here (.png); a folder where INPUT is one"""
    trust_card: Path | None = None
    """write the trust card here, as a page (.html) and beside it as a PDF (.pdf); a folder where INPUT is one"""
    keep_identity: bool = False
    """keep the patient's data and burnt-in text in .dcm output"""
    blackout: bool = False
    """black out everything but tissue, in every output"""
    mark: bool = True
    """the words "AI-enhanced, not for diagnosis" in a corner beside the sector of .mp4, .webm, .gif and .png output,
    unless left out; their metadata say so anyway"""
    sector: Annotated[str | None, arg(metavar="FAN")] = None
    """the sector by hand, a fan in pixels and degrees: apex_x,apex_y,left_deg,right_deg,r_min,r_max"""
    format: Format = "mp4"
    """of each output where INPUT is a folder"""
    workers: int | None = None
    """work on INPUT, a folder or a CSV table with a column `path`, as an archive with so many processes: OUTPUT gets a
    report and a thumbnail beside each clip, summary.csv and overview.html, and the same command goes on where it was
    interrupted"""
    engine: Engine = "processes"
    """where these processes are: on this machine, or on the nodes of a Ray cluster, one for each processor without
    --workers; docs/archive.md"""
    worker_memory: float = 6.0
    """GiB of memory that each of these processes may hold"""

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.model.checkpoints.hub import load_checkpoint

        self.settings.check()
        self.limits.check()
        fan = Fan.parse(self.sector) if self.sector is not None else None
        if self.keep_identity and self.blackout:
            raise SettingsError("--keep-identity and --blackout contradict each other. Give one of them.")
        if not self.input.exists():
            raise UnreadableClip(f"There is no file or folder {self.input}. Check the path.")
        if self.input.resolve() == self.output.resolve():
            raise OutputError(f"The output {self.output} is the input. Choose another name.")
        checkpoint = load_checkpoint(self.model)
        with stop_on_interrupt() as cancel:
            if self.engine == "ray" or self.workers is not None or is_table(self.input):
                job = self._archive(checkpoint)
                return run_archive(self.input, self.output, job, self.engine, self.workers, cancel)
            one = partial(self._one, checkpoint=checkpoint, fan=fan, cancel=cancel)
            extras = (self.report, self.arrays, self.figure, self.trust_card)
            if self.input.is_dir() or is_dicomdir(self.input):
                suffix = "" if self.format == "png" else f".{self.format}"
                return enhance_folder(self.input, self.output, extras, suffix, one)
            one(self.input, self.output, extras)
            return 0

    def _archive(self, checkpoint: Checkpoint) -> ArchiveJob:
        """What is to be done with each file. Raises SettingsError."""
        from echogan.enhance.backends.backend import place

        if self.arrays or self.figure or self.report or self.trust_card:
            raise SettingsError(
                "--report, --arrays, --figure and --trust-card do not go with an archive: its reports are beside "
                "its clips."
            )
        if self.workers is not None and not 1 <= self.workers <= MOST_WORKERS:
            raise SettingsError(f"workers is {self.workers}; give a number from 1 to {MOST_WORKERS}.")
        if not LEAST_MEMORY <= self.worker_memory <= 1024:
            raise SettingsError(f"worker_memory is {self.worker_memory:g}; give GiB from 1 to 1024.")
        settings = replace(
            self.settings, backend=place(self.settings.device, self.settings.backend, checkpoint)[1]
        )
        pinned = f"{checkpoint.source.partition('@')[0]}@{checkpoint.revision}"
        return ArchiveJob(
            model=pinned if checkpoint.revision else self.model,
            sha256=checkpoint.sha256,
            settings=settings,
            limits=self.limits,
            write=WriteOptions(keep_identity=self.keep_identity, blackout=self.blackout, mark=self.mark),
            sector=self.sector,
            suffix="" if self.format == "png" else f".{self.format}",
            memory=int(self.worker_memory * 2**30),
        )

    def _one(
        self,
        source: Path,
        target: Path,
        extras: Extras,
        checkpoint: Checkpoint,
        fan: Fan | None,
        cancel: threading.Event,
        label: str = "",
    ) -> None:
        from echogan.clips.files import open_clip
        from echogan.enhance.enhance_file import enhance_file
        from echogan.enhance.outputs import Outputs

        report, arrays, figure, card = extras
        outputs = Outputs([target], arrays, report, figure, card)
        write = WriteOptions(keep_identity=self.keep_identity, blackout=self.blackout, mark=self.mark)
        with progress_bar(f"{label}{target.name}") as progress:
            done = enhance_file(
                open_clip(source, self.limits),
                outputs,
                checkpoint,
                self.settings,
                fan,
                progress,
                cancel,
                write,
            )
        # The output's name, not the input's: that may hold a patient's, and what is printed is often kept.
        print(_summary(target, done))
        for warning in done.warnings:
            print(f"{target.name}: {warning}", file=sys.stderr)


def _summary(target: Path, report: Report) -> str:
    from echogan.trust.map_styles import MAP_STYLES
    from echogan.trust.residuals import UNIT

    frames = f"{report.input['frames']} frames, {report.timing['frames_per_s']:.1f} per second"
    means = [
        f"{MAP_STYLES[name].label.lower()} {found['mean']:.1f}" for name, found in report.diagnostics.items()
    ]
    return f"{target}: {frames}; means in {UNIT}: {', '.join(means)}"
