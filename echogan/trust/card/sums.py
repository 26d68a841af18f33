"""What the trust card needs of a clip, taken in as its frames come; memory does not grow with the clip's length."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from echogan.core.geometry import Fan
from echogan.trust.hidden_walls import FULL, LIKELY
from echogan.trust.maps.anatomy import AnatomyShift, AnatomySums
from echogan.trust.maps.flicker_ratio import FlickerRatio
from echogan.trust.maps.hidden import hidden_information
from echogan.trust.maps.shadow import Beams, shadow_level, shadowed
from echogan.trust.regions import Region, RegionTracker

EVERY = 16  # frames: shadow, which hardly moves, and hidden-information gap are of these alone


@dataclass(frozen=True)
class CardFrames:
    """Consecutive frames in the working space.

    x, g, cycled           float32 (n, h, w) in [0, 1]: input, to_high(x) at full strength, to_low(g)
    residual               float32 (n, h, w), signed: the tone-matched residual, in [-1, 1]
    removed, invented      float32 (n, h, w) in [0, 1]: probabilities; None without a calibration
    lv_before, lv_after    bool (m, h', w'): the left ventricle in the input and in the result, of some of the frames
    features               float32 (m, d) of the input, of the same frames
    hidden_walls           uint8 (n, h, w): codes of HIDDEN_WALLS; None where they were not looked for
    spread, idempotence    float32 (n, h, w) in [0, 1]; None in fast mode
    """

    x: np.ndarray
    g: np.ndarray
    cycled: np.ndarray
    residual: np.ndarray
    removed: np.ndarray | None = None
    invented: np.ndarray | None = None
    lv_before: np.ndarray | None = None
    lv_after: np.ndarray | None = None
    features: np.ndarray | None = None
    hidden_walls: np.ndarray | None = None
    spread: np.ndarray | None = None
    idempotence: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class CardPicture:
    """The frame that the card shows.

    x, g    float32 (h, w) in [0, 1]
    map     float32 (h, w) in [-1, 1]: added above zero, removed below; the probability where `flagged`, else the
            tone-matched residual
    box     (top, left, bottom, right) of the largest flagged region, or None
    """

    frame: int
    x: np.ndarray
    g: np.ndarray
    map: np.ndarray
    flagged: bool
    box: tuple[int, int, int, int] | None
    tissue: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class CardNumbers:
    """The numbers of a whole clip; None where a number cannot be given.

    removed, added    share of the sector over the amber threshold, mean over the frames
    red               share of the sector over the red threshold
    shadow            share of the sector where the input is dark to the end of the beam
    hidden_walls      share of the sector where a wall probably lies that the result does not show
    spread, idempotence   means over the sector, in [0, 1]
    features          float64 (d,): the mean over the frames
    """

    frames: int
    removed: float | None
    added: float | None
    red: float | None
    shadow: float
    hidden_walls: float | None
    anatomy: AnatomyShift | None
    flicker_ratio: float | None
    hidden: float | None
    spread: float | None
    idempotence: float | None
    features: np.ndarray | None = field(compare=False)
    regions: list[Region] = field(default_factory=list)


class TrustSums:
    """Sums over the frames of one clip.

    tissue       bool (h, w), not empty
    fan          in pixels of the working space; None where the sector is no fan
    thresholds   (amber, red) of the calibration, in [0, 1]; None without one
    lv_tissue    bool (h', w'): the tissue at the size of the masks of the left ventricle
    """

    def __init__(
        self,
        tissue: np.ndarray,
        fan: Fan | None,
        thresholds: tuple[float, float] | None,
        lv_tissue: np.ndarray | None = None,
    ):
        self.tissue, self._thresholds = tissue, thresholds
        self.picture: CardPicture | None = None
        self._frames = self._sampled = 0
        self._beams, self._level = Beams(tissue, fan), 0.0
        opens_up = fan is not None and fan.opens_up
        self._tracker = RegionTracker(tissue, *thresholds, opens_up) if thresholds else None
        self._anatomy = AnatomySums(lv_tissue) if lv_tissue is not None else None
        self._flicker = FlickerRatio(tissue)
        self._pixels: dict[str, int] = {}  # how many of the sector, over all frames
        self._means: dict[str, float] = {}  # of maps over the sector, summed over the frames
        self._hidden: list[float] = []  # one of EVERY frames
        self._features, self._seen = np.zeros(1), 0
        self._strongest = -1.0

    def add(self, frames: CardFrames) -> None:
        """Take in the next frames."""
        if self._frames == 0:
            self._level = shadow_level(frames.x[0], self.tissue)
        self._flicker.add(frames.x, frames.g)
        if frames.hidden_walls is not None:
            self._count("hidden_walls", (frames.hidden_walls >= FULL * LIKELY) & self.tissue)
        for index in range(-self._frames % EVERY, len(frames.x), EVERY):
            one = np.s_[index : index + 1]
            self._count("shadow", shadowed(frames.x[one], self.tissue, self._beams, self._level))
            self._sampled += 1
            gap = hidden_information(frames.x[one], frames.g[one], frames.cycled[one], self.tissue)
            self._hidden += [] if gap is None else [gap]
        if frames.lv_before is not None and frames.lv_after is not None and self._anatomy is not None:
            self._anatomy.add(frames.lv_before, frames.lv_after)
        if frames.features is not None:
            self._features = self._features + frames.features.sum(0, dtype=np.float64)
            self._seen += len(frames.features)
        for name, maps in (("spread", frames.spread), ("idempotence", frames.idempotence)):
            if maps is not None:
                total = float(maps[:, self.tissue].sum(dtype=np.float64))
                self._means[name] = self._means.get(name, 0.0) + total
        self._add_flagged(frames)
        self._keep_picture(frames)
        self._frames += len(frames.x)

    def numbers(self) -> CardNumbers:
        """The numbers over all frames so far, at least one."""
        of_all = self._frames * int(self.tissue.sum())

        def share(name: str) -> float | None:
            return self._pixels[name] / of_all if name in self._pixels else None

        return CardNumbers(
            frames=self._frames,
            removed=share("removed"),
            added=share("added"),
            red=share("red"),
            shadow=self._pixels["shadow"] / (self._sampled * int(self.tissue.sum())),
            hidden_walls=share("hidden_walls"),
            anatomy=self._anatomy.result() if self._anatomy is not None else None,
            flicker_ratio=self._flicker.ratio,
            hidden=float(np.median(self._hidden)) if self._hidden else None,
            spread=self._means["spread"] / of_all if "spread" in self._means else None,
            idempotence=self._means["idempotence"] / of_all if "idempotence" in self._means else None,
            features=self._features / self._seen if self._seen else None,
            regions=self._tracker.regions() if self._tracker is not None else [],
        )

    def _count(self, name: str, masks: np.ndarray) -> None:
        self._pixels[name] = self._pixels.get(name, 0) + int(np.count_nonzero(masks))

    def _add_flagged(self, frames: CardFrames) -> None:
        if self._thresholds is None or frames.removed is None or frames.invented is None:
            return
        assert self._tracker is not None
        amber, red = self._thresholds
        self._tracker.add(frames.removed, frames.invented)
        # Of both probabilities the larger one decides, as for the regions.
        larger = np.maximum(frames.removed, frames.invented)
        flagged = np.flatnonzero((larger >= amber) & self.tissue)  # few pixels, of which the rest is counted
        removed, invented, larger = (p.ravel()[flagged] for p in (frames.removed, frames.invented, larger))
        self._count("removed", removed >= invented)
        self._count("added", invented > removed)
        self._count("red", larger >= red)

    def _keep_picture(self, frames: CardFrames) -> None:
        """The frame of the largest flagged region; while there is none, that of the largest residual."""
        largest = self._tracker.regions()[:1] if self._tracker is not None else []
        if largest:
            index = largest[0].frame - self._frames
            if index >= 0:
                self.picture = self._picture(frames, index, largest[0].box)
            return
        residual = np.abs(frames.residual[:, self.tissue]).mean(1, dtype=np.float64)
        if residual.max() > self._strongest:
            self._strongest = float(residual.max())
            self.picture = self._picture(frames, int(residual.argmax()), None)

    def _picture(self, frames: CardFrames, index: int, box: tuple[int, int, int, int] | None) -> CardPicture:
        shown, flagged = frames.residual[index], False
        if frames.removed is not None and frames.invented is not None and self._thresholds is not None:
            less, more = frames.removed[index], frames.invented[index]
            shown, flagged = np.where(more > less, more, -less), True
        x, g = frames.x[index].copy(), frames.g[index].copy()
        return CardPicture(self._frames + index, x, g, shown.copy(), flagged, box, self.tissue)
