"""Accuracy of the sector finder on simulated hard fans and on real clips, and the calibration of its confidence.

    python -m eval fans [--clips 200]

It measures the IoU with the true sector, the confidence (an IoU that most such fans exceed), and how often the user is
asked to check the sector. Asking is right where the IoU is below 0.9, and wrong elsewhere. Seconds are processor time
of one call, with the frames in memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echogan.clips.clip import Clip, ClipFile
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.clips.sector.not_b_mode import NotBMode
from echogan.clips.sector.sector_confidence import CHECK_BELOW
from echogan.core.geometry import Sector
from eval.command import begin, write
from eval.fans.hard_fans import HardFan, hard_fan
from eval.fans.outlines import OUTLINES, polygon
from eval.paths import RESULTS, SHARED
from eval.real_data import fan_of_regions

RESULT = RESULTS / "fans.json"
FIRST_SEED = 2_200_000_000
ENOUGH = 0.9  # IoU below which the user should be asked to check
HALF = 0.5  # share of an ECG trace below which it counts as missed
NEAR = 0.02  # share of the frame's shorter side within which overlay belongs to a trace


@dataclass(frozen=True)
class FansSettings:
    """What is measured, and where the result goes."""

    clips: int = field(default=200, metadata={"help": "number of simulated hard fans"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first fan"})
    data: Path = field(default=SHARED / "data", metadata={"help": "folder of real clips; may be absent"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: FansSettings) -> None:
    """Measure, print and write."""
    cv2.setNumThreads(1)
    simulated = []
    for seed in range(settings.first_seed, settings.first_seed + settings.clips):
        hard = hard_fan(seed)
        found, facts = find_and_compare(Clip(hard.frames), hard.truth)
        facts |= (
            {"trace_found": None, "overlay": 0.0, "overlay_beyond": 0.0}
            if found is None
            else overlay_facts(found, hard)
        )
        simulated.append(
            {"seed": seed, "frames": len(hard.frames), "traced": hard.trace is not None, **facts}
        )
    real = {name: find_and_compare(clip, truth)[1] for name, clip, truth in outlined_clips(settings.data)}
    result = {"simulated": summary(simulated), "real": real, "simulated_clips": simulated}
    print(json.dumps({key: result[key] for key in ("simulated", "real")}, indent=1))
    write(result, settings.out, settings, rows=lambda result: result["real"])


def find_and_compare(clip: Clip | ClipFile, truth: np.ndarray) -> tuple[Sector | None, dict[str, Any]]:
    """The sector as found, and its row: IoU with the truth, confidence, whether the user is asked, seconds.

    A clip that is refused as no B-mode has no sector: its IoU is 0, and nobody is asked.

    truth  bool (H, W): the imaged sector
    """
    start = time.thread_time()
    try:
        sector = find_sector(clip)
    except NotBMode:
        sector = None
    seconds = time.thread_time() - start
    return sector, {
        "iou": 0.0 if sector is None else round(iou(sector.mask, truth), 4),
        "confidence": 0.0 if sector is None else round(sector.confidence, 4),
        "asks": sector is not None and sector.confidence < CHECK_BELOW,
        "refused": sector is None,
        "squeezed": sector is not None and any("squeezed" in note for note in sector.notes),
        "seconds": round(seconds, 3),
    }


def overlay_facts(found: Sector, hard: HardFan) -> dict[str, float | None]:
    """The share of a clip's trace that is found, and of its sector that is overlay, in all and beyond the trace."""
    overlay = (found.overlay_mask & hard.truth).sum() / hard.truth.sum()
    trace = None if hard.trace is None else trace_found(found, hard.trace & hard.truth)
    near = around(hard.trace) if hard.trace is not None else np.zeros_like(hard.truth)
    beyond = (found.overlay_mask & hard.truth & ~near).sum() / hard.truth.sum()
    return {
        "trace_found": trace, "overlay": round(float(overlay), 4), "overlay_beyond": round(float(beyond), 4)
    }  # fmt: skip


def around(trace: np.ndarray) -> np.ndarray:
    """A trace, bool (H, W), with what lies NEAR it."""
    reach = max(1, round(NEAR * min(trace.shape)))
    return cv2.dilate(trace.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((a & b).sum() / max((a | b).sum(), 1))


def trace_found(found: Sector, trace: np.ndarray) -> float | None:
    """The share of the ECG trace, bool (H, W), that is not taken for tissue; None where there is hardly any trace."""
    return round(float((trace & ~found.tissue_mask).sum() / trace.sum()), 4) if trace.sum() > 20 else None


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians and rates over all rows; a rate without cases is None."""
    overlaps = np.array([row["iou"] for row in rows])
    asks = np.array([row["asks"] for row in rows])
    claimed = np.array([row["confidence"] for row in rows])
    poor = overlaps < ENOUGH
    traces = [row["trace_found"] for row in rows if row["trace_found"] is not None]
    plain = [row["overlay"] for row in rows if not row["traced"]]
    beyond = [row["overlay_beyond"] for row in rows if row["traced"]]
    return {
        "clips": len(rows),
        "iou_median": round(float(np.median(overlaps)), 4),
        "iou_percentile_5": round(float(np.percentile(overlaps, 5)), 4),
        "iou_below_0.9": int(poor.sum()),
        "asks_where_below": round(float(asks[poor].mean()), 4) if poor.any() else None,
        "asks_elsewhere": round(float(asks[~poor].mean()), 4) if (~poor).any() else None,
        "confidence_error": round(float(np.abs(claimed - overlaps).mean()), 4),
        "traces": len(traces),
        "traces_missed": sum(one < HALF for one in traces),
        "trace_found_median": round(float(np.median(traces)), 4) if traces else None,
        "overlay_mean_without_trace": round(float(np.mean(plain)), 4) if plain else None,
        "overlay_mean_beyond_trace": round(float(np.mean(beyond)), 4) if beyond else None,
        "refused": sum(row["refused"] for row in rows),
        "squeezed": sum(row["squeezed"] for row in rows),
        "seconds_median": round(float(np.median([row["seconds"] for row in rows])), 3),
    }


def outlined_clips(data: Path) -> Iterator[tuple[str, ClipFile, np.ndarray]]:
    """(name, clip, true sector bool (H, W)) of the real clips in `data` that are there and have an outline."""
    for name, (file, outline) in OUTLINES.items():
        if (data / file).is_file():
            clip = open_clip(data / file)
            yield name, clip, polygon(outline, (clip.height, clip.width))
    regions = data / "haze" / "regions.json"
    if regions.is_file():
        fan = fan_of_regions(json.loads(regions.read_text())["fan"])
        for path in sorted(regions.parent.glob("hazy_*.mkv")):
            clip = open_clip(path)
            yield path.stem, clip, fan.mask(clip.height, clip.width)


if __name__ == "__main__":
    begin(main, FansSettings)
