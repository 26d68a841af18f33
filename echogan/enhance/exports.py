"""Files made on demand from a stored result, at any strength, without running the network again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from echogan.clips.dicom.writer import fits_dicom
from echogan.clips.files import open_writer
from echogan.clips.formats.npz_writer import NpzStream
from echogan.clips.write_options import Enhancement, WriteOptions, black_outside
from echogan.core.atomic import output_errors, write_whole
from echogan.core.errors import Cancelled, SettingsError
from echogan.enhance.card_files import write_card_page, write_card_pdf
from echogan.enhance.enhance_file import NOT_BLACKENED, enhancement
from echogan.enhance.export_names import export_name
from echogan.enhance.outputs import ResultArrays
from echogan.enhance.report import Report
from echogan.enhance.side_by_side import ORIGINAL, SideBySide, enhanced_title
from echogan.enhance.stored_result import StoredResult

ExportKind = Literal[
    "mp4", "side_by_side", "png", "gif", "dicom", "npz", "report", "figure", "card_page", "card_pdf"
]
Progress = Callable[[int, int], None]

_NAMES = {
    "mp4": ("enhanced", ".mp4"),
    "png": ("enhanced", ".png"),
    "gif": ("enhanced", ".gif"),
    "dicom": ("enhanced", ".dcm"),
    "npz": ("enhanced", ".npz"),
    "side_by_side": ("side_by_side", ".mp4"),
    "report": ("report", ".json"),
    "figure": ("maps", ".png"),
    "card_page": ("trust_card", ".html"),
    "card_pdf": ("trust_card", ".pdf"),
}


@dataclass(frozen=True)
class ExportRequest:
    """Which file to make of a result.

    strength   share of the change, 0 to 1
    mark       whether the words "AI-enhanced, not for diagnosis" are drawn; the metadata have them anyway
    blackout   whether everything but tissue is black; a DICOM file is so anyway
    stem       what the file's name begins with; see `export_stem`
    keep       whether the original is kept where the result is flagged; without flags there is nothing to keep
    """

    stored: StoredResult
    kind: ExportKind
    strength: float
    mark: bool
    blackout: bool
    stem: str
    keep: bool = False

    def check(self) -> None:
        """Raise SettingsError for a kind that this clip cannot have, or a strength out of its range."""
        if not 0 <= self.strength <= 1:
            raise SettingsError(f"The strength is {self.strength:g}; give a number from 0 to 1.")
        if self.kind not in get_args(ExportKind):
            raise SettingsError(
                f"There is no export '{self.kind}'. Choose {', '.join(get_args(ExportKind))}."
            )
        if self.kind not in export_kinds(self.stored):
            raise SettingsError(_REASONS[self.kind])
        if needs_trust(self.kind, self.keep) and not self.stored.trusted:
            raise SettingsError(NOT_CHECKED)
        if self.keep and self.stored.flags is None:
            raise SettingsError(NO_FLAGS)

    @property
    def name(self) -> str:
        """The file's name."""
        what, suffix = _NAMES[self.kind]
        still = self.kind == "side_by_side" and self.stored.clip.frames == 1
        return export_name(self.stem, what, self.stored.checkpoint.name, ".png" if still else suffix)

    @property
    def made_by(self) -> Enhancement:
        """What the file says of its making."""
        return enhancement(self.stored.checkpoint, self.strength, self.keep)

    @property
    def options(self) -> WriteOptions:
        """How the writers write it: never with identity."""
        return WriteOptions(
            blackout=self.blackout,
            mark=self.mark,
            strip=True,
            description=self.made_by.sentence,
            software_version=self.made_by.version,
            enhancement=self.made_by,
        )


NOT_CHECKED = (
    "The trust card of this result is not made yet. Wait for it; where that was stopped, enhance again."
)
NO_FLAGS = "Nothing is flagged in this result: its network has no calibration."
_REASONS = {
    "mp4": "A still has no video. Choose PNG.",
    "gif": "A still has no animation. Choose PNG.",
    "png": "A PNG file holds one frame. Choose MP4.",
    "dicom": "The clip is too long for one DICOM file (4 GiB). Choose MP4, or cut the clip.",
}


def export_kinds(stored: StoredResult) -> list[ExportKind]:
    """What can be made of a result, in the order of its likely use: PNG of a still, video of a clip."""
    pictures: list[ExportKind] = (
        ["png", "side_by_side"] if stored.clip.frames == 1 else ["mp4", "side_by_side", "gif"]
    )
    dicom: list[ExportKind] = ["dicom"] if fits_dicom(stored.clip) else []
    return [*pictures, *dicom, "npz", "report", "figure", "card_page", "card_pdf"]


def needs_trust(kind: ExportKind, keep: bool) -> bool:
    """Whether an export needs flags or trust card, which come last. `keep` as in `ExportRequest`."""
    return keep or kind in ("npz", "report", "card_page", "card_pdf")


def make_export(
    request: ExportRequest,
    folder: Path,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Path:
    """Make the file in `folder`, in place of an older one of its name. Memory does not grow with the clip's length.

    progress   called as progress(done, total) with numbers of frames
    Raises SettingsError, ClipError, OutputError, or Cancelled once `cancel` is set; then nothing is left.
    """
    request.check()
    target = folder / request.name
    stored = request.stored
    with _steps(stored.clip.frames, progress, cancel) as step:
        if request.kind == "report":
            _report(request).write(target)
        elif request.kind == "figure":
            with output_errors(target):
                figure = stored.figure(request.strength, request.keep)
            write_whole(target, figure)
        elif request.kind == "card_page":
            write_card_page(target, stored.card_of(request.keep), stored.card_picture())
        elif request.kind == "card_pdf":
            write_card_pdf(target, stored.card_of(request.keep), stored.card_picture())
        elif request.kind == "npz":
            _write_arrays(request, target, step)
        elif request.kind == "side_by_side":
            _write_side_by_side(request, target, step)
        else:
            _write_clip(request, target, step)
    return target


def _report(request: ExportRequest) -> Report:
    report = request.stored.report_at(request.strength, request.keep)
    if request.blackout and request.stored.sector.kind == "whole":
        report = replace(report, warnings=[*report.warnings, NOT_BLACKENED])
    return report


Step = Callable[[], None]
"""Called after each frame; raises Cancelled."""


@contextmanager
def _steps(frames: int, progress: Progress | None, cancel: threading.Event | None) -> Iterator[Step]:
    """Count frames, so that the last call of `progress` says that all are done."""
    done = 0

    def check() -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled("Stopped; nothing was written.")

    def step() -> None:
        nonlocal done
        done += 1
        check()
        if progress is not None and done < frames:
            progress(done, frames)

    check()
    yield step
    if progress is not None:
        progress(frames, frames)


def _write_clip(request: ExportRequest, target: Path, step: Step) -> None:
    stored = request.stored
    with open_writer(target, stored.clip, stored.sector, request.options) as writer:
        for _, enhanced in stored.frames(request.strength, request.keep):
            writer.write(enhanced)
            step()


def _write_side_by_side(request: ExportRequest, target: Path, step: Step) -> None:
    """Both frames whole, and the mark as the name of the enhanced one, where it can cover nothing."""
    clip, tissue = request.stored.clip, request.stored.sector.tissue_mask
    made_by = f"{request.made_by.model}, {request.made_by.applied}"
    panes = SideBySide(clip.height, clip.width, [(ORIGINAL,), (enhanced_title(request.mark), made_by)])
    height, width = panes.size
    like = replace(clip, height=height, width=width)
    options = replace(request.options, blackout=False, mark=False)  # both are done here
    with open_writer(target, like, None, options) as writer:
        for pair in request.stored.frames(request.strength, request.keep):
            shown = (black_outside(frame, tissue) for frame in pair) if request.blackout else pair
            writer.write(panes.frame(*shown))
            step()


def _write_arrays(request: ExportRequest, target: Path, step: Step) -> None:
    """As `Outputs.arrays`; a difference at less than full strength is a share of the stored one, float16."""
    stored = request.stored
    with NpzStream(target) as file, output_errors(target):
        thresholds = None if stored.flags is None else (stored.flags.amber, stored.flags.red)
        arrays = ResultArrays(file, stored.prepared, request.options, thresholds)
        given = request.strength, request.keep
        frames = zip(stored.frames(*given), stored.maps(*given), stored.flag_arrays(), strict=True)
        for (original, enhanced), maps, flags in frames:
            one = {name: image[None] for name, image in (maps | flags).items()}
            arrays.add(original[None], enhanced[None], one)
            step()
        arrays.finish()
