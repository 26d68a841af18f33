"""Simulated pairs as files: clean and degraded clips, their arrays and truth, and a contact sheet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.clips.formats.npz_writer import NpzStream
from echogan.core.atomic import moving_into, output_errors
from echogan.core.errors import Cancelled
from echogan.core.geometry import Fan, Sector
from echogan.phantom.clip import PhantomClip
from echogan.phantom_files.contact_sheet import Sheet
from echogan.phantom_files.pairs import Pair, PairSettings, pairs

ARRAYS = ("clean", "degraded", "labels", "lesion_mask", "support", "sector_mask")


def write_pairs(
    folder: Path,
    settings: PairSettings,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> int:
    """Write pairs into an existing folder, and sheet.png of the first dozen; returns the number of pairs with controls.

    Each pair is NAME_clean and NAME_degraded in the settings' format (none for "npz"), NAME.json and NAME.npz;
    NAME is phantom_SEED_VIEW, then the lesion, or the lesion and "control". The .npz holds clean, degraded, labels
    (Tissue values) and support (255: all of the tissue's signal survives) as uint8 (T, S, S), lesion_mask bool
    (T, S, S), sector_mask bool (S, S), fan float64 (6,) and truth, the same JSON. All files of a pair appear
    together or not at all. progress(done, total) counts frames. Raises SettingsError, OutputError, and Cancelled
    before the next pair once `cancel` is set.
    """
    settings.check()
    sheet, done = Sheet(), 0
    total = settings.clips * (1 if settings.lesion == "none" else 2)
    for pair in pairs(settings):
        _stop_if(cancel)
        write_pair(folder, pair, settings.format)
        sheet.add(pair.clip, pair.role.replace("_", " "))
        done += 1
        if progress is not None:
            progress(done * settings.frames, total * settings.frames)
        _stop_if(cancel)
    sheet.write(folder / "sheet.png")
    return done


def _stop_if(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("Stopped; the pairs so far are complete.")


def write_pair(folder: Path, pair: Pair, suffix: str) -> None:
    """All files of one pair, or none. Raises OutputError."""
    with output_errors(folder), moving_into(folder) as part:
        if suffix != "npz":
            for kind in ("clean", "degraded"):
                write_grey(part / f"{pair.name}_{kind}.{suffix}", pair.clip, kind)
        text = json.dumps(pair.truth, indent=1)
        (part / f"{pair.name}.json").write_text(text + "\n", encoding="utf-8")
        with NpzStream(part / f"{pair.name}.npz") as file:
            for name in ARRAYS:
                file.put(name, getattr(pair.clip, name).numpy())
            file.put("fan", np.array(pair.clip.fan, np.float64))
            file.put("truth", text)


def write_grey(path: Path, clip: PhantomClip, kind: str) -> None:
    """The "clean" or "degraded" frames of a clip on the CPU as a clip file, by the name's suffix."""
    frames, mask = getattr(clip, kind).numpy(), clip.sector_mask.numpy()
    count, height, width = frames.shape
    x, y, *rest = clip.fan
    spacing = float(clip.truth["spacing_mm"])
    like = ClipFile(
        path=path,
        kind="video",
        frames=count,
        height=height,
        width=width,
        fps=float(clip.truth["frame_rate"]),
        color=False,
        decode=lambda: iter(frames),
        spacing_mm=(spacing, spacing),
    )
    write_clip(path, frames, like, Sector("fan", mask, np.zeros_like(mask), 1.0, Fan((x, y), *rest)))
