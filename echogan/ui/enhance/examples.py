"""The example clips: simulated hearts, one per view, made on first use, and the cine that pydicom carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from echogan.core.atomic import replacing
from echogan.phantom_files.single_clip import SimulatedClip
from echogan.ui.session import app_folder

FRAMES = 32
CINE = Path("data/test_files/examples_ybr_color.dcm")  # in pydicom's own folder
_making = threading.Lock()


@dataclass(frozen=True)
class Example:
    """A button's text and its clip; `clip` is None for the recorded cine."""

    label: str
    clip: SimulatedClip | None = None


# To choose others, see the contact sheet that `python -m echogan phantom` makes with --view and --only-artefact.
# A new visitor presses the first one: its difference must be easy to see.
EXAMPLES = (
    Example("Simulated A4C: haze", SimulatedClip("A4C", 6, ("haze", "aberration"))),
    Example("DICOM cine, 30 frames"),
    Example("Simulated A2C: noise", SimulatedClip("A2C", 8, ("noise", "drop_out"))),
    Example("Simulated PLAX: rib shadow", SimulatedClip("PLAX", 2, ("shadow", "attenuation"))),
    Example(
        "Simulated PSAX: blur",
        SimulatedClip("PSAX-PM", 6, ("aberration", "aperture", "smoothing", "near_clutter")),
    ),
)


def example_path(example: Example) -> Path:
    """The clip's file in the app's cache, made if it is not there (any more)."""
    path = app_folder("examples") / ("cine.dcm" if example.clip is None else example.clip.file_name)
    with _making:  # two visitors may press at once
        if path.exists():
            os.utime(path)  # the cache is swept by age
        elif example.clip is None:
            _copy_cine(path)
        else:
            example.clip.write(path, FRAMES)
    return path


def _copy_cine(path: Path) -> None:
    # Found without importing pydicom: only clips/ reads DICOM.
    spec = importlib.util.find_spec("pydicom")
    assert spec is not None, "pydicom is a requirement"
    assert spec.origin is not None
    with replacing(path) as part:
        shutil.copyfile(Path(spec.origin).parent / CINE, part)
