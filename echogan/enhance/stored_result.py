"""A result kept on disk at full strength: what the page shows while it is made, and what every export is made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np

from echogan.clips.clip import ClipFile, grey
from echogan.core.geometry import Sector
from echogan.core.grey_curve import GreyCurve
from echogan.enhance.chunk import PreparedClip
from echogan.enhance.diagnostics import FigureData
from echogan.enhance.enhance_file import enhancement, figure_caption
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.flags import Flags, card_with_kept
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.outputs import FLAG_ARRAYS
from echogan.enhance.put_back import blend, keep_original
from echogan.enhance.report import Report
from echogan.enhance.result_writer import FIGURE, FLAG_TILES, KEPT_FIGURE, TILES, map_path
from echogan.enhance.tile_layout import KEPT_PART, TileLayout
from echogan.enhance.trust_stage import CARD_PICTURE
from echogan.enhance.working_space import WorkingSpace
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.card.card import TrustCard
from echogan.trust.card.picture import read_png
from echogan.trust.map_styles import MAP_STYLES


@dataclass(frozen=True)
class StoredResult:
    """An enhanced clip in a folder; only its facts and the sector's masks stay in memory.

    clip        frames are decoded from it again
    checkpoint  what made the result, without its weights
    layout      of the images in the folders `tiles`, `maps` and `flags`
    report      at full strength
    flags       what is flagged; None where the checkpoint has no calibration, and while the trust card is not made
    seconds, first_s   until all frames could be shown with their maps, and the first ones
    cpu_s       the whole work, of all processor cores together
    """

    folder: Path
    clip: ClipFile
    sector: Sector
    curve: GreyCurve
    plain_curve: GreyCurve
    checkpoint: Checkpoint
    settings: EnhanceSettings
    layout: TileLayout
    report: Report
    seconds: float
    first_s: float
    cpu_s: float
    flags: Flags | None = None

    @property
    def tiles(self) -> Path:
        """The folder of the stream of enhanced sectors."""
        return self.folder / TILES

    @property
    def trusted(self) -> bool:
        """Whether flags and trust card are there: they are made when the rest of the result can be seen already."""
        return bool(self.report.trust)

    @property
    def prepared(self) -> PreparedClip:
        """The clip as it was enhanced; its working space is made anew."""
        return PreparedClip(self.clip, self.sector, self.space, self.curve, self.plain_curve)

    @property
    def space(self) -> WorkingSpace:
        """The working space, made anew."""
        return WorkingSpace(self.sector, self.report.settings["working_size"])

    def enhanced_boxes(self) -> Iterator[np.ndarray]:
        """The sector's box of each frame at full strength: uint8 (h, w) or (h, w, 3). Raises OutputError."""
        for tile in TileReader(self.tiles):
            yield self.layout.enhanced_box(tile)

    def frames(self, strength: float, keep: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(original, enhanced) of each frame, whole frames uint8 (H, W) or (H, W, 3). Raises ClipError, OutputError.

        keep   whether the original is kept where the result is flagged
        """
        left, top, right, bottom = self.layout.box
        box = np.s_[top:bottom, left:right]
        kept = self._kept(keep)
        for original, full, weights in zip(self.clip.iter_frames(), self.enhanced_boxes(), kept, strict=True):
            enhanced = original.copy()
            shown = full if weights is None else keep_original(original[box], full, weights)
            enhanced[box] = blend(original[box], shown, strength)
            yield original, enhanced

    def _kept(self, keep: bool) -> Iterator[np.ndarray | None]:
        """The weights of `keep_weights` for each frame, None where nothing is kept."""
        if not keep:
            yield from repeat(None, self.clip.frames)
            return
        for tile in TileReader(self.folder / FLAG_TILES):
            yield self.layout.part(tile, KEPT_PART)

    def flag_arrays(self) -> Iterator[dict[str, np.ndarray]]:
        """FLAG_ARRAYS of each frame by name, uint8 (h, w), at full strength; none where nothing is flagged."""
        if self.flags is None:
            yield from repeat({}, self.clip.frames)
            return
        for tile in TileReader(self.folder / FLAG_TILES):
            yield {name: self.layout.part(tile, name) for name in FLAG_ARRAYS}

    def maps(self, strength: float = 1.0, keep: bool = False) -> Iterator[dict[str, np.ndarray]]:
        """The maps of each frame by name: float16 (h, w) in grey levels, zero outside the tissue. Raises OSError."""
        size = self.layout.map_size
        with ExitStack() as stack:
            files = {
                name: stack.enter_context(map_path(self.folder, name).open("rb")) for name in self.layout.maps
            }
            for weights in self._kept(keep):
                share = (
                    np.float16(strength) if weights is None else strength * (1 - weights / np.float32(255))
                )
                yield {
                    name: _scaled(np.fromfile(file, np.float16, size[0] * size[1]).reshape(size), share, name)
                    for name, file in files.items()
                }

    def report_at(self, strength: float, keep: bool = False) -> Report:
        """The report of the result at a strength."""
        return self._full(keep).at(strength)

    def _full(self, keep: bool) -> Report:
        assert self.flags is not None or not keep, "nothing can be kept where nothing is flagged"
        return self.flags.report if keep and self.flags is not None else self.report

    def figure(self, strength: float, keep: bool = False) -> bytes:
        """The map figure as PNG bytes. Raises ClipError, OutputError, OSError."""
        curves = self._full(keep).per_frame
        figure = FigureData.load(self.folder / (KEPT_FIGURE if keep else FIGURE), curves)
        if keep:
            figure = replace(figure, enhanced=np.where(np.isnan(figure.enhanced), np.nan, self._mean_kept()))
        made_by = enhancement(self.checkpoint, strength, keep)
        return figure.at(strength).draw(figure_caption(made_by))

    def _mean_kept(self) -> np.ndarray:
        """The mean over time of the sector's box with the original kept where flagged: float32 (H', W')."""
        left, top, right, bottom = self.layout.box
        total = np.zeros((bottom - top, right - left))
        for _, shown in self.frames(1.0, keep=True):
            total += grey(shown[top:bottom, left:right])
        return (total / self.clip.frames).astype(np.float32)

    @property
    def card(self) -> TrustCard:
        """The trust card, as it is in the report."""
        return TrustCard.from_dict(self.report.trust)

    def card_of(self, keep: bool) -> TrustCard:
        """The trust card of an export; it says where the original was kept. Its numbers are of the result itself."""
        return card_with_kept(self.card) if keep else self.card

    def card_picture(self) -> np.ndarray:
        """The picture of the trust card: RGB uint8 (H, W, 3). Raises OSError."""
        return read_png((self.folder / CARD_PICTURE).read_bytes())


def _scaled(image: np.ndarray, share: np.ndarray | np.float16, name: str) -> np.ndarray:
    return (image * share).astype(np.float16) if MAP_STYLES[name].follows_strength else image
