"""Frame-to-frame coherence of speckle in real clips, in the phantom's and in the sketch's."""

from __future__ import annotations

from pathlib import Path

from eval.real_data import real_clips
from eval.realism.data import Condition, clip_pictures, phantom, sketch
from eval.realism.statistics import coherence, percentiles

CLIP_MM = 0.8  # pixel size of the real clips, if their depth is 160 mm


def compare_coherence(data: Path, sketch_folder: Path, seeds: range, frames: int) -> dict:
    """Percentiles of the coherence over clips, and the value of each real clip; `inside` as for other statistics.

    The real clips give no scale, so this is the only statistic that they are used for.
    """
    real = {path.stem: (grade, coherence(clip_pictures(path, CLIP_MM))) for path, grade in real_clips(data)}
    result: dict = {"real": {name: {"grade": grade, "value": value} for name, (grade, value) in real.items()}}
    if real:
        result["real percentiles"] = percentiles([value for _, value in real.values()])
    conditions: tuple[Condition, ...] = ("clean", "degraded")
    sources = {"phantom": lambda seed: phantom(conditions, seed, frames, CLIP_MM)}
    if (sketch_folder / "fast.py").is_file():
        sources["sketch"] = lambda seed: sketch(
            conditions, seed - seeds.start, sketch_folder, frames, CLIP_MM
        )
    for source, make in sources.items():
        made = [make(seed) for seed in seeds]
        for condition in conditions:
            result[f"{source} {condition}"] = percentiles([coherence(clip[condition]) for clip in made])
    if real:
        low, high = (result["real percentiles"][p] for p in ("p10", "p90"))
        result["inside"] = {
            condition: low <= result[f"phantom {condition}"]["p50"] <= high for condition in conditions
        }
    return result
