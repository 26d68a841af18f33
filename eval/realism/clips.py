"""How much of the grain stays from one frame to the next: real clips, the phantom's, the sketch's."""

from __future__ import annotations

from pathlib import Path

from eval.real_data import real_clips
from eval.realism.data import Look, clip_pictures, phantom, sketch
from eval.realism.statistics import coherence, percentiles

CLIP_MM = 0.8  # the real clips' own pixels, their depth taken to be 160 mm


def compare_coherence(data: Path, sketch_folder: Path, seeds: range, frames: int) -> dict:
    """Percentiles over clips, and every real clip's own value; `inside` as for the other statistics.

    The few real clips state no scale, so this is the one statistic they take part in.
    """
    real = {path.stem: (grade, coherence(clip_pictures(path, CLIP_MM))) for path, grade in real_clips(data)}
    result: dict = {"real": {name: {"grade": grade, "value": value} for name, (grade, value) in real.items()}}
    if real:
        result["real percentiles"] = percentiles([value for _, value in real.values()])
    looks: tuple[Look, ...] = ("clean", "degraded")
    sources = {"phantom": lambda seed: phantom(looks, seed, frames, CLIP_MM)}
    if (sketch_folder / "fast.py").is_file():
        sources["sketch"] = lambda seed: sketch(looks, seed - seeds.start, sketch_folder, frames, CLIP_MM)
    for source, make in sources.items():
        made = [make(seed) for seed in seeds]
        for look in looks:
            result[f"{source} {look}"] = percentiles([coherence(clip[look]) for clip in made])
    if real:
        low, high = (result["real percentiles"][p] for p in ("p10", "p90"))
        result["inside"] = {look: low <= result[f"phantom {look}"]["p50"] <= high for look in looks}
    return result
