"""Flicker of enhanced clips against their input, along the optical flow of the input.

    python -m eval stability [--model echogan echogan-camus]

Flicker of frames y is the mean over the tissue of |y(t+1) warped back to t - y(t)|, with the flow of the input. The
ratio is the output's flicker over the input's; a method that changes nothing has 1. A method that raises contrast
raises true change and flicker alike, so a second ratio divides by the gain in contrast (standard deviation inside the
tissue). After Lai et al., ECCV 2018, section 5, with OpenCV's DIS flow (Kroeger et al., ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.geometry import Sector
from echogan.phantom.render import phantom_clip
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, make_methods
from eval.measures.intervals import interval
from eval.measures.provenance import provenance
from eval.paths import RESULTS, SHARED
from eval.real_data import real_clips
from eval.simulated.phantom_clips import array, phantom_sector

RESULT = RESULTS / "stability.json"
FIRST_SEED = 1_700_000_000


@dataclass(frozen=True)
class StabilitySettings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    clips: int = field(default=24, metadata={"help": "number of degraded simulated clips"})
    frames: int = field(default=12, metadata={"help": "frames of each simulated clip"})
    real_frames: int = field(default=40, metadata={"help": "most frames of each real clip"})
    data: Path = field(default=SHARED / "data", metadata={"help": "folder with clips/; may be absent"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first simulated clip"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: StabilitySettings) -> None:
    """Measure, print and write."""
    methods, checkpoints = make_methods(settings.model)
    measured: dict[str, dict[str, dict[str, list[float]]]] = {}
    names: dict[str, list[str]] = {}
    for kind, clips in (("phantom", phantom_clips(settings)), ("real", recorded_clips(settings))):
        names[kind], measured[kind] = [], {row: {"ratio": [], "per_contrast": []} for row in methods}
        for name, frames, sector in clips:
            names[kind].append(name)
            flows = flow(frames)
            for row, method in methods.items():
                found = ratios(frames, method(frames, sector), sector.tissue_mask, flows)
                for key, value in found.items():
                    measured[kind][row][key].append(value)
    result = {kind: summarise(found) for kind, found in measured.items() if names[kind]}
    used = {k: getattr(settings, k) for k in ("clips", "frames", "real_frames", "first_seed")}
    written = {"ratios": result, "model": checkpoints[0], "settings": used, "clips": names}
    show(result)
    write(written | provenance(checkpoints), settings.out, settings, compared)


def compared(result: dict[str, Any]) -> list[str]:
    """Every method and real clip of a result."""
    return [*result["ratios"]["phantom"], *result["clips"]["real"]]


def show(result: dict[str, dict[str, dict[str, dict[str, Any]]]]) -> None:
    """Print both ratios of each method with their intervals."""
    for kind, table in result.items():
        for row, found in table.items():
            plain, per_contrast = (
                f"{f['mean']:.3f} [{f['low']:.3f}, {f['high']:.3f}]"
                for f in (found["ratio"], found["per_contrast"])
            )
            print(f"{kind:8} {row:20} flicker {plain}  flicker per contrast {per_contrast}")


def phantom_clips(settings: StabilitySettings) -> Iterator[tuple[str, np.ndarray, Sector]]:
    """Degraded simulated clips of held-out hearts: name, frames uint8 (T, h, w), sector."""
    for k in range(settings.clips):
        seed = settings.first_seed + k
        clip = phantom_clip(seed, frames=settings.frames, want=("degraded",))
        yield str(seed), array(clip.degraded), phantom_sector(clip)


def recorded_clips(settings: StabilitySettings) -> Iterator[tuple[str, np.ndarray, Sector]]:
    """The real clips that are there, in grey: name, frames uint8 (T, h, w), the sector as found.

    A message says so where the clips beside the project are missing.
    """
    if not (settings.data / "clips").is_dir():
        print(
            f"No clips in {settings.data / 'clips'}: the only real clip is the cine that comes with pydicom."
        )
    for path, _ in real_clips(settings.data / "clips"):
        source = open_clip(path)
        frames = np.stack([grey(frame) for frame in islice(source.iter_frames(), settings.real_frames)])
        yield path.stem, frames, find_sector(source)


def flow(frames: np.ndarray) -> np.ndarray:
    """Where each pixel of frame t lies in frame t + 1: float32 (T - 1, h, w, 2), in pixels (x, y)."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    blank = np.zeros((*frames.shape[1:], 2), np.float32)
    return np.stack([dis.calc(a, b, blank.copy()) for a, b in pairwise(frames)])


def flicker(frames: np.ndarray, flows: np.ndarray, mask: np.ndarray) -> float:
    """Mean |frame t + 1 warped back along the flow - frame t| inside the mask, in grey levels.

    frames uint8 (T, h, w), flows float32 (T - 1, h, w, 2), mask bool (h, w). A pixel whose position in the next frame
    lies outside the mask does not count.
    """
    height, width = mask.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    total, count = 0.0, 0
    for before, after, moved in zip(frames, frames[1:], flows, strict=False):
        where = x + moved[..., 0], y + moved[..., 1]
        back = cv2.remap(after.astype(np.float32), *where, cv2.INTER_LINEAR)
        seen = mask & (cv2.remap(mask.astype(np.float32), *where, cv2.INTER_LINEAR) > 0.99)
        total += float(np.abs(back - before)[seen].sum())
        count += int(seen.sum())
    return total / max(1, count)


def ratios(before: np.ndarray, after: np.ndarray, mask: np.ndarray, flows: np.ndarray) -> dict[str, float]:
    """Flicker of `after` over that of `before`, as a ratio and per contrast; both uint8 (T, h, w)."""
    plain = flicker(after, flows, mask) / max(1e-6, flicker(before, flows, mask))
    contrast = float(after[:, mask].std()) / max(1e-6, float(before[:, mask].std()))
    return {"ratio": plain, "per_contrast": plain / max(1e-6, contrast)}


def summarise(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Each ratio of each method: mean and interval over clips, and the value of each clip."""
    return {
        row: {
            key: {**interval(values), "values": [round(value, 4) for value in values]}
            for key, values in kinds.items()
        }
        for row, kinds in found.items()
    }


if __name__ == "__main__":
    begin(main, StabilitySettings)
