"""Find the same clip under another name, or compressed again: a difference hash of the tissue on several frames."""

from __future__ import annotations

import cv2
import numpy as np

GRID = 16  # cells on a side: 256 bits a frame
WORDS = GRID * GRID // 64
# Bits of 256 by which a copy may differ, averaged over its frames. Stills as JPEG of quality 50 at 0.7 of
# their size differ by at most 7, clips as H.264 (crf 35) by 7 to 15; another phase of the same heart
# differs by 18 or more.
STILL_RADIUS, CLIP_RADIUS = 10, 14


def print_of(frames: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The fingerprints of uint8 frames (k, S, S), tissue only, with the tissue's mask bool (S, S): uint64 (k, 4).

    Each bit says whether a cell of a 16 x 16 grid over the tissue's box is brighter than the cell left of it
    (dHash; N. Krawetz, "Kind of like that", 2013). A cell's level is the mean of its tissue, so the border between
    tissue and black, which all fans share, does not count.
    """
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    weight = _cells(mask[box].astype(np.float32))
    inside = (weight[:, 1:] > 0.3) & (weight[:, :-1] > 0.3)
    prints = []
    for frame in frames:
        level = _cells(np.where(mask, frame, 0)[box].astype(np.float32)) / np.maximum(weight, 1e-3)
        bits = (level[:, 1:] > level[:, :-1]) & inside
        prints.append(np.packbits(bits).view("<u8"))
    return np.stack(prints).astype(np.uint64)


def _cells(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (GRID + 1, GRID), interpolation=cv2.INTER_AREA)


class Seen:
    """The fingerprints of the clips kept so far; `find` names the first that is the same clip."""

    def __init__(self) -> None:
        self._prints: dict[int, np.ndarray] = {}  # number of frames -> uint64 (capacity, frames, WORDS)
        self._names: dict[int, list[str]] = {}

    def find(self, prints: np.ndarray) -> str | None:
        """The name of the earliest clip within the radius of uint64 (k, 4), None if there is none."""
        names = self._names.get(len(prints))
        if not names:
            return None
        known = self._prints[len(prints)][: len(names)]
        allowed = (CLIP_RADIUS if len(prints) > 1 else STILL_RADIUS) * len(prints)
        # The mean distance is small only if that of some frame is: the first frame rules out most clips.
        first = np.bitwise_count(known[:, 0] ^ prints[0]).sum(1, dtype=int)
        near = np.nonzero(first <= allowed)[0]
        apart = np.bitwise_count(known[near] ^ prints).sum((1, 2), dtype=int)
        same = near[apart <= allowed]
        return names[int(same[0])] if len(same) else None

    def add(self, name: str, prints: np.ndarray) -> None:
        """Remember a clip that is kept."""
        names = self._names.setdefault(len(prints), [])
        known = self._prints.get(len(prints))
        if known is None or len(known) == len(names):
            grown = np.zeros((max(64, 2 * len(names)), *prints.shape), np.uint64)
            grown[: len(names)] = known[: len(names)] if known is not None else 0
            self._prints[len(prints)] = known = grown
        known[len(names)] = prints
        names.append(name)
