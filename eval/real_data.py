"""The real clips and stills beside the project, and where a CAMUS still has its fan."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from echogan.core.geometry import Fan


def camus_fan(image: np.ndarray) -> Fan:
    """The fan of a CAMUS still: its apex is the middle of the first row, black lies outside it.

    The angles are the medians over rows of where the first and last lit pixels lie.
    """
    height, width = image.shape
    apex = ((width - 1) / 2, -1.0)
    rows = np.arange(height // 6, height // 2)
    lit = image[rows] > 0
    left, right = lit.argmax(1), width - 1 - lit[:, ::-1].argmax(1)
    edges = [float(np.median(np.degrees(np.arctan2(x - apex[0], rows + 1)))) for x in (left, right)]
    return Fan(apex, edges[0], edges[1], 2.0, float(height))


def real_clips(folder: Path) -> Iterator[tuple[Path, str]]:
    """The real clips at hand and their grade, Good or Poor: those in `folder`, and pydicom's own cine."""
    for name, grade in (
        ("good_a4c.gif", "Good"),
        ("plot_of_a_clip.mp4", "Good"),
        ("poor_stress.gif", "Poor"),
    ):
        if (folder / name).is_file():
            yield folder / name, grade
    package = importlib.util.find_spec("pydicom")
    if package is not None and package.origin is not None:
        cine = Path(package.origin).parent / "data" / "test_files" / "examples_ybr_color.dcm"
        if cine.is_file():
            yield cine, "Good"
