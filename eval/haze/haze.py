"""gCNR, wall level, structure and flicker on real hazy clips of patients who are hard to image; for evaluation only.

    python -m eval haze [--model echogan runs/my-run/checkpoint] [--quick]

Each clip gives the overlap (IoU) of the fan as found with the fan given by hand. Each method is measured with the
sector as found and as given. gCNR and CNR of the hazy cavity against the septum, the level of the wall, and the
structure kept in the wall (`eval.haze.measures`) are of the five frames around the one that the regions were drawn on.
Flicker along the optical flow (`eval.simulated.stability`) and the mean change in grey levels are of all frames, inside
the fan given by hand. The clips lie beside the project and have no licence. Nothing may be trained on them or fitted
to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eval.command import begin, write
from eval.haze.clips import AROUND, HazyClip, hazy_clips
from eval.haze.measures import BINS, region_measures
from eval.haze.sheet import Panel, draw_sheet
from eval.measures.baselines import NETWORKS, Method, make_methods
from eval.measures.metrics import mean_change
from eval.measures.provenance import provenance
from eval.paths import ORACLE, RESULTS, SHARED
from eval.simulated.stability import flow, ratios

RESULT = RESULTS / "haze.json"
CLASSICAL = "non-local means"
SECTORS = ("found", "given")
SHOWN = {
    "gcnr": ("gCNR", ".3f"), "cnr": ("CNR", ".2f"), "wall_db": ("wall dB", "+.2f"), "cavity_db": ("cavity dB", "+.2f"),
    "structure": ("structure", ".3f"), "flicker": ("flicker", ".2f"), "greatest_flicker": ("at most", ".2f"),
    "change": ("change", ".2f"),
}  # fmt: skip


@dataclass(frozen=True)
class HazeSettings:
    """What is measured, and where the results go."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints, by name or folder"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "checkpoint trained with the pairs; None leaves it out"}
    )
    quick: bool = field(
        default=False,
        metadata={"help": "measure only the five frames of the regions, and write no result"},
    )
    data: Path = field(
        default=SHARED / "data" / "haze", metadata={"help": "folder of the clips; may be absent"}
    )
    sheet: Path = field(default=Path("out/haze"), metadata={"help": "folder of the contact sheets"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: HazeSettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    if not (settings.data / "regions.json").is_file():
        print(f"No hazy clips in {settings.data}: nothing was measured.")
        return
    methods, checkpoints = haze_methods(settings)
    found, panels = {}, {}
    for clip in hazy_clips(settings.data, settings.quick):
        found[clip.name], panels[clip.name] = measure(clip, methods)
    result = {"clips": found, "means": means(found), **facts(checkpoints, settings)}
    show(result)
    for name in panels and [one for one in methods if one not in ("input", CLASSICAL)]:
        draw_sheet(panels, name, CLASSICAL, settings.sheet / f"{name}.png")
    if not settings.quick:
        write(result, settings.out, settings, lambda result: [*result["means"], *result["clips"]])


def haze_methods(settings: HazeSettings) -> tuple[dict[str, Method], list[dict[str, str]]]:
    """The methods measured, by name, and their checkpoints; the oracle, where wanted, is the last."""
    models = [*settings.model, *([str(settings.oracle)] if settings.oracle else [])]
    methods, checkpoints = make_methods(models)
    kept = ["input", CLASSICAL, *(checkpoint["name"] for checkpoint in checkpoints)]
    return {name: methods[name] for name in kept}, checkpoints


def measure(clip: HazyClip, methods: dict[str, Method]) -> tuple[dict[str, Any], Panel]:
    """All measures of one clip, and its panel of the contact sheet (with the sector as found)."""
    flows, tissue = flow(clip.frames), clip.sectors["given"].tissue_mask
    outputs: dict[str, np.ndarray] = {}
    measured: dict[str, dict[str, dict[str, float]]] = {row: {} for row in methods}
    for kind in SECTORS:
        for row, method in methods.items():
            after = method(clip.frames, clip.sectors[kind])
            measured[row][kind] = {
                **_in_regions(clip, after),
                "flicker": ratios(clip.frames, after, tissue, flows)["ratio"],
                "change": mean_change(after, clip.frames, tissue),
            }
            if kind == "found":
                outputs[row] = after[clip.near][len(after[clip.near]) // 2]
    found, given = clip.sectors["found"].mask, clip.fan.mask(*clip.frames.shape[1:])
    fit = {
        "fan_iou": float((found & given).sum() / (found | given).sum()),
        "confidence": clip.sectors["found"].confidence,
        "frames": len(clip.frames),
    }
    return fit | {"rows": measured}, Panel(outputs, clip.regions, found)


def _in_regions(clip: HazyClip, after: np.ndarray) -> dict[str, float]:
    """The measures of cavity and wall; none where a clip has no regions."""
    if not clip.regions:
        return {}
    regions = clip.regions["cavity"], clip.regions["wall"]
    return region_measures(clip.frames[clip.near], after[clip.near], *regions)


def means(clips: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Method -> sector -> measure: the mean over the clips that have it, and the greatest flicker of any clip."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in next(iter(clips.values()))["rows"]:
        for kind in SECTORS:
            found = [clip["rows"][row][kind] for clip in clips.values()]
            names = {name: None for one in found for name in one}
            values = {name: float(np.mean([one[name] for one in found if name in one])) for name in names}
            values["greatest_flicker"] = max(one["flicker"] for one in found)
            result.setdefault(row, {})[kind] = values
    return result


def facts(checkpoints: list[dict[str, str]], settings: HazeSettings) -> dict[str, Any]:
    """What the result was made with. The oracle, where measured, is the last of the checkpoints."""
    oracle = {"oracle": checkpoints[-1]} if settings.oracle else {}
    return {
        "data": "real clips, for evaluation only",
        "settings": {"bins": BINS, "around": AROUND},
        **provenance(checkpoints[:-1] if oracle else checkpoints),
        **oracle,
    }


def show(result: dict[str, Any]) -> None:
    """Print how each clip's fan was found, and the measures of each method."""
    for name, clip in result["clips"].items():
        values = "  ".join(
            f"{row} {kinds['found']['gcnr']:.3f}"
            for row, kinds in clip["rows"].items()
            if "gcnr" in kinds["found"]
        )
        print(
            f"clip {name}: fan IoU {clip['fan_iou']:.3f}, confidence {clip['confidence']:.2f}; gCNR {values}"
        )
    for row, kinds in result["means"].items():
        for kind, found in kinds.items():
            values = "  ".join(f"{title} {found[name]:{style}}" for name, (title, style) in SHOWN.items())
            print(f"{row:18} {kind:6} {values}")


if __name__ == "__main__":
    begin(main, HazeSettings)
