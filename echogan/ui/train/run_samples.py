"""Held-out frames of a run as it goes: poor, enhanced, the change in colour, back to poor, and the truth."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from echogan.trust.map_styles import MAP_STYLES, MapPainter

LARGEST_SAMPLE = 256  # px: what a cell can show
ROWS = 4
# Each row of the samples from left to right, as the arrays of a preview are named.
COLUMNS = {
    "poor": "Poor",
    "enhanced": "Enhanced",
    "change": "Change",
    "cycled": "Back to poor",
    "clean": "Truth",
}
NO_SAMPLES = """<div class="tr-samples"><p class="tr-title"><b>Samples</b></p><p class="tr-none tr-tall">
Held-out frames, poor and enhanced, appear here as the networks learn</p></div>"""

PRIVATE = """<div class="tr-samples"><p class="tr-title"><b>Samples</b></p><p class="tr-none tr-tall">
Samples of own clips are shown only in the browser that started the run</p></div>"""


def samples(path: Path, step: int) -> str:
    """The frames of a preview: one frame a row, from the poor one to the truth."""
    try:
        with np.load(path) as file:
            found = {name: file[name] for name in COLUMNS if name in file.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return ""
    if "poor" in found and "enhanced" in found:
        found["change"] = painted_change(found["poor"], found["enhanced"])
    names = [name for name in COLUMNS if name in found]
    if not names:
        return ""
    heads = "".join(f"<span class='tr-{name}'>{COLUMNS[name]}</span>" for name in names)
    cells = "".join(
        f'<img class="tr-{name}" alt="{COLUMNS[name]}, frame {row + 1}" src="{as_png(found[name][row])}">'
        for row in range(min(ROWS, len(found[names[0]])))
        for name in names
    )
    style = MAP_STYLES["difference"]
    scale = (
        f'<p class="tr-hint"><span class="tr-scale"><i>{style.low:g}</i><b style="background:linear-gradient(90deg,'
        f'{",".join(style.legend())})"></b><i>+{style.high:g}</i></span> Change in grey levels. '
        "No frame here was trained on.</p>"
    )
    return (
        f'<div class="tr-samples" data-step="{step}" style="--columns:{len(names)}"><p class="tr-title"><b>Samples</b> '
        f"step {step:,}</p><div class='tr-grid-of'>{heads}{cells}</div>{scale}</div>"
    )


def painted_change(poor: np.ndarray, enhanced: np.ndarray) -> np.ndarray:
    """Enhanced minus poor, uint8 (n, h, w, 3), in the player's colours over the dimmed frame."""
    painter = MapPainter(MAP_STYLES["difference"])
    everywhere = np.ones(poor.shape[1:], bool)
    return np.stack(
        [painter.paint(a, b.astype(np.float32) - a, everywhere) for a, b in zip(poor, enhanced, strict=True)]
    )


def as_png(frame: np.ndarray) -> str:
    """A frame, uint8 (h, w) or (h, w, 3), as a data URL: no file of it is left anywhere."""
    image = Image.fromarray(np.ascontiguousarray(frame))
    image.thumbnail((LARGEST_SAMPLE, LARGEST_SAMPLE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
