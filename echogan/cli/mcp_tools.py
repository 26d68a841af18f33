"""What the MCP tools do: clips of one folder become new folders of results. Nothing of the protocol is here."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from echogan.clips.clip import ClipLimits
from echogan.clips.guard.guard import look
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import CheckpointNotFound, OutputError, UnreadableClip
from echogan.core.notice import IN_FULL
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.export_names import export_name, export_stem
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.model.checkpoints.checkpoint import Checkpoint, bundled_checkpoints, read_checkpoint
from echogan.ui.models.model_facts import facts_of

ADDRESS = re.compile(r"\s*(data:|[a-z][a-z0-9+.-]*:/)", re.I)
NO_ADDRESSES = "Addresses and encoded files are not taken: give the path of a file in the folder of clips."
Progress = Callable[[int, int], None]
Name = Callable[[str, str], Path]
"""Where an output goes: of what it is, and its suffix."""


@dataclass(frozen=True)
class Result:
    """What a tool answers of a clip. It holds no picture and nothing of a DICOM header.

    files         what was written: kind -> path
    model         name of the checkpoint; `sha256` of its weights
    strength      share of the change that is applied, 0 to 1
    sector        how the sector was found, and `confidence` of that, 0 to 1
    mean_changes  every map by its name: mean of its absolute values over the tissue, in grey levels (0 to 255)
    trust         the findings of the trust card, a line each
    """

    files: dict[str, str]
    model: str
    sha256: str
    strength: float
    frames: int
    seconds: float
    sector: str
    confidence: float
    mean_changes: dict[str, float]
    trust: list[str]
    warnings: list[str]
    notice: str = IN_FULL


class ClipTools:
    """The tools. Paths are those of files in `clips` or below it; each result is a new folder in `results`.

    first        the name of the model that is used where none is named
    checkpoint   the model of that name, offered besides the bundled ones
    """

    def __init__(
        self, clips: Path, results: Path, first: str, checkpoint: Checkpoint, limits: ClipLimits | None = None
    ) -> None:
        self.clips, self.results, self.first = clips.resolve(), results.resolve(), first
        self.limits = limits
        self._loaded = {first: checkpoint}
        self._unfinished: set[Path] = set()

    def models(self) -> list[dict[str, Any]]:
        """What is known of each model that can be named, the first one first."""
        bundled = {folder.name: folder for folder in bundled_checkpoints()}
        folders = {self.first: self._loaded[self.first].folder} | bundled
        facts = (
            facts_of(name, "bundled" if name in bundled else "added", folder)
            for name, folder in folders.items()
            if folder is not None
        )
        return [one.told() for one in facts if one is not None]

    def enhance(
        self,
        file: str,
        model: str,
        strength: float,
        keep_original: bool,
        progress: Progress,
        cancel: threading.Event,
    ) -> Result:
        """Write the enhanced clip and its report. Raises EchoGANError; then nothing is left."""
        settings = EnhanceSettings(strength=strength, keep_original=keep_original)

        def wanted(name: Name) -> Outputs:
            return Outputs(clips=[name("enhanced", ".mp4")], report=name("report", ".json"))

        return self._write(file, model, settings, wanted, progress, cancel)

    def diagnose(self, file: str, model: str, progress: Progress, cancel: threading.Event) -> Result:
        """Write the maps, the trust card and the report. Raises EchoGANError; then nothing is left."""

        def wanted(name: Name) -> Outputs:
            card = name("trust_card", ".pdf")
            return Outputs(figure=name("maps", ".png"), trust_card=card, report=name("report", ".json"))

        return self._write(file, model, EnhanceSettings(), wanted, progress, cancel)

    def discard(self) -> None:
        """Remove what is being written, when the process is about to end."""
        for folder in list(self._unfinished):
            shutil.rmtree(folder, ignore_errors=True)

    def _write(
        self,
        file: str,
        model: str,
        settings: EnhanceSettings,
        wanted: Callable[[Name], Outputs],
        progress: Progress,
        cancel: threading.Event,
    ) -> Result:
        settings.check()
        path, model = self._clip_at(file), model or self.first
        checkpoint = self._checkpoint(model)
        seen = look(path, self.limits, cancel)  # in a child: a bad file does not end the server
        dicom = seen.clip.kind == "dicom"
        stem = export_stem(seen.clip, path.name, blackout=dicom)
        with self._new_folder(stem) as folder:
            outputs = wanted(lambda what, suffix: folder / export_name(stem, what, checkpoint.name, suffix))
            options = WriteOptions(blackout=dicom)
            report = enhance_file(
                seen.clip, outputs, checkpoint, settings, seen.sector, progress, cancel, options
            )
        return _result(outputs, report, model)

    def _clip_at(self, file: str) -> Path:
        """The file of that path, relative to the folder of clips or absolute. Raises UnreadableClip."""
        if ADDRESS.match(file):
            raise UnreadableClip(NO_ADDRESSES)
        try:
            # Links are followed first, so that none leads out of the folder.
            path = (self.clips / Path(file).expanduser()).resolve()
            inside, there = path.is_relative_to(self.clips), path.is_file()
        except (OSError, ValueError, RuntimeError):
            raise UnreadableClip("This is no path: give that of a file in the folder of clips.") from None
        if not inside:
            raise UnreadableClip(
                f"'{Path(file).name}' is outside the folder of clips: only files in it are read."
            )
        if not there:
            raise UnreadableClip(f"There is no file '{path.name}' at this path in the folder of clips.")
        return path

    def _checkpoint(self, model: str) -> Checkpoint:
        """The model of that name, read once. Raises CheckpointError."""
        if model not in self._loaded:
            folders = {folder.name: folder for folder in bundled_checkpoints()}
            if model not in folders:
                names = ", ".join(dict.fromkeys([self.first, *folders]))
                raise CheckpointNotFound(f"There is no model called '{model[:80]}'. Choose one of {names}.")
            self._loaded[model] = read_checkpoint(folders[model], source=model)
        return self._loaded[model]

    @contextmanager
    def _new_folder(self, name: str) -> Iterator[Path]:
        """A folder of that name, or name_2 and so on, that was not there; where the block fails it goes with all in it.

        Raises OutputError where it cannot be made.
        """
        for number in count(1):
            folder = self.results / (name if number == 1 else f"{name}_{number}")
            try:
                folder.mkdir(parents=True)
                break
            except FileExistsError:
                continue
            except OSError as error:
                raise OutputError(
                    f"No folder can be made in the folder of results ({error.strerror}): check its permissions and "
                    "the free space."
                ) from None
        self._unfinished.add(folder)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._unfinished.discard(folder)


def _result(outputs: Outputs, report: Report, model: str) -> Result:
    named = {
        "enhanced": outputs.clips[0] if outputs.clips else None,
        "maps": outputs.figure,
        "trust_card": outputs.trust_card,
        "report": outputs.report,
    }
    findings = report.trust.get("findings", ())
    return Result(
        files={name: str(path) for name, path in named.items() if path is not None},
        model=model,
        sha256=report.model["sha256"],
        strength=report.strength,
        frames=report.input["frames"],
        seconds=report.timing["total_s"],
        sector=report.sector["kind"],
        confidence=report.sector["confidence"],
        mean_changes={name: numbers["mean"] for name, numbers in report.diagnostics.items()},
        trust=[f"{one['label']}: {one['text'] or one['sentence']}" for one in findings],
        warnings=report.warnings,
    )
