"""The contact sheet of hidden walls: result, walls that it clears, and where the map says that a wall is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from eval.hallucination.hidden_scores import MAP, Scored

HEIGHT, ACROSS, MOST = 200, 3, 24  # pixels of a frame, frames in a row, frames in all
CLEARED = (60, 60, 230)  # BGR
SHARE = 0.55  # of the colour, over the grey


def draw_sheet(frames: Sequence[Scored], out: Path) -> None:
    """Write frames, spread over all of them, as a PNG: input, result, cleared walls in red, and the map."""
    chosen = [frames[k] for k in np.linspace(0, len(frames) - 1, min(MOST, len(frames))).round().astype(int)]
    tiles = [_tile(one) for one in chosen]
    width = max(tile.shape[1] for tile in tiles)
    tiles = [cv2.copyMakeBorder(t, 0, 0, 0, width - t.shape[1], cv2.BORDER_CONSTANT) for t in tiles]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % ACROSS)
    rows = [np.hstack(tiles[k : k + ACROSS]) for k in range(0, len(tiles), ACROSS)]
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), np.vstack(rows))


def _tile(one: Scored) -> np.ndarray:
    x, g = (
        cv2.cvtColor((255 * np.clip(f, 0, 1)).astype(np.uint8), cv2.COLOR_GRAY2BGR) for f in (one.x, one.g)
    )
    cleared = np.where(one.cleared[..., None], (1 - SHARE) * g + SHARE * np.array(CLEARED), g)
    seen = np.clip(one.scores[MAP], 0, 1)[..., None]
    colour = cv2.applyColorMap((255 * one.scores[MAP]).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    found = (1 - SHARE * seen) * x + SHARE * seen * colour
    panels = np.hstack([x, g, cleared.astype(np.uint8), found.astype(np.uint8)])
    scale = HEIGHT / panels.shape[0]
    return cv2.resize(panels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
