"""Real and simulated frames at equal millimetres per pixel, each with its fan, for the realism comparison.

Every frame is smoothed by the same Gaussian before it is resampled. So all frames have the same blur, and none can be
recognised by its original pixel size. CAMUS: Leclerc et al., IEEE TMI 38(9), 2019 (one vendor, 0.308 mm per pixel).
"""

from __future__ import annotations

import csv
import importlib.util
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from PIL import Image

from echogan.clips.clip import grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.geometry import Fan
from echogan.phantom.acoustics.probe import AcousticSettings
from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.anatomy.heart import View
from echogan.phantom.artefacts.degradation import draw_degradation
from echogan.phantom.artefacts.semireal import SEMI_REAL, degrade_frames
from echogan.phantom.clip import PhantomClip, PhantomSettings, Want
from echogan.phantom.draw import Draw
from echogan.phantom.render import phantom_clip
from eval.real_data import camus_fan

MM = 0.6  # millimetres per pixel at which frames are compared
RENDERED = (
    512  # pixels; simulated frames are rendered finer than MM, as a scanner's are, then resampled to MM
)
CLIP_DEPTH_MM = 160.0  # assumed, as the real clips give no scale
Condition = Literal["clean", "degraded"]
"""The two imaging conditions of a simulated frame."""
PAIRS: tuple[tuple[Condition, str], ...] = (
    ("clean", "Good"),
    ("degraded", "Poor"),
)  # with the CAMUS grade of each
PHASED = AcousticSettings(curved_chance=0, flat_chance=0)


@dataclass(frozen=True)
class Picture:
    """One frame at a known scale.

    grey   float32 (h, w), 0 to 255
    fan    in pixels
    group  the patient, clip or seed that the frame comes from
    mm     millimetres per pixel
    """

    grey: np.ndarray
    fan: Fan
    group: str
    mm: float = MM

    @property
    def mask(self) -> np.ndarray:
        """The pixels of the fan, bool (h, w), without one millimetre at its edges, which resampling blurs."""
        r, theta = self.fan.polar(*self.grey.shape)
        edge = 1 / self.mm
        side = np.minimum(theta - self.fan.left_deg, self.fan.right_deg - theta)
        inside = (r > self.fan.r_min + edge) & (r < self.fan.r_max - edge) & (r * np.radians(side) > edge)
        inside[-2:] = inside[:, :2] = inside[:, -2:] = False
        return inside


def resample(image: np.ndarray, fan: Fan, mm: float, group: str, to: float = MM) -> Picture:
    """Resample a grey frame from `mm` to `to` millimetres per pixel: Gaussian of half a new pixel, then Lanczos."""
    sigma = 0.5 * to / mm
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigmaX=sigma / fan.aspect, sigmaY=sigma)
    height, width = (round(n * mm * a / to) for n, a in zip(image.shape, (1, fan.aspect), strict=True))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * np.float32(to / mm)
    new = cv2.remap(
        smooth, x / np.float32(fan.aspect), y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
    )
    scale = mm / to
    apex = fan.apex[0] * fan.aspect * scale, fan.apex[1] * scale
    moved = Fan(apex, fan.left_deg, fan.right_deg, fan.r_min * scale, fan.r_max * scale)
    return Picture(new.clip(0, 255), moved, group, to)


def camus(folder: Path, grade: str, patients: int | None = None, to: float = MM) -> list[Picture]:
    """CAMUS stills (ED and ES) of one grade of image quality, of at most `patients` random patients (fixed seed)."""
    pictures = []
    for row in _rows(folder, grade, patients):
        image, fan, mm = _still(folder, row)
        pictures.append(resample(image, fan, mm, row["patient"], to))
    return pictures


def _rows(folder: Path, grade: str, patients: int | None) -> list[dict[str, str]]:
    """The rows of CAMUS' index that have this grade and one of the chosen patients."""
    with (folder / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["quality"] == grade]
    names = sorted({row["patient"] for row in rows})
    chosen = set(np.random.default_rng(0).permutation(names)[:patients].tolist())
    return [row for row in rows if row["patient"] in chosen]


def _still(folder: Path, row: dict[str, str]) -> tuple[np.ndarray, Fan, float]:
    """A still uint8 (h, w), its fan, and its millimetres per pixel."""
    image = np.array(Image.open(folder / "images" / row["file"]).convert("L"))
    return image, camus_fan(image), float(row["spacing_mm"])


def simulate(seed: int, want: Sequence[Want], frames: int = 1, view: View = "A4C") -> PhantomClip:
    """The phantom clip of a seed, by a phased array as in CAMUS. All of this package renders by this function."""
    settings = PhantomSettings(frame=FrameSettings(size=RENDERED), acoustics=PHASED)
    return phantom_clip(seed, settings, frames=frames, want=want, view=view)


def semireal(folder: Path, patients: int | None = None, first_seed: int = 0, to: float = MM) -> list[Picture]:
    """Good CAMUS stills, each with a random degradation."""
    pictures = []
    for k, row in enumerate(_rows(folder, "Good", patients)):
        image, fan, mm = _still(folder, row)
        seed, depth_cm = first_seed + k, fan.r_max * mm / 10
        degradation = draw_degradation(Draw(seed), SEMI_REAL)
        poor = degrade_frames(torch.from_numpy(image)[None], fan, degradation, seed, depth_cm=depth_cm)
        pictures.append(resample(poor.frames[0].numpy(), fan, mm, row["patient"], to))
    return pictures


def phantom(
    conditions: Sequence[Condition], seed: int, frames: int = 1, to: float = MM
) -> dict[Condition, list[Picture]]:
    """Consecutive frames of the phantom clip of a seed, by condition."""
    clip = simulate(seed, conditions, frames)
    fan = Fan((clip.fan[0], clip.fan[1]), *clip.fan[2:])
    mm, made = clip.truth["spacing_mm"], {}
    for condition in conditions:
        shown = clip.clean if condition == "clean" else clip.degraded
        assert shown is not None
        made[condition] = [resample(image, fan, mm, str(seed), to) for image in shown.numpy()]
    return made


def sketch(
    conditions: Sequence[Condition], seed: int, folder: Path, frames: int = 1, to: float = MM
) -> dict[Condition, list[Picture]]:
    """Consecutive A4C frames of a seed by the sketch in `folder` (echosim.py, fast.py), by condition.

    The sketch is an earlier simulator. Its scan conversion is set to RENDERED pixels, since its own reduction of the
    resolution is meant for 256 pixels.
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    threads = torch.get_num_threads()
    fast = importlib.import_module("fast")
    torch.set_num_threads(threads)  # importing the sketch changes it
    rng = np.random.default_rng(seed)
    p = fast.sample_params(rng, "a4c")
    clip = fast.build(seed, p, F=frames)
    clip.scan = fast.scan_grid(p, RENDERED, pad=12)
    degradation = fast.sample_degr(rng) if "degraded" in conditions else None
    if degradation is not None:
        degradation.down = RENDERED
    clean, degraded, _ = fast.render(clip, degradation, seed, want_clean="clean" in conditions)
    fan, mm = _sketch_fan(p)
    shown = {"clean": clean, "degraded": degraded}
    return {
        condition: [resample(image, fan, mm, str(seed), to) for image in shown[condition]]
        for condition in conditions
    }


def _sketch_fan(p: Any) -> tuple[Fan, float]:
    """The fan that the sketch's `scan_grid` draws, and its millimetres per pixel."""
    wide = 2 * p.depth * math.sin(p.half)
    cm = max(wide, p.depth) / (RENDERED - 24)
    top = 12 + (0 if p.depth >= wide else (wide - p.depth) / 2 / cm) - 0.5
    angle = math.degrees(p.half)
    return Fan((RENDERED / 2 - 0.5, top), -angle, angle, 0.12 / cm, p.depth / cm), 10 * cm


def clip_pictures(path: Path, to: float) -> list[Picture]:
    """All frames of a real clip, with an assumed depth of CLIP_DEPTH_MM. Overlay inside the fan stays."""
    source = open_clip(path)
    sector = find_sector(source)
    if sector.fan is None:
        return []
    mm = CLIP_DEPTH_MM / sector.fan.r_max
    return [resample(grey(frame), sector.fan, mm, path.stem, to) for frame in source.iter_frames()]
