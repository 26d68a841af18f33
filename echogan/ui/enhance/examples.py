"""The examples: simulated hearts with their truth, and the cine that pydicom carries; all visitors share them."""

from __future__ import annotations

import importlib.util
import json
import threading
from dataclasses import replace
from pathlib import Path

from echogan.clips.files import open_clip
from echogan.core.errors import SettingsError
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.phantom_files.examples import EXAMPLES, FOLDER
from echogan.phantom_files.single_clip import SimulatedClip
from echogan.ui.enhance.clip_entry import ClipResult, OpenedClip, Stream
from echogan.ui.enhance.opening import open_for_page, write_tiles
from echogan.ui.session import Sessions

CINE = "Recorded DICOM cine"
CINE_FILE = Path("data/test_files/examples_ybr_color.dcm")  # in pydicom's own folder
PLACE_OF_CINE = 1  # among the examples


def example_names() -> list[str]:
    """The examples in the order of their buttons."""
    names = list(EXAMPLES)
    return [*names[:PLACE_OF_CINE], CINE, *names[PLACE_OF_CINE:]]


def example_path(name: str) -> Path:
    """The file of an example. Raises SettingsError for a name that is none."""
    if name == CINE:
        return _cine_path()
    if name not in EXAMPLES:
        raise SettingsError("There is no such example. Reload the page to see those that there are.")
    return FOLDER / EXAMPLES[name].file_name("degraded")


class Examples:
    """What is kept of the examples: each is opened once, and enhanced once with the first model. Thread-safe."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._folder: Path | None = None
        self._opened: dict[str, OpenedClip] = {}
        self._results: dict[tuple[str, str], ClipResult] = {}
        self._lock = threading.Lock()  # of the dictionaries
        self._opening = threading.Lock()

    def folder(self) -> Path:
        """The folder that all visitors share."""
        with self._lock:
            if self._folder is None or not self._folder.exists():
                self._folder, self._opened, self._results = self.sessions.make_folder(), {}, {}
            return self._folder

    def opened(self, name: str) -> OpenedClip:
        """The example with all its frames. Raises SettingsError, ClipError, OutputError."""
        path, folder = example_path(name), self.folder()
        with self._opening:
            if name not in self._opened:
                place = folder / f"{len(self._opened)}"
                place.mkdir(exist_ok=True)
                self._opened[name] = _open(path, place, EXAMPLES.get(name))
            return self._opened[name]

    def result(self, name: str, checkpoint: Checkpoint) -> ClipResult | None:
        """The example's result with this model, where there is one; "" is no example."""
        with self._lock:
            return self._results.get((name, checkpoint.sha256))

    def keep(self, name: str, result: ClipResult) -> None:
        """Show this result to whoever enhances the example with the same model."""
        with self._lock:
            self._results[name, result.checkpoint.sha256] = result


def _open(path: Path, place: Path, simulated: SimulatedClip | None) -> OpenedClip:
    """Open an example, and write its frames and those of its truth."""
    opened = open_for_page(path, place)
    if simulated is not None:
        spacing = json.loads((FOLDER / simulated.facts_name).read_text(encoding="utf-8"))["spacing_mm"]
        truth = open_clip(FOLDER / simulated.file_name("clean"))
        opened = replace(
            opened,
            clip=replace(opened.clip, spacing_mm=(spacing, spacing)),
            truth=Stream(place / "truth"),
        )
        assert opened.truth is not None
        write_tiles(truth, opened.truth, threading.Event())
    return replace(opened, clip=write_tiles(opened.clip, opened.original, threading.Event()))


def _cine_path() -> Path:
    # Found without importing pydicom: only clips/ reads DICOM.
    spec = importlib.util.find_spec("pydicom")
    assert spec is not None, "pydicom is a requirement"
    assert spec.origin is not None
    return Path(spec.origin).parent / CINE_FILE
