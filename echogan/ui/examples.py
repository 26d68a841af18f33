"""The example clips: two simulated hearts, made on first use from fixed seeds, and the cine that pydicom carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.render import phantom_clip
from echogan.ui.session import app_folder

FRAMES = 32
CINE = Path("data/test_files/examples_ybr_color.dcm")  # in pydicom's own folder
_making = threading.Lock()


@dataclass(frozen=True)
class Example:
    """A button's text and its clip; `seed` is None for the recorded cine."""

    label: str
    seed: int | None = None


EXAMPLES = (
    Example("DICOM cine, 30 frames"),
    Example("Simulated heart A", seed=7),
    Example("Simulated heart B", seed=19),
)


def example_path(example: Example) -> Path:
    """The clip's file in the app's cache, made if it is not there (any more)."""
    name = "cine.dcm" if example.seed is None else f"phantom-{PHANTOM_VERSION}-{example.seed}.mp4"
    path = app_folder("examples") / name
    with _making:  # two visitors may press at once
        if path.exists():
            os.utime(path)  # the cache is swept by age
        elif example.seed is None:
            _copy_cine(path)
        else:
            _write_phantom(path, example.seed)
    return path


def _copy_cine(path: Path) -> None:
    # Found without importing pydicom: only the clips room reads DICOM.
    spec = importlib.util.find_spec("pydicom")
    assert spec is not None, "pydicom is a requirement"
    assert spec.origin is not None
    part = path.with_suffix(".part")
    shutil.copyfile(Path(spec.origin).parent / CINE, part)
    part.replace(path)


def _write_phantom(path: Path, seed: int) -> None:
    phantom = phantom_clip(seed, frames=FRAMES, want=("degraded",))
    assert phantom.degraded is not None
    array = phantom.degraded.numpy()
    count, height, width = array.shape
    like = ClipFile(
        path, "video", count, height, width, phantom.truth["frame_rate"], False, lambda: iter(array)
    )
    write_clip(path, iter(array), like)
