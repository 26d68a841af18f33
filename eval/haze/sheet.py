"""The contact sheet of the hazy clips: original, enhanced, a classical filter and the difference, one row per clip.

The dotted line is the sector as found. Thin lines are the measured regions: blue the hazy cavity, orange the septum.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from echogan.trust.map_styles import MAP_STYLES

DIFFERENCE = MAP_STYLES["difference"]
COLOURS = {"cavity": "#4cc9f0", "wall": "#ffb703"}


@dataclass(frozen=True)
class Panel:
    """One frame of a clip: each method's output by name, uint8 (h, w); the regions and the sector, bool (h, w)."""

    outputs: dict[str, np.ndarray]
    regions: dict[str, np.ndarray]
    sector: np.ndarray


def draw_sheet(panels: dict[str, Panel], network: str, classical: str, out: Path) -> None:
    """Write a PNG with one row of pictures per clip. All scales are fixed."""
    titles = ("original", network, classical, f"{network} - original, to {DIFFERENCE.high:g}")
    figure, axes = plt.subplots(
        len(panels), len(titles), figsize=(3.4 * len(titles), 3.4 * len(panels) + 0.3),
        facecolor="black", squeeze=False,
    )  # fmt: skip
    for line, (name, panel) in zip(axes, panels.items(), strict=True):
        before, after = panel.outputs["input"], panel.outputs[network]
        grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
        for axis, image in zip(line, (before, after, panel.outputs[classical]), strict=False):
            axis.imshow(image, **grey)
        difference = np.where(after == before, np.nan, after.astype(float) - before)
        line[3].imshow(difference, cmap="berlin", vmin=DIFFERENCE.low, vmax=DIFFERENCE.high)
        for axis in line:
            _outline(axis, panel.regions)
            axis.axis("off")
        line[0].contour(panel.sector, levels=[0.5], colors="#8a8f94", linewidths=0.5, linestyles="dotted")
        line[0].text(4, 14, f"clip {name}", color="white", fontsize=9)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, color="#c8ccd0", fontsize=10)
    figure.subplots_adjust(0.003, 0.003, 0.997, 1 - 0.3 / (3.4 * len(panels) + 0.3), 0.01, 0.01)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100)
    plt.close(figure)


def _outline(axis: Axes, regions: dict[str, np.ndarray]) -> None:
    """Draw the outlines of the regions as thin lines."""
    for kind, region in regions.items():
        axis.contour(region, levels=[0.5], colors=COLOURS[kind], linewidths=0.5)
