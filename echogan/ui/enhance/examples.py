"""The example clips: simulated hearts, one per view, made on first use, and the cine that pydicom carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from echogan.core.atomic import replacing
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.anatomy.heart import View
from echogan.phantom.render import phantom_clip
from echogan.phantom_files.files import write_grey
from echogan.phantom_files.pairs import PairSettings
from echogan.ui.session import app_folder

FRAMES = 32
CINE = Path("data/test_files/examples_ybr_color.dcm")  # in pydicom's own folder
_making = threading.Lock()


@dataclass(frozen=True)
class Simulated:
    """A simulated clip: the same as `python -m echogan phantom OUT --clips 1` makes with these settings."""

    view: View
    seed: int
    artefacts: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Another clip or another phantom has another name."""
        return "-".join(["phantom", PHANTOM_VERSION, self.view, str(self.seed), *self.artefacts]) + ".mp4"


@dataclass(frozen=True)
class Example:
    """A button's text and its clip; `clip` is None for the recorded cine."""

    label: str
    clip: Simulated | None = None


# To choose others, look at the sheet that `python -m echogan phantom` makes with --view and --only-artefact.
# The first one is what a newcomer presses: the difference must be plain to see.
EXAMPLES = (
    Example("Simulated A4C: haze", Simulated("A4C", 6, ("haze", "aberration"))),
    Example("DICOM cine, 30 frames"),
    Example("Simulated A2C: noise", Simulated("A2C", 8, ("noise", "drop_out"))),
    Example("Simulated PLAX: rib shadow", Simulated("PLAX", 2, ("shadow", "attenuation"))),
    Example(
        "Simulated PSAX: blur",
        Simulated("PSAX-PM", 6, ("aberration", "aperture", "smoothing", "near_clutter")),
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
            _write_phantom(path, example.clip)
    return path


def _copy_cine(path: Path) -> None:
    # Found without importing pydicom: only the clips room reads DICOM.
    spec = importlib.util.find_spec("pydicom")
    assert spec is not None, "pydicom is a requirement"
    assert spec.origin is not None
    with replacing(path) as part:
        shutil.copyfile(Path(spec.origin).parent / CINE, part)


def _write_phantom(path: Path, wanted: Simulated) -> None:
    settings = PairSettings(only_artefact=wanted.artefacts).phantom()
    clip = phantom_clip(wanted.seed, settings, FRAMES, want=("degraded",), view=wanted.view)
    write_grey(path, clip, "degraded")
