"""Speed of the phantom: pairs of a clean and a degraded frame per core-second, beside an earlier simulator, the sketch.

    python -m eval phantom_speed [--clips 24] [--sketch FOLDER]

The clips have 32 frames of 256 x 256. Building the heart is included, a pair counts once, and there is one thread. The
views have the same shares as in training. Phantom and sketch run in turn, clip by clip, so that other load on the
machine slows both. Time is processor time of this process. With CUDA also frames per second of `phantom_stream`.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import Phantom, draw_view
from echogan.phantom.stream import StreamConfig, phantom_stream
from eval.command import begin, write
from eval.paths import RESULTS, ROOT
from eval.performance.machine import machine_facts

RESULT = RESULTS / "phantom_speed.json"
FIRST_SEED = 3000
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class PhantomSpeedSettings:
    """What is measured, and where the result goes."""

    clips: int = field(default=24, metadata={"help": "number of clips, after one to warm up"})
    frames: int = field(default=32, metadata={"help": "frames of each clip"})
    sketch: Path = field(
        default=ROOT.parent / "shared" / "prototypes" / "phantom",
        metadata={"help": "folder of the sketch: fast.py, echosim.py"},
    )
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: PhantomSpeedSettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    result = measure(settings)
    write(result, settings.out, settings, lambda result: ())
    print(json.dumps(result, indent=1))


def measure(settings: PhantomSpeedSettings) -> dict:
    """The result as JSON. Without a sketch or CUDA its entries are NOT_MEASURED."""
    sketch = load_sketch(settings.sketch)
    simulators: list[Callable[[int, int], None]] = [phantom_clip]
    if sketch is not None:
        simulators.append(sketch_clip(sketch))
    for simulator in simulators:
        simulator(FIRST_SEED - 1, settings.frames)
    views, times = [], []
    for k in range(settings.clips):
        seed = FIRST_SEED + k
        views.append(draw_view(seed, PhantomSettings()))
        # Each simulator goes first in half of the rounds.
        order = sorted(range(len(simulators)), reverse=bool(k % 2))
        spent = {which: timed(simulators[which], seed, settings.frames) for which in order}
        times.append([spent[which] for which in range(len(simulators))])
    per_second = settings.frames / np.array(times)
    return {
        "phantom": PHANTOM_VERSION,
        "pairs_per_core_second": _spread(per_second[:, 0]),
        "by_view": _by_view(views, per_second[:, 0]),
        "building_s": round(
            statistics.median(building(FIRST_SEED + k) for k in range(min(8, settings.clips))), 4
        ),
        "sketch_pairs_per_core_second": _spread(per_second[:, 1]) if sketch else NOT_MEASURED,
        "ratio": _spread(per_second[:, 0] / per_second[:, 1]) if sketch else NOT_MEASURED,
        "cuda_stream": cuda_stream(settings.frames) if torch.cuda.is_available() else NOT_MEASURED,
        "clips": settings.clips,
        "frames_per_clip": settings.frames,
        **machine_facts(),
    }


def phantom_clip(seed: int, frames: int) -> None:
    """Draw, build and render one clip of the phantom, clean and degraded."""
    Phantom(draw_view(seed, PhantomSettings()), seed, frames=frames).render(want=("clean", "degraded"))


def building(seed: int) -> float:
    """Seconds to draw a heart, its motion and the probe, to place its scatterers, and to render the first frame."""
    return timed(phantom_clip, seed, 1)


def timed(simulator: Callable[[int, int], None], seed: int, frames: int) -> float:
    """Seconds of processor time for one clip."""
    start = time.process_time()
    simulator(seed, frames)
    return time.process_time() - start


def load_sketch(folder: Path) -> ModuleType | None:
    """The module of the sketch; None, with a message, where it or one of its libraries is missing."""
    if not (folder / "fast.py").is_file():
        print(f"There is no sketch in {folder.name}/: only the phantom is measured.", file=sys.stderr)
        return None
    sys.path.insert(0, str(folder))
    try:
        sketch = importlib.import_module("fast")
        importlib.import_module("cv2").setNumThreads(1)
    except ImportError as error:
        print(f"The sketch needs {error.name}: only the phantom is measured.", file=sys.stderr)
        return None
    finally:
        sys.path.remove(str(folder))
    torch.set_num_threads(1)
    return sketch


def sketch_clip(sketch: ModuleType) -> Callable[[int, int], None]:
    """A function that draws, builds and renders one clip of the sketch, clean and degraded."""

    def clip(seed: int, frames: int) -> None:
        rng = np.random.default_rng(seed)
        built = sketch.build(seed, sketch.sample_params(rng), frames)
        sketch.render(built, sketch.sample_degr(rng), seed)

    return clip


def cuda_stream(frames: int, batches: int = 8, clips: int = 8) -> dict[str, float]:
    """Pairs and frames per second of wall time of the stream on the GPU, building included."""
    stream = phantom_stream(StreamConfig(clips=clips, frames=frames, seed=FIRST_SEED), "cuda")
    next(stream)
    torch.cuda.synchronize()
    start = time.perf_counter()
    pairs = sum(clips * frames for _ in islice(stream, batches))
    torch.cuda.synchronize()
    rate = pairs / (time.perf_counter() - start)
    return {"pairs_per_s": round(rate, 1), "frames_per_s": round(2 * rate, 1)}


def _by_view(views: list, values: np.ndarray) -> dict[str, float]:
    names = np.array(views)
    return {str(view): round(float(np.median(values[names == view])), 2) for view in sorted(set(views))}


def _spread(values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return {"median": round(float(middle), 2), "low": round(float(low), 2), "high": round(float(high), 2)}


if __name__ == "__main__":
    begin(main, PhantomSpeedSettings)
