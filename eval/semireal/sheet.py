"""The contact sheet of semi-real lesions: the still, with its lesion, as the network sees it, and its result.

It shows patients, so it lies in an ignored folder and is not part of the project.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from eval.measures.baselines import Method
from eval.simulated.lesion_cases import LesionCase

OF_EACH = 6  # lesions of each kind


def draw_sheet(cases: Sequence[LesionCase], method: Method, out: Path) -> None:
    """Write a PNG with one row of pictures for each of the first OF_EACH visible lesions of a kind."""
    kinds = sorted({case.kind for case in cases})
    shown = [case for kind in kinds for case in [one for one in cases if one.kind == kind][:OF_EACH]]
    titles = ("still", "with lesion", "input", "result", "where")
    figure, axes = plt.subplots(
        len(shown),
        len(titles),
        figsize=(3.2 * len(titles), 2.6 * len(shown)),
        facecolor="black",
        squeeze=False,
    )
    for line, case in zip(axes, shown, strict=True):
        clip = case.clip
        after = method(clip.array("poor"), clip.sector)[0]
        frames = [clip.array(name)[0] for name in ("clear_control", "clear", "poor")]
        for axis, image, title in zip(line, [*frames, after, frames[1]], titles, strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
            axis.set_title(f"{title}, {case.kind}" if title == "still" else title, color="white", fontsize=8)
            axis.axis("off")
        line[-1].contour(clip.array("lesion")[0], levels=[0.5], colors="#ffb703", linewidths=0.7)
    figure.subplots_adjust(0.002, 0.002, 0.998, 0.995, 0.01, 0.06)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100)
    plt.close(figure)
