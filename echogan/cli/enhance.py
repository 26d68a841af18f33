"""`python -m echogan enhance`: one clip, or every clip of a folder."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.cli.console import make_folder, progress_bar, stop_on_interrupt
from echogan.clips.clip import ClipLimits
from echogan.core.errors import Cancelled, EchoGANError, OutputError, SettingsError, UnreadableClip
from echogan.core.geometry import Fan
from echogan.enhance.enhancer import EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT

if TYPE_CHECKING:
    from echogan.enhance.report import Report
    from echogan.model.checkpoints.checkpoint import Checkpoint

Format = Literal["mp4", "webm", "gif", "npz", "dcm", "png"]


@dataclass
class Enhance:
    """Enhance one clip, or every clip of a folder (sub-folders are left alone).

    The format follows OUTPUT's suffix: .mp4, .webm, .gif, .npz, .dcm, and .png for a still; without a suffix, a
    folder of PNG files.
    Exit code: 0 done, 1 some files of the folder failed, 2 wrong usage, input or settings, 130 stopped by
    Ctrl-C.
    """

    input: Annotated[Positional[Path], arg(metavar="INPUT", help="DICOM, video, GIF, image, or a folder")]
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
    keep_identity: bool = False
    """keep the patient's data and burnt-in text in .dcm output"""
    blackout: bool = False
    """black out everything but tissue, in every output"""
    mark: bool = True
    """draw "AI-enhanced, not for diagnosis" in a corner beside the sector of .mp4, .webm, .gif and .png output; their
    metadata say so anyway"""
    sector: Annotated[str | None, arg(metavar="FAN")] = None
    """the sector by hand, a fan in pixels and degrees: apex_x,apex_y,left_deg,right_deg,r_min,r_max"""
    format: Format = "mp4"
    """of each output where INPUT is a folder"""

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
            if self.input.is_dir():
                return self._folder(checkpoint, fan, cancel)
            self._one(
                self.input, self.output, (self.report, self.arrays, self.figure), checkpoint, fan, cancel
            )
            return 0

    def _one(
        self,
        source: Path,
        target: Path,
        extras: tuple[Path | None, Path | None, Path | None],
        checkpoint: Checkpoint,
        fan: Fan | None,
        cancel: threading.Event,
    ) -> None:
        from echogan.clips.files import open_clip
        from echogan.clips.write_options import WriteOptions
        from echogan.enhance.enhance_file import enhance_file
        from echogan.enhance.outputs import Outputs

        report, arrays, figure = extras
        outputs = Outputs(clips=[target], report=report, arrays=arrays, figure=figure)
        write = WriteOptions(keep_identity=self.keep_identity, blackout=self.blackout, mark=self.mark)
        with progress_bar(target.name) as progress:
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

    def _folder(self, checkpoint: Checkpoint, fan: Fan | None, cancel: threading.Event) -> int:
        sources = sorted(path for path in self.input.iterdir() if path.is_file() and path.name[0] != ".")
        if not sources:
            raise UnreadableClip(f"The folder {self.input} holds no files. Give a folder of clips.")
        folders = [f for f in (self.output, self.report, self.arrays, self.figure) if f is not None]
        made = [folder for folder in folders if not folder.exists()]
        for folder in folders:
            make_folder(folder)
        suffix = "" if self.format == "png" else f".{self.format}"
        failed = 0
        for source, name in zip(sources, output_names(sources), strict=True):
            extras = (
                self.report and self.report / f"{name}.json",
                self.arrays and self.arrays / f"{name}.npz",
                self.figure and self.figure / f"{name}.png",
            )
            target = self.output / f"{name}{suffix}"
            try:
                if self.format == "png":  # a folder that is there: a dot in its name is no suffix
                    target.mkdir(exist_ok=True)
                self._one(source, target, extras, checkpoint, fan, cancel)
            except BaseException as error:
                if self.format == "png":
                    with contextlib.suppress(OSError):
                        target.rmdir()
                if isinstance(error, Cancelled) or not isinstance(error, EchoGANError | OSError):
                    raise
                failed += 1
                print(f"{source.name}: {error}", file=sys.stderr)
        if failed:
            others = "; the others are done" if failed < len(sources) else ", so nothing was written"
            print(f"{failed} of {len(sources)} files failed{others}.", file=sys.stderr)
        for folder in made if failed == len(sources) else ():
            with contextlib.suppress(OSError):
                folder.rmdir()
        return 1 if failed else 0


def output_names(sources: list[Path]) -> list[str]:
    """A name for each source, unlike all others even where case does not count: the stem, and if two files
    share it, the whole file name with `_` for the dot."""
    stems = [_stem(source) for source in sources]
    folded = [stem.casefold() for stem in stems]
    names: list[str] = []
    taken: set[str] = set()
    for source, stem in zip(sources, stems, strict=True):
        wanted = stem if folded.count(stem.casefold()) == 1 else source.name.replace(".", "_")
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _stem(path: Path) -> str:
    # DICOM files are often named by a UID: the digits after its last dot are no suffix.
    return path.name if path.suffix[1:].isdigit() else path.stem


def _summary(target: Path, report: Report) -> str:
    from echogan.trust.map_styles import MAP_STYLES
    from echogan.trust.residuals import UNIT

    frames = f"{report.input['frames']} frames, {report.timing['frames_per_s']:.1f} per second"
    means = [
        f"{MAP_STYLES[name].label.lower()} {found['mean']:.1f}" for name, found in report.diagnostics.items()
    ]
    return f"{target}: {frames}; means in {UNIT}: {', '.join(means)}"
