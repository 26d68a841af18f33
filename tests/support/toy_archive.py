"""Small synthetic echo clips with a known fan, and things that are no B-mode, for the tests of curate."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from echogan.core.geometry import Fan
from echogan.curation import worker as curate_worker

HEIGHT, WIDTH = 150, 190
FAN = Fan((94.0, 8.0), -36.0, 36.0, 4.0, 132.0)


def heart(seed: int, frames: int = 8, fan: Fan = FAN, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """A beating dark chamber in speckle, unlike that of any other seed, inside the fan: uint8 (T, H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    cx, cy = rng.uniform(0.35, 0.65) * size[1], rng.uniform(0.4, 0.75) * size[0]
    large = cv2.resize(
        rng.uniform(30, 130, (9, 9)).astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC
    )
    inside = fan.mask(*size)
    clip = []
    for t in range(frames):
        radius = 0.16 * size[0] * (1 + 0.3 * np.sin(2 * np.pi * t / 8 + rng.uniform(0, 0.1)))
        chamber = np.hypot(x - cx, (y - cy) / 1.4) < radius
        speckle = cv2.GaussianBlur(rng.rayleigh(1.0, size).astype(np.float32), (0, 0), 0.8)
        clip.append(np.where(inside, np.clip(np.where(chamber, 12, large) * speckle, 6, 255), 0))
    return np.stack(clip).astype(np.uint8)


def save_npz(path: Path, frames: np.ndarray, **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, frames=frames, **more)  # pyright: ignore
    return path


def save_png(path: Path, frame: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame).save(path)
    return path


def in_process(tasks, settings, workers, cancel=None, **_):
    """In place of curate_pool.examine_all: the worker's own answers, without its process."""
    import json

    for task in tasks:
        line = curate_worker.request(task.path, task.part, settings)
        yield task, json.loads(json.dumps(curate_worker.answer(line)))


def drawn(path: Path, settings):
    """In place of tissue_run.examine where the sector is not the question: every .npz shows FAN."""
    from echogan.core.geometry import Sector
    from echogan.curation import tissue_run
    from echogan.curation.npz_clip import open_npz
    from echogan.curation.settings import LeftOut, Reason

    if path.suffix != ".npz":
        raise LeftOut(Reason.NOT_A_CLIP)
    clip = open_npz(path, settings.limits)
    frames = clip.read().frames
    inside = FAN.mask(*frames.shape[1:])
    sector = Sector("fan", inside, np.zeros_like(inside), 1.0, FAN, text_sure=len(frames) > 4)
    return tissue_run._cut(clip, sector, frames, frames[: settings.frames], settings.size)
