"""The maps, one entry each: how a map is computed, what it is called, its colours, what it shows and what it misses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from echogan.core.scale import GREY
from echogan.trust.maps.tone import ToneCurve, tone_matched
from echogan.trust.residuals import UNIT, cycle_error, difference

DIM = 0.45  # brightness that is left of the grey image under a map
CAVEAT = (
    "No map sees a hallucination reliably: a structure that was removed or invented can leave all of them nearly "
    "blank. Compare with the original."
)


@dataclass(frozen=True)
class MapInput:
    """What a map is computed from: frames in the working space, float32 (n, h, w) in [-1, 1].

    x        the input
    y        the result shown
    g        to_high(x), the result at full strength
    cycled   to_low(g)
    tissue   bool (h, w)
    tone     the clip's tone curve from x to g, of grey levels in [0, 1]: one for all its frames
    """

    x: np.ndarray
    y: np.ndarray
    g: np.ndarray
    cycled: np.ndarray
    tissue: np.ndarray
    tone: ToneCurve


def clip_tone(x: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> ToneCurve:
    """The tone curve of a clip that begins with these frames, as in `MapInput`.

    Of the first frame alone: later ones are not there yet when its maps are shown, and how many frames come at once
    must not change a map.
    """
    return ToneCurve.fit(unit(x[:1]), unit(g[:1]), tissue)


def unit(frames: np.ndarray) -> np.ndarray:
    """Frames in [-1, 1] as `echogan.trust.maps` takes them, in [0, 1]."""
    return (frames + 1) / 2


def _removed_added(frames: MapInput) -> np.ndarray:
    return tone_matched(unit(frames.x), unit(frames.g), frames.tissue, frames.tone) * np.float32(2 * GREY)


@dataclass(frozen=True, kw_only=True)
class MapLook:
    """How a map is shown and what is said of it.

    label        on buttons and beside curves
    title        in full, beside a scale, in lower case
    follows_strength  whether it is of the result shown, and so in proportion to the strength; else at full strength
    signed       whether it has negative values; means, percentiles and curves are of its absolute values
    colormap     matplotlib's name; from `low` to `high` in `unit`, the same on every frame of every clip
    ends         what stands at the ends of the scale; `low` and `high` where not given
    solid_at     |value| from which the map covers the image; nearer to zero the image shines through
    shows, misses  a sentence each
    """

    label: str
    title: str
    follows_strength: bool
    signed: bool
    colormap: str
    low: float
    high: float
    solid_at: float
    shows: str
    misses: str
    unit: str = UNIT
    ends: tuple[str, str] | None = None

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """Colour float32 (256, 3) in 0 to 255 and opacity float32 (256, 1) in 0 to 1, from low to high."""
        colours = matplotlib.colormaps[self.colormap](np.linspace(0, 1, 256))[:, :3] * 255
        values = np.linspace(self.low, self.high, 256)
        opacity = np.clip(np.abs(values) / self.solid_at, 0, 1) * 0.9
        return colours.astype(np.float32), opacity.astype(np.float32)[:, None]

    def codes(self, values: np.ndarray) -> np.ndarray:
        """Values in `unit` as places in the table: uint8, 0 at `low` and 255 at `high`."""
        span = self.high - self.low
        return np.clip(np.rint((values - self.low) * (255 / span)), 0, 255).astype(np.uint8)

    def legend(self, steps: int = 9) -> list[str]:
        """CSS colours from low to high, for a colour bar beside the player."""
        colours = matplotlib.colormaps[self.colormap](np.linspace(0, 1, steps))
        return [to_hex(colour) for colour in colours]


@dataclass(frozen=True, kw_only=True)
class MapStyle(MapLook):
    """One map. Player, figure, report, arrays, command line and About page take all they say of it from here.

    compute      the map, float32 (n, h, w) in grey levels, zero outside the tissue
    line, dashed  the CSS colour of its curve on the page, and whether it is dashed
    """

    compute: Callable[[MapInput], np.ndarray]
    line: str
    dashed: bool

    @property
    def magnitude(self) -> str:
        """The title of its absolute value."""
        return f"|{self.title}|" if self.signed else self.title

    @property
    def magnitude_colormap(self) -> str:
        """The colormap of its absolute value, from zero to `high`."""
        return "inferno" if self.signed else self.colormap


MAP_STYLES = {
    "difference": MapStyle(
        label="Difference",
        title="enhanced − original",
        compute=lambda frames: difference(frames.x, frames.y, frames.tissue),
        follows_strength=True,
        signed=True,
        colormap="bwr",
        low=-64,
        high=64,
        solid_at=16,
        line="#6cb8bd",
        dashed=False,
        shows="Where the image was changed: enhanced minus original, in grey levels.",
        misses="An invented structure changes the image no more than a removed haze does.",
    ),
    "removed_added": MapStyle(
        label="Removed / added",
        title="added − removed, tone-matched",
        compute=_removed_added,
        follows_strength=False,
        signed=True,
        colormap="bwr",
        low=-64,
        high=64,
        solid_at=16,
        line="#b58ad6",
        dashed=True,
        shows=(
            "What the result at full strength removed (blue) and added (red), smoothed, beyond one change of grey "
            "levels for the whole clip; haze that was rightly removed is blue too."
        ),
        misses="An invented structure that is as bright as this change would make its place leaves no colour.",
    ),
    "cycle_error": MapStyle(
        label="Cycle error",
        title="cycle-reconstruction error",
        compute=lambda frames: cycle_error(frames.x, frames.cycled, frames.tissue),
        follows_strength=False,
        signed=False,
        colormap="inferno",
        low=0,
        high=32,
        solid_at=8,
        line="#d9a35f",
        dashed=True,
        shows="What the second generator could not restore from the result at full strength, in grey levels.",
        misses="A generator can erase a structure and still carry it, hidden, through the cycle.",
    ),
}
"""Name -> map, in the order in which they are shown. The name is that of files, arrays and report entries."""


class MapPainter:
    """Lays one kind of map over dimmed grey frames."""

    def __init__(self, style: MapStyle):
        self.style = style
        colours, opacity = style.table()
        self._ink, self._clear = colours * opacity, 1 - opacity

    def paint(self, image: np.ndarray, values: np.ndarray, tissue: np.ndarray) -> np.ndarray:
        """Colour `values` float32 (H, W) over `image` uint8 (H, W) where `tissue`: uint8 (H, W, 3)."""
        index = self.style.codes(values)
        dimmed = image.astype(np.float32)[..., None] * DIM
        painted = np.where(tissue[..., None], self._ink[index] + self._clear[index] * dimmed, dimmed)
        return painted.astype(np.uint8)
