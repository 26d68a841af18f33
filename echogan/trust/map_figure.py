"""The figure of one result: mean images, mean maps and per-frame curves. Scales are fixed."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from echogan.core.notice import MARK
from echogan.trust.map_styles import MAP_STYLES
from echogan.trust.residuals import UNIT

CURVE_TOPS = (32, 64, 128, 256)  # the first that holds the curves, so that most clips share one scale


def map_figure(
    images: dict[str, np.ndarray],
    maps: dict[str, np.ndarray],
    curves: dict[str, Sequence[float]],
    caption: str,
) -> bytes:
    """The map figure as PNG bytes.

    images   title -> mean grey image (H, W), 0 to 255, NaN where nothing is shown
    maps     name in MAP_STYLES -> mean of its absolute values (h, w) in grey levels, NaN outside the sector
    curves   name in MAP_STYLES -> one mean per frame, in grey levels
    """
    height, width = next(iter(maps.values())).shape
    columns = len(images) + len(maps)
    panels = min(3.0 * height / width, 6.0) + 1.0  # inches: three wide, and space for title and colour bar
    figure = Figure(figsize=(3 * columns, panels + 3.0), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, columns, height_ratios=(panels, 2.7))
    for column, (title, image) in enumerate(images.items()):
        _panel(figure, grid[0, column], image, title, "gray", 255, "grey level")
    for column, (name, values) in enumerate(maps.items(), start=len(images)):
        style = MAP_STYLES[name]
        title = f"mean {style.magnitude}"
        _panel(figure, grid[0, column], values, title, style.magnitude_colormap, style.high, UNIT)
    axes = figure.add_subplot(grid[1, :])
    for name, curve in curves.items():
        label = MAP_STYLES[name].magnitude
        axes.plot(range(len(curve)), curve, marker="." if len(curve) < 2 else None, label=label)
    most = max(max(curve) for curve in curves.values())
    top = next(top for top in CURVE_TOPS if top >= most)
    axes.set(xlabel="frame", ylabel=f"mean inside the tissue\n[{UNIT}]", ylim=(0, top))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.supxlabel(caption, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None, "Title": MARK, "Comment": caption})
    return buffer.getvalue()


def _panel(figure, cell, values, title, colormap, high, unit) -> None:
    axes = figure.add_subplot(cell)
    axes.set_facecolor("black")
    shown = axes.imshow(values, cmap=colormap, vmin=0, vmax=high, interpolation="nearest")
    axes.set_title(title, fontsize=10)  # the longest just fits over its image
    axes.set(xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes, orientation="horizontal", label=unit, shrink=0.9)
