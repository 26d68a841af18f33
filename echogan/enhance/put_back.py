"""What of a generator's change reaches the frame: nothing in black, outside the tissue or where it is to be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.sector.find_sector import merge
from echogan.core.geometry import Sector
from echogan.core.grey_curve import ECHO, GreyCurve
from echogan.core.scale import GREY
from echogan.enhance.working_space import WorkingSpace
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig

BLACK_LEVEL, BLACK_SIGMA = 8.0, 3.0  # grey levels; pixels of the working space, about one speckle cell
CLEAR, HAZY = 0.1, 0.2  # of full scale on the canonical curve: clear up to the first, hazy from the second
EDGE = 4  # pixels of the working space over which the original fades into the result


class Levels(NamedTuple):
    """Where the grey levels of one clip say something; frames of the working space are compared with them.

    black        grey level, 0 to BLACK_LEVEL, below which the clip holds hardly any echo
    clear, hazy  in [-1, 1]: CLEAR and HAZY as the clip displays them
    """

    black: float
    clear: float
    hazy: float

    @classmethod
    def of(cls, plain: GreyCurve) -> Levels:
        """Those of a clip by its grey curve without lift."""
        clear, hazy = (float(plain.to_display(np.float64(2 * level - 1))) for level in (CLEAR, HAZY))
        return cls(black_level(plain), clear, hazy)


def amplified(x: np.ndarray, g: np.ndarray, gain: float) -> np.ndarray:
    """`gain` times the change from x to g, float32 (n, h, w) in [-1, 1]: the gain is the checkpoint's."""
    return g if gain == 1 else np.clip(x + gain * (g - x), -1, 1)


def applied(
    x: np.ndarray,
    g: np.ndarray,
    config: CheckpointConfig,
    levels: Levels,
    caution: Callable[[np.ndarray, np.ndarray], np.ndarray] | None,
    kept: np.ndarray | None,
) -> np.ndarray:
    """What of a generator's answer is the result at full strength: float32 (n, h, w) in [-1, 1], as x and g.

    The change times the checkpoint's gain, with more removed where that is still hazy (`more_removed`), without what it
    adds to black (`keep_black`), with a `Caution` less where it looks like an error, and with the shares of `KeptWalls`
    less removed where a wall is probably hidden.
    """
    changed = more_removed(x, amplified(x, g, config.gain), config.haze_gain, levels)
    held = keep_black(x, changed, levels.black)
    careful = held if caution is None else caution(x, held)
    return careful if kept is None else keep_walls(x, careful, kept)


def more_removed(x: np.ndarray, g: np.ndarray, haze_gain: float, levels: Levels) -> np.ndarray:
    """g with `haze_gain` times what it removes from x removed once more; float32 (n, h, w) in [-1, 1], as both.

    All of that where g is at the hazy level or above, none where it is clear already: a larger gain alone would make
    cavities darker than those of good clips are.
    """
    if not haze_gain:
        return g
    still = np.clip((g - levels.clear) / (levels.hazy - levels.clear), 0, 1)
    return np.where(g < x, np.maximum(-1, g - np.float32(haze_gain) * still * (x - g)), g)


def keep_walls(x: np.ndarray, g: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """g with less of what it removes from x; float32 (n, h, w) in [-1, 1] as both. `kept`: the share, (n, h, w)."""
    return np.where(g < x, g + kept * (x - g), g)


def black_level(plain: GreyCurve) -> float:
    """The grey level below which a clip holds hardly any echo, from 0 to BLACK_LEVEL; plain: its curve without lift.

    BLACK_LEVEL, but never above the level of ECHO: a clip that is displayed very dark has tissue below BLACK_LEVEL.
    """
    return min(BLACK_LEVEL, (float(plain.to_display(np.float64(2 * ECHO - 1))) + 1) * GREY)


def keep_black(x: np.ndarray, g: np.ndarray, black_level: float) -> np.ndarray:
    """Take back what `g` adds where `x` holds no echo; float32 (n, h, w) in [-1, 1], as the result.

    What fell below the display's range is lost: anything painted there is invented. The share of an addition
    that stays grows with the local mean level of x (Gaussian of BLACK_SIGMA pixels), from none in black to all at
    `black_level` grey levels. What `g` removes stays removed.
    """
    level = np.stack([cv2.GaussianBlur(frame, (0, 0), BLACK_SIGMA) for frame in (x + 1) * GREY])
    share = np.clip(level / black_level, 0, 1)
    return np.where(g > x, x + share * (g - x), g)


def put_back(frame: np.ndarray, residual: np.ndarray, sector: Sector, space: WorkingSpace) -> np.ndarray:
    """Add a residual in grey levels (H', W') to the grey of a frame, and restore all that is not tissue."""
    result = frame.copy()
    box = frame[space.box]
    before = grey(box)
    after = np.rint(np.clip(before + residual, 0, 255)).astype(np.uint8)
    merged = merge(box, after, sector.tissue_mask[space.box])
    # Colour is rounded on its way through merge; where the grey did not change, neither may the colour.
    result[space.box] = cv2.copyTo(box, (after == before).astype(np.uint8), merged)
    return result


def blend(original: np.ndarray, full: np.ndarray, strength: float) -> np.ndarray:
    """`original` with this share of its change to `full`: uint8 of one shape, rounded half to even.

    The one definition of a strength below 1: the page, every export and the command line show the same pixels. The
    change itself was rounded before, so that whoever holds both images can compute the result.
    """
    if strength == 1:
        return full
    before = original.astype(np.float64)
    return np.rint(before + strength * (full - before)).astype(np.uint8)


def keep_weights(flagged: np.ndarray) -> np.ndarray:
    """The share of the original to keep where a result is flagged, as uint8 of 255 (h, w).

    All of it where flagged, and less and less over EDGE pixels around that: a hard edge would look like a structure.

    flagged   bool (h, w), in the working space
    """
    if not flagged.any():
        return np.zeros(flagged.shape, np.uint8)
    away = cv2.distanceTransform((~flagged).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.rint(255 * np.clip(1 - away / (EDGE + 1), 0, 1)).astype(np.uint8)


def keep_original(original: np.ndarray, enhanced: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`enhanced` with the original back in it: uint8 of one shape (H, W) or (H, W, 3), rounded half to even.

    weights   as `keep_weights` gives them (h, w); scaled to the frame bilinearly
    """
    share = cv2.resize(
        weights.astype(np.float64) / 255, original.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )
    share = share.reshape(*share.shape, *[1] * (original.ndim - 2))
    after = enhanced.astype(np.float64)
    return np.rint(after + share * (original - after)).astype(np.uint8)
