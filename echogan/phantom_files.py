"""Simulated pairs as files: clean and degraded clips, their arrays and truth, and a contact sheet."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.clips.npz_writer import NpzStream
from echogan.errors import SettingsError
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.render import PhantomClip, phantom_clip
from echogan.report import write_whole

MOST_CLIPS, MOST_FRAMES = 10_000, 1_000
SHEET_ROWS = 12  # pairs on the contact sheet


def write_pairs(
    folder: Path,
    clips: int,
    seed: int = 0,
    frames: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write pairs `phantom_<seed>_clean.mp4`, `_degraded.mp4` and `phantom_<seed>.npz`, and sheet.png.

    The .npz holds clean, degraded and labels uint8 (T, S, S), sector_mask bool (S, S), fan float64 (6,) and truth,
    the JSON of everything that was drawn. progress(done, total) counts frames. Raises SettingsError, OutputError.
    """
    for name, value, most in (("clips", clips, MOST_CLIPS), ("frames", frames, MOST_FRAMES)):
        if not 1 <= value <= most:
            raise SettingsError(f"The number of {name} is {value}; give one from 1 to {most}.")
    if seed < 0:
        raise SettingsError(f"The seed is {seed}; give 0 or more.")
    rows = []
    for index in range(clips):
        pair = phantom_clip(seed + index, frames=frames)
        _write_pair(folder, f"phantom_{seed + index:05d}", pair)
        if len(rows) < SHEET_ROWS:
            rows.append(_sheet_row(np.asarray(pair.clean), np.asarray(pair.degraded)))
        if progress is not None:
            progress((index + 1) * frames, clips * frames)
    _write_png(folder / "sheet.png", np.concatenate(rows))


def _write_pair(folder: Path, name: str, pair: PhantomClip) -> None:
    for kind in ("clean", "degraded"):
        frames = np.asarray(getattr(pair, kind))
        path = folder / f"{name}_{kind}.mp4"
        write_clip(path, frames, _in_memory(path, frames, pair))
    with NpzStream(folder / f"{name}.npz") as file:
        for kind in ("clean", "degraded", "labels"):
            file.put(kind, np.asarray(getattr(pair, kind)))
        file.put("sector_mask", np.asarray(pair.sector_mask))
        file.put("fan", np.array(pair.fan, np.float64))
        file.put("truth", json.dumps(pair.truth | {"phantom_version": PHANTOM_VERSION}))


def _in_memory(path: Path, frames: np.ndarray, pair: PhantomClip) -> ClipFile:
    """The facts that a writer asks for, of a clip that is no file yet."""
    count, height, width = frames.shape
    spacing = pair.truth["spacing_mm"]
    return ClipFile(
        path=path,
        kind="video",
        frames=count,
        height=height,
        width=width,
        fps=float(pair.truth["frame_rate"]),
        color=False,
        decode=lambda: iter(frames),
        spacing_mm=(float(spacing), float(spacing)),
    )


def _sheet_row(clean: np.ndarray, degraded: np.ndarray) -> np.ndarray:
    """Clean, degraded, each at the start and half way: uint8 (S, 4 S)."""
    half = len(clean) // 2
    return np.concatenate([clean[0], degraded[0], clean[half], degraded[half]], axis=1)


def _write_png(path: Path, image: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    write_whole(path, buffer.getvalue())
