"""CAMUS stills by patient role, view and grade, scaled to the working size, with the expert's outlines.

Two-chamber stills have no pixel size of their own. They have the shape of the same patient's four-chamber still, whose
depth is taken as theirs. The fan of every still is found in its image. CAMUS: Leclerc et al., IEEE TMI 38(9), 2019.
The stills are not part of the project.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from echogan.core.geometry import Fan, Sector
from echogan.core.scale import WORKING_SIZE
from echogan.phantom.artefacts.degradation import draw_degradation
from echogan.phantom.artefacts.semireal import SEMI_REAL, degrade_frames
from echogan.phantom.draw import Draw
from eval.camus import two_chamber
from eval.camus.splits import Role, patients
from eval.camus.two_chamber import CamusView, ViewRole, folder_of
from eval.real_data import camus_fan

SIZE = WORKING_SIZE  # longer side of a still in pixels
STRUCTURES = ("LV", "myocardium", "LA")  # CAMUS' labels 1, 2, 3


@dataclass(frozen=True)
class Still:
    """One still: image uint8 (h, w), CAMUS labels uint8 (h, w), fan in pixels, millimetres per pixel."""

    patient: str
    phase: str  # ED or ES
    image: np.ndarray
    labels: np.ndarray
    fan: Fan
    spacing_mm: float

    @property
    def sector(self) -> Sector:
        """The fan as a sector without overlay."""
        mask = self.fan.mask(*self.image.shape)
        return Sector("fan", mask, np.zeros_like(mask), 1.0, self.fan)


def stills(folder: Path, role: Role, quality: str) -> list[Still]:
    """The four-chamber stills (ED, ES) of every patient of a role and a grade of image quality."""
    wanted = set(patients(role, quality))
    return [shrink(_read(folder, row)) for row in _index(folder) if row["patient"] in wanted]


def view_stills(data: Path, view: CamusView, role: ViewRole, quality: str) -> list[Still]:
    """The stills (ED, ES) of a view, of every patient of a role and a grade of that view.

    Roles are those of `eval.camus.two_chamber`. `data` is the four-chamber folder; the two-chamber one lies beside it.
    """
    wanted = set(two_chamber.patients(view, role, quality))
    four = {row["patient"]: row for row in _index(data)}
    folder = folder_of(data, view)
    found = []
    for row in _index(folder):
        if row["patient"] in wanted:
            same = four[row["patient"]]
            mm = float(same["spacing_mm"]) * float(same["height"]) / float(row["height"])
            found.append(shrink(_read(folder, {**row, "spacing_mm": str(mm)})))
    return found


def held_out_stills(data: Path, view: CamusView, grade: str, most_patients: int | None = None) -> list[Still]:
    """The stills (ED, ES) of a view and a grade, of the test patients, or of the first `most_patients` of them."""
    images = view_stills(data, view, "test", grade)
    chosen = sorted({still.patient for still in images})[:most_patients]
    return [still for still in images if still.patient in chosen]


def _index(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _read(folder: Path, row: dict[str, str]) -> Still:
    image, labels = (
        np.array(Image.open(folder / kind / row["file"]).convert("L")) for kind in ("images", "masks")
    )
    mm = float(row["spacing_mm"])
    return Still(row["patient"], row["phase"], image, labels, camus_fan(image), mm)


def shrink(still: Still, size: int = SIZE) -> Still:
    """The still with its longer side at `size` pixels: area averages, labels by majority."""
    scale = size / max(still.image.shape)
    height, width = (round(side * scale) for side in still.image.shape)
    layers = [(still.labels == k).astype(np.float32) for k in range(len(STRUCTURES) + 1)]
    labels = np.argmax([_resize(layer, (height, width)) for layer in layers], 0).astype(np.uint8)
    image = np.rint(_resize(still.image.astype(np.float32), (height, width))).astype(np.uint8)
    f = still.fan
    apex = (f.apex[0] + 0.5) * scale - 0.5, (f.apex[1] + 0.5) * scale - 0.5
    fan = replace(f, apex=apex, r_min=f.r_min * scale, r_max=f.r_max * scale)
    return replace(still, image=image, labels=labels, fan=fan, spacing_mm=still.spacing_mm / scale)


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)


def degrade(still: Still, seed: int) -> Still:
    """The same still degraded by the simulator's artefacts; its labels stay true."""
    depth_cm = still.fan.r_max * still.spacing_mm / 10
    degradation = draw_degradation(Draw(seed), SEMI_REAL)
    frames = torch.from_numpy(still.image)[None]
    poor = degrade_frames(frames, still.fan, degradation, seed, depth_cm=depth_cm)
    return replace(still, image=poor.frames[0].numpy())
