"""The picture docs/picture.png of the README: simulated poor clips, enhanced, with both maps and the clear truth.

python -m eval readme_picture [--model echogan]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from echogan.core.scale import GREY
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.phantom.render import phantom_pair
from echogan.trust.map_styles import MAP_STYLES
from eval.command import begin
from eval.measures.baselines import open_enhancer
from eval.paths import DOCS
from eval.simulated.phantom_clips import array, phantom_chunks

DIFFERENCE, CYCLE_ERROR = MAP_STYLES["difference"], MAP_STYLES["cycle_error"]
COLUMNS = (
    "Poor (input)",
    "Enhanced",
    f"Removed (blue), added (red), to {DIFFERENCE.high:g}",
    f"Cycle error, 0 to {CYCLE_ERROR.high:g}",
    "Clear truth",
)
ON_BLACK = "berlin"  # as the difference map's colours, but dark at zero: the picture has a black ground


@dataclass(frozen=True)
class ReadmePictureSettings:
    """Which clips are shown, and where the picture goes."""

    model: str = DEFAULT
    # The network is right on the first two; on the third it removes the leaflets inside the cavity.
    seeds: tuple[int, ...] = (1_500_000_046, 1_500_000_054, 1_500_000_051)
    out: Path = DOCS / "picture.png"


def main(settings: ReadmePictureSettings) -> None:
    """Draw one row per clip."""
    enhancer = open_enhancer(settings.model)
    rows = len(settings.seeds)
    figure, axes = plt.subplots(
        rows, len(COLUMNS), figsize=(12.5, 2.32 * rows + 0.3), facecolor="black", squeeze=False
    )
    for line, seed in zip(axes, settings.seeds, strict=True):
        for axis, (image, style) in zip(line, panels(seed, enhancer), strict=True):
            axis.imshow(image, **style)
            axis.axis("off")
    for axis, title in zip(axes[0], COLUMNS, strict=True):
        axis.set_title(title, color="#c8ccd0", fontsize=10)
    figure.subplots_adjust(0.004, 0.004, 0.996, 0.955, 0.02, 0.02)
    settings.out.parent.mkdir(exist_ok=True)
    figure.savefig(settings.out, dpi=100)


def panels(seed: int, enhancer: Enhancer) -> list[tuple[np.ndarray, dict]]:
    """The images of the first frame of a clip, each with its display settings. All scales are fixed."""
    clip = phantom_pair(seed, frames=1)
    poor = array(clip.degraded)
    chunk = next(phantom_chunks(enhancer, poor, clip))
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    difference = chunk.enhanced[0].astype(np.float32) - poor[0]
    difference[~clip.sector_mask.numpy()] = np.nan
    rows, columns = (np.flatnonzero(clip.sector_mask.numpy().any(axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    error = np.zeros(poor[0].shape, np.float32)
    error[box] = cv2.resize(GREY * np.abs(chunk.x[0] - chunk.cycled[0]), error[box].shape[::-1])
    return [
        (poor[0], grey),
        (chunk.enhanced[0], grey),
        (difference, {"cmap": ON_BLACK, "vmin": DIFFERENCE.low, "vmax": DIFFERENCE.high}),
        (error, {"cmap": CYCLE_ERROR.colormap, "vmin": 0, "vmax": CYCLE_ERROR.high}),
        (array(clip.clean)[0], grey),
    ]


if __name__ == "__main__":
    begin(main, ReadmePictureSettings)
