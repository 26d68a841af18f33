"""Feeds the trust card of one clip: what the networks have to say of each chunk, and the card at the end."""

from __future__ import annotations

import numpy as np

from echogan.core.geometry import Fan
from echogan.core.scale import GREY
from echogan.enhance.calibrated import Calibrated
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.hidden_walls import HiddenWalls
from echogan.enhance.segmentation import Segmentation
from echogan.model.networks.segmenter import Structure
from echogan.trust.card.card import Mode, TrustCard
from echogan.trust.card.picture import draw_picture
from echogan.trust.card.sums import CardFrames, CardNumbers, TrustSums
from echogan.trust.card.words import make_card
from echogan.trust.error_finder import Probabilities
from echogan.trust.hidden_walls import HIDDEN_WALLS
from echogan.trust.map_styles import unit
from echogan.trust.maps.stability import equivariance_spread, idempotence

SEGMENTED_PER_SECOND = (
    8.0  # frames of the clip that the segmenter sees in fast mode: some of every heart beat
)
LOOKED_AT = 4  # one of so many frames that the segmenter sees is looked at for hidden walls: drop-out stays
FPS = 25.0  # where the clip does not tell

Maps = dict[str, np.ndarray]


class CardMaker:
    """Takes the chunks of one clip in order; memory does not grow with its length.

    Passes of a generator beyond those of the result and the cycle error: none in fast mode; in full mode one for each
    of the transforms of `equivariance_spread`, one for the unchanged input there and one for `idempotence`, which is
    12 in all with result and cycle.
    """

    def __init__(self, enhancer: Enhancer, prepared: PreparedClip, calibrated: Calibrated | None = None):
        self._enhancer, self._prepared, self._calibrated = enhancer, prepared, calibrated
        self.mode: Mode = enhancer.settings.trust
        space = prepared.space
        mask, tissue = (part[:: prepared.up] for part in (space.mask, space.tissue))
        self._segment = Segmentation(space.size, mask, tissue, enhancer.device)
        rate = prepared.clip.fps or FPS
        self._every = max(1, round(rate / SEGMENTED_PER_SECOND)) if self.mode == "fast" else 1
        self._find_hidden = HiddenWalls(tissue, enhancer.device)
        self._hidden = np.zeros(space.size, np.uint8)
        c = calibrated.calibration if calibrated is not None else None
        self._thresholds = (c.amber, c.red) if c is not None else None
        self._sums = TrustSums(
            space.tissue, working_fan(prepared), self._thresholds, self._segment.tissue[:: prepared.up]
        )
        self._seen = 0

    def add(self, chunk: Chunk, maps: Maps, found: Probabilities | None = None) -> np.ndarray:
        """The next chunk, its maps as `Diagnoses.add` gives them, and what a `Flagger` found in it.

        Returns where its frames hide a wall, as `HIDDEN_WALLS.codes`: uint8 (n, h, w).
        """
        removed, invented = found if found is not None and self._calibrated is not None else (None, None)
        picked = list(range(-self._seen % self._every, len(chunk.x), self._every))
        lv = features = lv_after = None
        looked: dict[int, np.ndarray] = {}
        if picked:
            canonical = self._canonical(np.concatenate([chunk.x[picked], chunk.g[picked]]))
            segmented = self._segment(canonical)
            lv, lv_after = np.split((segmented.labels == Structure.LV)[:, :: self._prepared.up], 2)
            features = segmented.features[: len(picked)]
            looked = self._hidden_walls(picked, canonical, chunk.g, segmented.myocardium)
        hidden = self._held(looked, len(chunk.x))
        spread, twice = self._repeated(chunk) if self.mode == "full" else (None, None)
        residual = maps["removed_added"] / np.float32(2 * GREY)
        x, g, cycled = unit(chunk.x), unit(chunk.g), unit(chunk.cycled)
        self._sums.add(
            CardFrames(
                x, g, cycled, residual, removed, invented, lv, lv_after, features, hidden, spread, twice
            )
        )
        self._seen += len(chunk.x)
        return hidden

    def numbers(self) -> CardNumbers:
        """The numbers so far, of which a reference is made."""
        return self._sums.numbers()

    def card(self) -> TrustCard:
        """The card of all chunks so far."""
        checkpoint = self._enhancer.checkpoint
        assert self._sums.picture is not None, "a clip has frames"
        found = self._calibrated
        return make_card(
            self.numbers(),
            self._sums.picture,
            self.mode,
            (checkpoint.name, checkpoint.sha256),
            found.calibration if found is not None else None,
            found.reference if found is not None else None,
            pixel_mm2(self._prepared),
        )

    def picture(self) -> np.ndarray:
        """The card's picture: RGB uint8 (H, W, 3)."""
        assert self._sums.picture is not None, "a clip has frames"
        return draw_picture(self._sums.picture, self._thresholds)

    def _hidden_walls(
        self, picked: list[int], canonical: np.ndarray, g: np.ndarray, myocardium: np.ndarray
    ) -> dict[int, np.ndarray]:
        """Codes uint8 (h, w) of the frames looked at, of those picked, by their index in the chunk.

        canonical, myocardium   of the frames picked, the apex above; g: of all frames, as displayed
        """
        up, found = self._prepared.up, {}
        for place, index in enumerate(picked):
            if (self._seen + index) % (LOOKED_AT * self._every) == 0:
                one, shown = np.s_[place : place + 1], unit(g[index : index + 1])[:, ::up]
                hidden = self._find_hidden(canonical[one], shown, myocardium[one])
                found[index] = HIDDEN_WALLS.codes(hidden[0, ::up])
        return found

    def _held(self, looked: dict[int, np.ndarray], count: int) -> np.ndarray:
        """Codes of `count` frames, uint8 (count, h, w): between the frames looked at, the last ones."""
        codes = np.empty((count, *self._hidden.shape), np.uint8)
        for index in range(count):
            self._hidden = looked.get(index, self._hidden)
            codes[index] = self._hidden
        return codes

    def _canonical(self, frames: np.ndarray) -> np.ndarray:
        """Frames as displayed, float32 (n, h, w) in [-1, 1], as the segmenters know them."""
        canonical = self._prepared.plain_curve.to_canonical(frames)[:, :: self._prepared.up]
        return np.ascontiguousarray(canonical, np.float32)

    def _repeated(self, chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        """Equivariance spread and idempotence. A result has no neighbours here: it is enhanced again as a still."""
        tissue, count = self._prepared.space.tissue, chunk.seen.shape[1]

        def translate(frames: np.ndarray) -> np.ndarray:
            seen = frames.reshape(-1, count, *frames.shape[1:])
            return unit(chunk.to_high(seen * 2 - 1))

        flat = unit(chunk.seen).reshape(-1, *chunk.x.shape[1:])
        spread = equivariance_spread(translate, flat, tissue)
        twice = idempotence(unit(chunk.g), unit(chunk.to_high(chunk.g[:, None])), tissue)
        return spread, twice


def working_fan(prepared: PreparedClip) -> Fan | None:
    """The sector's fan in pixels of the working space, which are square; None where the sector is no fan."""
    fan, space = prepared.sector.fan, prepared.space
    if fan is None:
        return None
    down, across = (small / large for small, large in zip(space.size, space.box_size, strict=True))
    top, left = space.box[0].start, space.box[1].start
    apex = ((fan.apex[0] - left + 0.5) * across - 0.5, (fan.apex[1] - top + 0.5) * down - 0.5)
    return Fan(apex, fan.left_deg, fan.right_deg, fan.r_min * down, fan.r_max * down, opens_up=fan.opens_up)


def pixel_mm2(prepared: PreparedClip) -> float | None:
    """The area of a pixel of the working space in square millimetres, where the clip tells its spacing."""
    spacing, space = prepared.clip.spacing_mm, prepared.space
    if spacing is None:
        return None
    large, small = (np.prod(size, dtype=float) for size in (space.box_size, space.size))
    return float(spacing[0] * spacing[1] * large / small)
