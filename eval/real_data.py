"""The real clips and stills beside the project, and the fans that are known of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from echogan.core.geometry import Fan


def camus_fan(image: np.ndarray) -> Fan:
    """The fan of a CAMUS still, uint8 (h, w), in pixels. Its apex is the middle of the first row; outside is black.

    The angles are the medians over rows of where the first and the last lit pixels lie.
    """
    height, width = image.shape
    apex = ((width - 1) / 2, -1.0)
    rows = np.arange(height // 6, height // 2)
    lit = image[rows] > 0
    left, right = lit.argmax(1), width - 1 - lit[:, ::-1].argmax(1)
    edges = [float(np.median(np.degrees(np.arctan2(x - apex[0], rows + 1)))) for x in (left, right)]
    return Fan(apex, edges[0], edges[1], 2.0, float(height))


def fan_of_regions(given: dict[str, Any]) -> Fan:
    """The fan that the regions.json of the hazy clips gives, in pixels and degrees."""
    x, y = (float(value) for value in given["apex"])
    return Fan((x, y), given["left_deg"], given["right_deg"], float(given["r_min"]), float(given["r_max"]))


def real_clips(folder: Path) -> Iterator[tuple[Path, str]]:
    """(path, grade) of the real clips in `folder` that are there, and of pydicom's cine; a grade is Good or Poor."""
    for name, grade in (
        ("good_a4c.gif", "Good"),
        ("plot_of_a_clip.mp4", "Good"),
        ("poor_stress.gif", "Poor"),
    ):
        if (folder / name).is_file():
            yield folder / name, grade
    if cine := pydicom_cine():
        yield cine, "Good"


def pydicom_cine() -> Path | None:
    """The real echo cine that comes with pydicom; None where pydicom is not installed."""
    package = importlib.util.find_spec("pydicom")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / "test_files" / "examples_ybr_color.dcm"
    return path if path.is_file() else None
