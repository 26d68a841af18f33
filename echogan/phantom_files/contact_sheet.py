"""The contact sheet of simulated pairs: a captioned row per pair of clean, degraded, labels and support."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from echogan.core.atomic import write_whole
from echogan.phantom.clip import PhantomClip
from echogan.phantom.tissues import Tissue

MOST_ROWS = 12
COLUMNS = ("clean", "degraded", "labels", "support")
CAPTION, LEGEND = 18, 58  # pixels
GREY, WHITE, BLACK = (150, 150, 150), (230, 230, 230), (0, 0, 0)
COLOURS: dict[Tissue, tuple[int, int, int]] = {
    Tissue.OUTSIDE: (0, 0, 0), Tissue.LV: (178, 34, 52), Tissue.MYOCARDIUM: (233, 168, 120),
    Tissue.LA: (220, 90, 160), Tissue.RV: (52, 92, 190), Tissue.RA: (90, 170, 230), Tissue.AORTA: (240, 70, 30),
    Tissue.RV_WALL: (150, 170, 120), Tissue.ATRIAL_WALL: (120, 110, 150), Tissue.PERICARDIUM: (235, 225, 150),
    Tissue.VALVE: (255, 255, 255), Tissue.EFFUSION: (0, 200, 190), Tissue.LESION: (60, 230, 60),
    Tissue.PAPILLARY: (170, 100, 50), Tissue.VEIN: (110, 60, 200), Tissue.AORTIC_WALL: (205, 150, 40),
}  # fmt: skip
MAIN = {
    "shadows": "shadow", "drop_out_db": "drop-out", "haze_db": "haze", "near_clutter_db": "near clutter",
    "reverberation_db": "reverberation", "streaks_db": "streaks", "noise_db": "noise",
    "attenuation_db_cm": "attenuation", "edge_loss_db": "dark edges", "gain_db": "gain",
    "aberration_rad": "aberration", "aperture": "aperture", "side_lobes_db": "side lobes",
    "dynamic_range": "dynamic range", "gamma": "gamma", "smoothing": "smoothing", "persistence": "persistence",
    "frame_hold": "frame hold", "jpeg_quality": "JPEG", "down_up_px": "down-up",
}  # fmt: skip
"""The fields of a Degradation, those that change the picture most first, and their names in a caption."""
UNITS = {"_db_cm": " dB/cm", "_db": " dB", "_rad": " rad", "_px": " px"}
MOST_NAMED = 5


def main_degradations(degradation: dict[str, Any]) -> str:
    """The few artefacts in a clip's truth that change the picture most, with their strengths."""
    there = {field: name for field, name in MAIN.items() if degradation[field]}
    named = [f"{name}{_strength(field, degradation[field])}" for field, name in there.items()]
    more = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "") or "nothing"


def _strength(field: str, value: Any) -> str:
    unit = next((unit for end, unit in UNITS.items() if field.endswith(end)), "")
    if field == "shadows":
        value, unit = [shadow["loss_db"] for shadow in value], " dB"
    values = value if isinstance(value, list | tuple) else [value]
    return f" {'/'.join(f'{each:.0f}' if abs(each) >= 10 else f'{each:.2g}' for each in values)}{unit}"


class Sheet:
    """Collects the middle frames of the first dozen clips, so memory does not grow with the number of clips."""

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []

    def add(self, clip: PhantomClip, lesion: str = "") -> None:
        """Add a row for a clip on the CPU that has all four kinds of frames, unless there are enough."""
        if len(self.rows) >= MOST_ROWS:
            return
        middle = len(_frames(clip, "clean")) // 2
        clean, degraded, labels, support = (_frames(clip, name)[middle] for name in COLUMNS)
        table = np.array([COLOURS[tissue] for tissue in Tissue], np.uint8)
        pictures = [_rgb(clean), _rgb(degraded), table[labels], colour(support, clip.sector_mask.numpy())]
        self.rows.append(np.concatenate([self._caption(clip, lesion), np.concatenate(pictures, 1)]))

    def _caption(self, clip: PhantomClip, lesion: str) -> np.ndarray:
        truth = clip.truth
        words = [truth["view"], f"seed {truth['seed']}", *([lesion] if lesion else [])]
        text = f"{', '.join(words)}: {main_degradations(truth['degradation'])}"
        width = len(COLUMNS) * clip.sector_mask.shape[1]
        strip = Image.new("RGB", (width, CAPTION), BLACK)
        ImageDraw.Draw(strip).text((4, 2), text, WHITE, ImageFont.load_default(12))
        return np.asarray(strip)

    def write(self, path: Path) -> None:
        """Draw the legend above the rows and write the PNG. Raises OutputError."""
        assert self.rows, "a sheet needs a clip"
        buffer = io.BytesIO()
        picture = np.concatenate([legend(self.rows[0].shape[1]), *self.rows])
        Image.fromarray(picture).save(buffer, format="PNG")
        write_whole(path, buffer.getvalue())


def _frames(clip: PhantomClip, name: str) -> np.ndarray:
    frames = getattr(clip, name)
    assert frames is not None, f"the sheet shows {name}"
    return frames.numpy()


def _rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, -1)


def colour(support: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Support uint8 (h, w) in fixed colours, 0 dark violet to 255 yellow, black outside: uint8 (h, w, 3)."""
    painted = cv2.applyColorMap(np.ascontiguousarray(support), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return np.where(inside[..., None], painted, np.uint8(0))


def legend(width: int) -> np.ndarray:
    """The columns' names, the labels' colours and the scale of support: uint8 (LEGEND, width, 3)."""
    strip = Image.new("RGB", (width, LEGEND), BLACK)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(11)
    column = width // len(COLUMNS)
    for place, name in enumerate(COLUMNS):
        draw.text((place * column + 4, 2), name, WHITE, ImageFont.load_default(13))
    shown = [tissue for tissue in Tissue if tissue != Tissue.OUTSIDE]
    for place, tissue in enumerate(shown):
        x, y = 4 + place % 8 * (3 * column - 8) // 8, 20 + place // 8 * 18
        draw.rectangle((x, y + 2, x + 11, y + 13), fill=COLOURS[tissue])
        words = [word if len(word) == 2 else word.lower() for word in tissue.name.split("_")]
        draw.text((x + 15, y), " ".join(words), GREY, font)
    bar = colour(np.linspace(0, 255, column - 60).astype(np.uint8)[None].repeat(12, 0), np.array([[True]]))
    strip.paste(Image.fromarray(bar), (3 * column + 20, 24))
    draw.text((3 * column + 8, 24), "0", GREY, font)
    draw.text((4 * column - 36, 24), "1", GREY, font)
    return np.asarray(strip)
