"""What is flagged in a result while it is stored, and the same result with the original kept there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.diagnostics import FigureData
from echogan.enhance.put_back import keep_weights
from echogan.enhance.report import Report, describe_map
from echogan.trust.card.card import TrustCard
from echogan.trust.error_finder import Probabilities
from echogan.trust.flagged import flag_codes, flagged
from echogan.trust.hidden_walls import FULL
from echogan.trust.map_styles import MAP_STYLES
from echogan.trust.regions import Region, RegionTracker
from echogan.trust.residuals import MapSummary

KEPT = "The original was kept where the result is flagged."


@dataclass(frozen=True)
class Flags:
    """What is flagged in a whole result.

    amber, red   the thresholds
    regions      the largest first
    report       of the result in which the original is kept where flagged, at full strength
    """

    amber: float
    red: float
    regions: list[Region]
    report: Report


def original_kept(chunk: Chunk, found: Probabilities, amber: float) -> Chunk:
    """The chunk with the original kept in its result where `found` reaches `amber`, as on the page."""
    return replace(chunk, kept=_weights(flag_codes(*found), amber))


def _weights(codes: np.ndarray, amber: float) -> np.ndarray:
    return np.stack([keep_weights(one) for one in flagged(codes, amber)])


def card_with_kept(card: TrustCard) -> TrustCard:
    """The card of a result in which the original was kept. Its numbers are of the result itself; it says so."""
    return replace(card, strength=f"{card.strength} {KEPT}")


class FlagRecorder:
    """Flags of the chunks of a clip, in memory that does not grow with its length.

    amber, red   thresholds in [0, 1], amber <= red
    """

    def __init__(self, amber: float, red: float, prepared: PreparedClip):
        self._amber, self._red = amber, red
        tissue = prepared.space.tissue
        self._tracker = RegionTracker(tissue, amber, red, opens_up=prepared.up < 0)
        weaker = [name for name, style in MAP_STYLES.items() if style.follows_strength]
        self._summaries = {name: MapSummary(tissue) for name in weaker}

    def add(
        self, maps: dict[str, np.ndarray], removed: np.ndarray, invented: np.ndarray, hidden: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each of the next frames its codes (`flag_codes`) and weights (`keep_weights`), uint8 (h, w) each.

        maps                as `Diagnoses.add` gives them
        removed, invented   float32 (n, h, w) in [0, 1], as `Flagger` gives them
        hidden              uint8 (n, h, w), as `CardMaker.add` gives them: hidden walls are listed with the regions
        """
        self._tracker.add(removed, invented, hidden / np.float32(FULL))
        codes = flag_codes(removed, invented)
        weights = _weights(codes, self._amber)
        for name, summary in self._summaries.items():
            summary.add(maps[name] * (1 - weights / np.float32(255)))
        return list(zip(codes, weights, strict=True))

    def flags(self, report: Report) -> Flags:
        """What was found, given the report of the result without anything kept."""
        numbers = {name: describe_map(name, summary) for name, summary in self._summaries.items()}
        curves = {name: [round(v, 4) for v in summary.curve] for name, summary in self._summaries.items()}
        kept = replace(
            report,
            settings=report.settings | {"keep_original": True, "amber": self._amber},
            diagnostics=report.diagnostics | numbers,
            per_frame=report.per_frame | curves,
            warnings=[*report.warnings, KEPT],
        )
        return Flags(self._amber, self._red, self._tracker.regions(), kept)

    def figure(self, figure: FigureData) -> FigureData:
        """The figure's data of the result with the original kept, but for its mean frame, given those of the other."""
        maps = {name: s.mean_map for name, s in self._summaries.items()}
        masked = {name: np.where(np.isnan(figure.maps[name]), np.nan, one) for name, one in maps.items()}
        curves = {name: s.curve for name, s in self._summaries.items()}
        return replace(figure, maps=figure.maps | masked, curves=figure.curves | curves)
