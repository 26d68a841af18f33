"""A small picture of a result: the sector of the first frame before and after, side by side."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.formats.stills import save_png
from echogan.clips.write_options import Enhancement
from echogan.core.atomic import output_errors, replacing
from echogan.enhance.chunk import Chunk, PreparedClip

HEIGHT = 160  # pixels


class Thumbnail:
    """Takes the chunks; written as PNG when the block ends well. Black outside the tissue, so that it names nobody."""

    def __init__(self, path: Path, prepared: PreparedClip, enhancement: Enhancement | None) -> None:
        self._path, self._enhancement = path, enhancement
        self._box, self._tissue = prepared.space.box, prepared.sector.tissue_mask
        self._shape = prepared.clip.pixel_aspect
        self._image: np.ndarray | None = None

    def add(self, chunk: Chunk) -> None:
        """Draw the first chunk's first frame."""
        if self._image is None:
            self._image = np.hstack([self._small(frames[:1]) for frames in (chunk.original, chunk.enhanced)])

    def _small(self, frames: np.ndarray) -> np.ndarray:
        sector = (grey(frames)[0] * self._tissue)[self._box]
        width = max(1, round(sector.shape[1] * self._shape * HEIGHT / sector.shape[0]))
        return cv2.resize(sector, (width, HEIGHT), interpolation=cv2.INTER_AREA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._image is not None:
            with output_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(self._path) as part:
                    save_png(self._image, part, self._enhancement, Fraction(1))
