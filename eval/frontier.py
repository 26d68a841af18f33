"""Effect against fidelity, one point per training run: gCNR on real hazy clips against the gain in Dice on stills.

    python -m eval frontier                                          draw docs/frontier.png from the saved points
    python -m eval frontier --add runs/my-run/checkpoint --name my-run --recipe "haze 0.5, cycle 3"

--add measures a checkpoint on the hazy clips (as `python -m eval haze --quick`, with the sector as found) and saves the
point in eval/results/frontier.json. It replaces a point of the same name. Dice is measured on the selection patients
(`eval.camus.selection`), by a segmenter with another seed than the frozen one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import torch

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from echogan.core.errors import EchoGANError
from eval.camus.selection import measure_selection
from eval.command import begin
from eval.haze import haze
from eval.haze.clips import hazy_clips
from eval.haze.haze import HazeSettings
from eval.paths import CAMUS, DOCS, RESULTS

RESULT = RESULTS / "frontier.json"
FIGURE = DOCS / "frontier.png"
GRADES = ("Poor", "Good")
KEPT = ("gcnr", "wall_db", "structure", "greatest_flicker", "change")
LEAST_LIMIT = 1.0  # least end of the Dice axis on either side, in hundredths
MOST_CHANGE = 15.0  # end of the colour scale in grey levels


@dataclass(frozen=True)
class FrontierSettings:
    """Which checkpoint is added, and where points and figure are saved."""

    add: str | None = field(default=None, metadata={"help": "checkpoint to measure, by name or folder"})
    name: str | None = field(
        default=None, metadata={"help": "name of the point, by default that of the checkpoint"}
    )
    recipe: str = field(default="", metadata={"help": "how the run was trained, in words"})
    data: Path = field(default=HazeSettings().data, metadata={"help": "folder of the hazy clips"})
    out: Path = field(default=RESULT, metadata={"help": "JSON of the points"})
    figure: Path = field(default=FIGURE, metadata={"help": "PNG to draw"})


def main(settings: FrontierSettings) -> None:
    """Add a point if one is given, and draw all points."""
    torch.set_num_threads(1)
    kept = json.loads(settings.out.read_text()) if settings.out.is_file() else {"points": []}
    if settings.add is not None:
        point, inputs = measured(settings)
        print(json.dumps(point))
        others = [one for one in kept["points"] if one["name"] != point["name"]]
        kept = {"input_gcnr": inputs, "points": [*others, point]}
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(kept, indent=1, allow_nan=False) + "\n")
    if not kept["points"]:
        raise EchoGANError("There is no point to draw: give a checkpoint with --add.")
    draw(kept, settings.figure)


def measured(settings: FrontierSettings) -> tuple[dict[str, Any], float]:
    """The point of the checkpoint to add, and the mean gCNR of the clips without enhancement."""
    assert settings.add is not None
    if not (settings.data / "regions.json").is_file():
        raise EchoGANError(f"There are no hazy clips in {settings.data}: a point cannot be measured.")
    methods, (network,) = haze.haze_methods(HazeSettings(model=(settings.add,), oracle=None))
    clips = {clip.name: haze.measure(clip, methods)[0] for clip in hazy_clips(settings.data, quick=True)}
    means = haze.means(clips)
    found = means[network["name"]]["found"]
    point = {
        "name": settings.name or network["name"],
        "recipe": settings.recipe,
        "sha256": network["sha256"],
        **{name: round(found[name], 4) for name in KEPT},
        "dice": dice_gains(settings.add, network["name"]),
    }
    return point, round(means["input"]["found"]["gcnr"], 4)


def dice_gains(add: str, network: str) -> dict[str, float | None]:
    """The gain in Dice over the input on poor and good stills of the selection patients; None without CAMUS."""
    if not (CAMUS / "index.csv").is_file():
        return dict.fromkeys(GRADES)
    found = measure_selection(CAMUS, [add])[network]
    return {grade: round(found[grade]["Dice"]["mean"] / 100, 5) for grade in GRADES}


def draw(kept: dict[str, Any], out: Path) -> None:
    """Write the figure: one panel per grade, with gCNR upwards, gain in Dice to the right, and change as colour."""
    figure, axes = plt.subplots(1, len(GRADES), figsize=(11, 5), sharey=True, layout="constrained")
    for axis, grade in zip(axes, GRADES, strict=True):
        shown = _panel(axis, kept, grade)
    axes[0].set_ylabel("mean gCNR of cavity against septum, real hazy clips")
    bar = figure.colorbar(shown, ax=axes, shrink=0.8)
    bar.set_label("mean change inside the tissue, grey levels")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=120)
    plt.close(figure)


def _panel(axis: Axes, kept: dict[str, Any], grade: str) -> PathCollection:
    points = [point for point in kept["points"] if point["dice"][grade] is not None]
    missing = len(kept["points"]) - len(points)
    axis.axhline(kept["input_gcnr"], color="grey", linewidth=0.8, linestyle="--")
    axis.axvline(0, color="grey", linewidth=0.8, linestyle="--")
    axis.annotate(
        "input", (0.99, kept["input_gcnr"]), xycoords=("axes fraction", "data"), ha="right", va="bottom",
        fontsize=8, color="grey",
    )  # fmt: skip
    x, y = [100 * point["dice"][grade] for point in points], [point["gcnr"] for point in points]
    limit = 1.2 * max([LEAST_LIMIT, *map(abs, x)])
    axis.set_xlim(-limit, limit)
    shown = axis.scatter(
        x,
        y,
        c=[point["change"] for point in points],
        vmin=0,
        vmax=MOST_CHANGE,
        cmap="viridis",
        s=45,
        zorder=2,
    )
    for point, across, up in zip(points, x, y, strict=True):
        neighbour = any(
            0 < other - across < limit / 3 and abs(height - up) < 0.01
            for other, height in zip(x, y, strict=True)
        )
        side, align = (-6, "right") if neighbour or across > 0.6 * limit else (6, "left")
        label = axis.annotate(
            point["name"], (across, up), xytext=(side, 4), textcoords="offset points", fontsize=7, ha=align
        )
        label.set_in_layout(False)  # a long name would narrow the panels
    axis.margins(y=0.2)
    axis.set_xlabel(
        f"gain in Dice on {grade.lower()} real stills, hundredths"
        + (f" ({missing} not measured)" if missing else "")
    )
    return shown


if __name__ == "__main__":
    begin(main, FrontierSettings)
