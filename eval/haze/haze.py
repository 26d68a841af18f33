"""What does enhancement do to real hazy clips of patients who are hard to image? Evaluation only.

    python -m eval haze [--model echogan runs/my-run/checkpoint] [--quick]

Per clip: how well the found fan fits the one given by hand (IoU), and per row, with the sector as found and as given:
gCNR and CNR of hazy cavity against septum (polygons drawn by hand, the five frames around the one they were drawn
on), the wall's level, the structure kept in it (`eval.haze.measures`), flicker along the flow (`eval.simulated.stability`) and
the mean change in grey levels. The last two are of all frames, inside the fan given by hand whichever sector was
used. The clips lie beside the project, have no licence, and nothing may be trained on them or fitted to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from echogan.clips.clip import grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.core.errors import EchoGANError
from echogan.core.geometry import Fan, Sector
from eval.command import begin, write
from eval.haze.measures import BINS, region_measures
from eval.haze.sheet import Panel, draw_sheet
from eval.measures.baselines import NETWORKS, Row, make_rows, provenance
from eval.measures.metrics import mean_change
from eval.paths import ORACLE, RESULTS, SHARED
from eval.simulated.stability import flow, ratios

RESULT = RESULTS / "haze.json"
CLASSICAL = "non-local means"
AROUND = 2  # frames on either side of the one that the regions were drawn on
SECTORS = ("found", "given")
SHOWN = {
    "gcnr": ("gCNR", ".3f"), "cnr": ("CNR", ".2f"), "wall_db": ("wall dB", "+.2f"), "cavity_db": ("cavity dB", "+.2f"),
    "structure": ("structure", ".3f"), "flicker": ("flicker", ".2f"), "greatest_flicker": ("at most", ".2f"),
    "change": ("change", ".2f"),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the results go."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints, by name or folder"})
    oracle: Path | None = field(
        default=ORACLE, metadata={"help": "checkpoint trained with the pairs; None leaves it out"}
    )
    quick: bool = field(
        default=False, metadata={"help": "only the five frames around the measured one; not written"}
    )
    data: Path = field(default=SHARED / "data" / "haze", metadata={"help": "the clips; may be absent"})
    sheet: Path = field(default=Path("out/haze"), metadata={"help": "folder of the contact sheets"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


@dataclass(frozen=True)
class HazyClip:
    """One clip: frames uint8 (T, h, w), the fan and the sectors by name, its regions where it has any.

    `near` are the indices of the frames that the regions are measured on.
    """

    name: str
    frames: np.ndarray
    fan: Fan
    sectors: dict[str, Sector]
    near: slice
    regions: dict[str, np.ndarray]


def main(settings: Settings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    if not (settings.data / "regions.json").is_file():
        print(f"no hazy clips in {settings.data}: nothing was measured.")
        return
    rows, told = haze_rows(settings)
    found, panels = {}, {}
    for clip in hazy_clips(settings.data, settings.quick):
        found[clip.name], panels[clip.name] = measure(clip, rows)
    result = {"clips": found, "means": means(found), **facts(told, settings)}
    show(result)
    for name in panels and [one for one in rows if one not in ("input", CLASSICAL)]:
        draw_sheet(panels, name, CLASSICAL, settings.sheet / f"{name}.png")
    if not settings.quick:
        write(result, settings.out, settings, lambda result: [*result["means"], *result["clips"]])


def haze_rows(settings: Settings) -> tuple[dict[str, Row], list[dict[str, str]]]:
    """The rows measured, by name, and the checkpoints among them; the oracle's, where wanted, is the last."""
    models = [*settings.model, *([str(settings.oracle)] if settings.oracle else [])]
    rows, told = make_rows(models)
    kept = ["input", CLASSICAL, *(one["name"] for one in told)]
    return {name: rows[name] for name in kept}, told


def hazy_clips(folder: Path, quick: bool = False) -> Iterator[HazyClip]:
    """The clips of a folder with their regions. `quick`: only the frames that the regions are measured on."""
    given = json.loads((folder / "regions.json").read_text())
    fan = _fan(given["fan"])
    near = slice(given["frame"] - AROUND, given["frame"] + AROUND + 1)
    paths = sorted(folder.glob("hazy_*.mkv"), key=lambda path: int(path.stem.removeprefix("hazy_")))
    if not paths:
        raise EchoGANError(f"There is no hazy_*.mkv in {folder}: give another --data.")
    for path in paths:
        name = path.stem.removeprefix("hazy_")
        source = open_clip(path)
        frames = np.stack([grey(frame) for frame in source.iter_frames()])
        sectors = {"found": find_sector(source), "given": sector_from_fan(fan, source)}
        regions = {
            kind: polygon_mask(points, frames.shape[1:]) for kind, points in given.get(name, {}).items()
        }
        shown = near if regions else slice(None)
        if quick:
            frames, shown = frames[shown], slice(None)
        yield HazyClip(name, frames, fan, sectors, shown, regions)


def _fan(given: dict[str, Any]) -> Fan:
    x, y = (float(value) for value in given["apex"])
    return Fan((x, y), given["left_deg"], given["right_deg"], float(given["r_min"]), float(given["r_max"]))


def polygon_mask(points: list[list[int]], size: tuple[int, ...]) -> np.ndarray:
    """The pixels of a polygon of (x, y) corners, its edge included: bool (h, w)."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.array(points, np.int32)], 1)
    return mask > 0


def measure(clip: HazyClip, rows: dict[str, Row]) -> tuple[dict[str, Any], Panel]:
    """Everything of one clip, and what the contact sheet shows of it (with the sector as found)."""
    flows, tissue = flow(clip.frames), clip.sectors["given"].tissue_mask
    outputs: dict[str, np.ndarray] = {}
    measured: dict[str, dict[str, dict[str, float]]] = {row: {} for row in rows}
    for kind in SECTORS:
        for row, treat in rows.items():
            after = treat(clip.frames, clip.sectors[kind])
            measured[row][kind] = {
                **_in_regions(clip, after),
                "flicker": ratios(clip.frames, after, tissue, flows)["ratio"],
                "change": mean_change(after, clip.frames, tissue),
            }
            if kind == "found":
                outputs[row] = after[clip.near][len(after[clip.near]) // 2]
    shape, mask = clip.sectors["found"].mask, clip.fan.mask(*clip.frames.shape[1:])
    fit = {
        "fan_iou": float((shape & mask).sum() / (shape | mask).sum()),
        "confidence": clip.sectors["found"].confidence,
        "frames": len(clip.frames),
    }
    return fit | {"rows": measured}, Panel(outputs, clip.regions, shape)


def _in_regions(clip: HazyClip, after: np.ndarray) -> dict[str, float]:
    """The measures of cavity and wall; none where a clip has no regions."""
    if not clip.regions:
        return {}
    regions = clip.regions["cavity"], clip.regions["wall"]
    return region_measures(clip.frames[clip.near], after[clip.near], *regions)


def means(clips: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Row -> sector -> measure: the mean over the clips that have it, and of flicker the greatest too."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in next(iter(clips.values()))["rows"]:
        for kind in SECTORS:
            found = [clip["rows"][row][kind] for clip in clips.values()]
            names = {name: None for one in found for name in one}
            values = {name: float(np.mean([one[name] for one in found if name in one])) for name in names}
            values["greatest_flicker"] = max(one["flicker"] for one in found)
            result.setdefault(row, {})[kind] = values
    return result


def facts(told: list[dict[str, str]], settings: Settings) -> dict[str, Any]:
    """What the result was made with."""
    oracle = {"oracle": told[-1]} if settings.oracle else {}
    return {
        "data": "real clips, for evaluation only",
        "settings": {"bins": BINS, "around": AROUND},
        **provenance(told[:-1] if oracle else told),
        **oracle,
    }


def show(result: dict[str, Any]) -> None:
    """Print the clips' fans, and each row's measures."""
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
            told = "  ".join(f"{title} {found[name]:{style}}" for name, (title, style) in SHOWN.items())
            print(f"{row:18} {kind:6} {told}")


if __name__ == "__main__":
    begin(main, Settings)
