"""Feeds the trust card of one clip: what the networks have to say of each chunk, and the card at the end."""

from __future__ import annotations

import numpy as np

from echogan.core.geometry import Fan
from echogan.core.scale import GREY
from echogan.enhance.calibrated import Calibrated
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.segmentation import Segmentation
from echogan.model.networks.segmenter import Structure
from echogan.trust.card.card import Mode, TrustCard
from echogan.trust.card.picture import draw_picture
from echogan.trust.card.sums import CardFrames, CardNumbers, TrustSums
from echogan.trust.card.words import make_card
from echogan.trust.error_finder import Probabilities
from echogan.trust.map_styles import unit
from echogan.trust.maps.stability import equivariance_spread, idempotence

SEGMENTED_PER_SECOND = (
    8.0  # frames of the clip that the segmenter sees in fast mode: some of every heart beat
)
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
        rate = (prepared.clip.fps or FPS) / SEGMENTED_PER_SECOND
        self._every = max(1, round(rate)) if self.mode == "fast" else 1
        c = calibrated.calibration if calibrated is not None else None
        self._thresholds = (c.amber, c.red) if c is not None else None
        self._sums = TrustSums(
            space.tissue, working_fan(prepared), self._thresholds, self._segment.tissue[:: prepared.up]
        )
        self._seen = 0

    def add(self, chunk: Chunk, maps: Maps, found: Probabilities | None = None) -> None:
        """The next chunk, its maps as `Diagnoses.add` gives them, and what a `Flagger` found in it."""
        removed, invented = found if found is not None and self._calibrated is not None else (None, None)
        picked = np.s_[-self._seen % self._every :: self._every]
        lv = features = lv_after = None
        if len(chunk.x[picked]):
            both = np.concatenate([chunk.x[picked], chunk.g[picked]])
            (lv, lv_after), (features, _) = (np.split(part, 2) for part in self._outlined(both))
        spread, twice = self._repeated(chunk) if self.mode == "full" else (None, None)
        residual = maps["removed_added"] / np.float32(2 * GREY)
        x, g, cycled = unit(chunk.x), unit(chunk.g), unit(chunk.cycled)
        self._sums.add(
            CardFrames(x, g, cycled, residual, removed, invented, lv, lv_after, features, spread, twice)
        )
        self._seen += len(chunk.x)

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

    def _outlined(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The left ventricle bool (n, h', w') of frames float32 (n, h, w) in [-1, 1], as displayed; and features."""
        up = self._prepared.up
        canonical = self._prepared.plain_curve.to_canonical(frames)[:, ::up]
        labels, features = self._segment(np.ascontiguousarray(canonical, np.float32))
        return (labels == Structure.LV)[:, ::up], features

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
