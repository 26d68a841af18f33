"""The picture of the trust card: one frame, original | enhanced | what is flagged."""

from __future__ import annotations

import cv2
import numpy as np

from echogan.core.scale import GREY
from echogan.trust.card.sums import CardPicture
from echogan.trust.map_styles import MAP_STYLES, MapPainter

GAP = 8  # pixels between the panels
HEIGHT = 360  # at least: small frames are enlarged by whole numbers
AMBER, RED = (255, 176, 0), (220, 38, 38)  # told apart by those who see no difference of red and green, too
WHITE = 255


def draw_picture(picture: CardPicture, thresholds: tuple[float, float] | None) -> np.ndarray:
    """RGB uint8 (H, W, 3): the three panels beside each other, with amber and red contours and the box on the map.

    thresholds   (amber, red) of the calibration
    """
    style = MAP_STYLES["removed_added"]
    times = max(1, -(-HEIGHT // picture.x.shape[0]))
    x, g = (_grey(frame) for frame in (picture.x, picture.g))
    levels = picture.map * (style.high if picture.flagged else 2 * GREY)
    painted = MapPainter(style).paint(x, levels.astype(np.float32), picture.tissue)
    panels = [cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB) for grey in (x, g)] + [painted]
    panels = [cv2.resize(p, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST) for p in panels]
    if picture.flagged and thresholds is not None:
        for level, colour in zip(thresholds, (AMBER, RED), strict=True):
            _outline(panels[2], np.abs(picture.map) >= level, times, colour)
    if picture.box is not None:
        top, left, bottom, right = (times * side for side in picture.box)
        for panel in panels:
            cv2.rectangle(panel, (left - 2, top - 2), (right + 1, bottom + 1), (WHITE, WHITE, WHITE), 2)
    gap = np.full((panels[0].shape[0], GAP, 3), WHITE, np.uint8)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)


def png(image: np.ndarray) -> bytes:
    """RGB uint8 (H, W, 3) as PNG bytes."""
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done, "a picture in memory can be encoded"
    return data.tobytes()


def read_png(data: bytes) -> np.ndarray:
    """What `png` was given."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None, "it is ours"
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _grey(frame: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)


def _outline(panel: np.ndarray, mask: np.ndarray, times: int, colour: tuple[int, int, int]) -> None:
    large = cv2.resize(mask.astype(np.uint8), None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(panel, contours, -1, colour, 1)
