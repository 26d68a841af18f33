"""Pictures of the diagnostics: maps as colour frames for the player, and the map figure. Scales are fixed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

CURVE_TOPS = (32, 64, 128, 256)  # the first that holds the curves, so that most clips share one scale
DIM = 0.45  # brightness that is left of the grey image under a map


@dataclass(frozen=True)
class MapStyle:
    """How one diagnostic is coloured: the same on every frame of every clip.

    low, high   the ends of the scale, in grey levels (0 to 255)
    solid_at    |value| from which the map covers the image; nearer to zero the image shines through
    """

    label: str
    colormap: str
    low: float
    high: float
    solid_at: float

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """Colour float32 (256, 3) in 0 to 255 and opacity float32 (256, 1) in 0 to 1, from low to high."""
        colours = matplotlib.colormaps[self.colormap](np.linspace(0, 1, 256))[:, :3] * 255
        values = np.linspace(self.low, self.high, 256)
        opacity = np.clip(np.abs(values) / self.solid_at, 0, 1) * 0.9
        return colours.astype(np.float32), opacity.astype(np.float32)[:, None]

    def legend(self, steps: int = 9) -> list[str]:
        """CSS colours from low to high, for a colour bar beside the player."""
        colours = matplotlib.colormaps[self.colormap](np.linspace(0, 1, steps))
        return [to_hex(colour) for colour in colours]


MAP_STYLES = {
    "difference": MapStyle("enhanced − original [grey levels]", "bwr", -64, 64, 16),
    "cycle_error": MapStyle("cycle-reconstruction error [grey levels]", "inferno", 0, 32, 8),
}


class MapPainter:
    """Lays one kind of map over dimmed grey frames."""

    def __init__(self, style: MapStyle):
        self.style = style
        colours, opacity = style.table()
        self._ink, self._clear = colours * opacity, 1 - opacity

    def paint(self, image: np.ndarray, values: np.ndarray, tissue: np.ndarray) -> np.ndarray:
        """Colour `values` float32 (H, W) over `image` uint8 (H, W) where `tissue`: uint8 (H, W, 3)."""
        span = self.style.high - self.style.low
        index = np.clip(np.rint((values - self.style.low) * (255 / span)), 0, 255).astype(np.uint8)
        dimmed = image.astype(np.float32)[..., None] * DIM
        painted = np.where(tissue[..., None], self._ink[index] + self._clear[index] * dimmed, dimmed)
        return painted.astype(np.uint8)


def map_figure(
    images: dict[str, np.ndarray],
    maps: dict[str, np.ndarray],
    curves: dict[str, Sequence[float]],
    caption: str,
) -> bytes:
    """The map figure as PNG bytes.

    images   title -> mean grey image (H, W), 0 to 255, NaN where nothing is shown
    maps     name in MAP_STYLES -> mean map (h, w) in grey levels, NaN outside the sector
    curves   name in MAP_STYLES -> one mean per frame, in grey levels
    """
    height, width = next(iter(maps.values())).shape
    panels = min(3.0 * height / width, 6.0) + 1.0  # inches: three wide, and room for title and colour bar
    figure = Figure(figsize=(12, panels + 3.0), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, len(images) + len(maps), height_ratios=(panels, 2.7))
    for column, (title, image) in enumerate(images.items()):
        _panel(figure, grid[0, column], image, title, "gray", 0, 255, "grey level")
    for column, (name, values) in enumerate(maps.items(), start=len(images)):
        style = MAP_STYLES[name]
        # The mean map is of absolute values, so its scale starts at zero.
        colormap = "inferno"
        _panel(
            figure, grid[0, column], values, f"mean {_title(name)}", colormap, 0, style.high, "grey levels"
        )
    axes = figure.add_subplot(grid[1, :])
    for name, curve in curves.items():
        axes.plot(range(len(curve)), curve, marker="." if len(curve) < 2 else None, label=_title(name))
    most = max(max(curve) for curve in curves.values())
    top = next(top for top in CURVE_TOPS if top >= most)
    axes.set(xlabel="frame", ylabel="mean inside the tissue\n[grey levels]", ylim=(0, top))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.supxlabel(caption, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _panel(figure, cell, values, title, colormap, low, high, unit) -> None:
    axes = figure.add_subplot(cell)
    axes.set_facecolor("black")
    shown = axes.imshow(values, cmap=colormap, vmin=low, vmax=high, interpolation="nearest")
    axes.set(title=title, xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes, orientation="horizontal", label=unit, shrink=0.9)


def _title(name: str) -> str:
    return {"difference": "|enhanced − original|", "cycle_error": "cycle-reconstruction error"}[name]
