"""Lesions in real stills: inserted with the speckle of the still itself, then degraded as a poor window would."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import torch
from scipy.special import ndtr

from echogan.calibration.lesion_clips import LesionClip
from echogan.phantom.artefacts.degradation import draw_degradation
from echogan.phantom.artefacts.frame_statistics import RANGE_DB, find_grain
from echogan.phantom.artefacts.polar_fan import PolarFan
from echogan.phantom.artefacts.semireal import SEMI_REAL, degrade_frames
from echogan.phantom.draw import Draw, blur
from echogan.phantom.lesions.kinds import LesionKind
from echogan.phantom.tissues import Tissue
from eval.camus.stills import Still
from eval.semireal.lesions import LA, LV, MYOCARDIUM, StillLesion, draw_lesion

TISSUES = {LV: Tissue.LV, MYOCARDIUM: Tissue.MYOCARDIUM, LA: Tissue.LA}
"""CAMUS' labels as tissues; what CAMUS does not outline is OUTSIDE."""
EVEN = 8.0  # sigma in beam samples over which brightness is evened out before speckle is measured
REACH = 30  # beam samples above and below a lesion whose speckle it gets
LAGS = 14  # samples up to which the speckle's autocorrelation is measured
NEAREST = 1000  # pixels of the lender's tissue that lie nearest to a lesion decide its level
SLOW_DB = {"thrombus": 1.0, "vegetation": 0.7, "mass": 2.0, "septal-defect": 0.5}
SLOW_CM = 0.7  # width of the slow changes of level within a lesion, and their deviation


def semireal_clip(still: Still, kind: LesionKind, seed: int) -> LesionClip | None:
    """A still with a lesion and without, as a clip of one frame; None where the heart has no room for the lesion.

    It is its own clear truth, and all of its signal survives. `degraded_clip` makes it poor.
    """
    draw = Draw(seed)
    lesion = draw_lesion(draw, still, kind)
    if lesion is None:
        return None
    ill, plain = inserted(still, lesion, draw), still.image
    labels = np.zeros_like(still.labels)
    for label, tissue in TISSUES.items():
        labels[still.labels == label] = tissue
    filled = np.uint8(Tissue.LV if kind == "septal-defect" else Tissue.LESION)
    images = {
        "poor": ill, "clear": ill, "control": plain, "clear_control": plain, "lesion": lesion.mask,
        "labels": np.where(lesion.mask, filled, labels), "control_labels": labels,
        "support": np.full_like(plain, 255),
    }  # fmt: skip
    fan = still.fan
    return LesionClip(
        **{name: torch.from_numpy(np.ascontiguousarray(image))[None] for name, image in images.items()},
        mask=torch.from_numpy(still.sector.mask),
        fan=torch.tensor([*fan.apex, fan.left_deg, fan.right_deg, fan.r_min, fan.r_max], dtype=torch.float64),
        mm=torch.tensor(still.spacing_mm, dtype=torch.float64),
        facts={"kind": kind, "seed": seed, "patient": still.patient, "phase": still.phase},
    )


def degraded_clip(clip: LesionClip, seed: int) -> LesionClip:
    """The clip with lesion and control degraded alike by the simulator's artefacts, as semi-real frames are."""
    fan = clip.sector.fan
    assert fan is not None, "a still has a fan"
    degradation, depth_cm = draw_degradation(Draw(seed), SEMI_REAL), fan.r_max * float(clip.mm) / 10
    poor, control = (
        degrade_frames(frames, fan, degradation, seed, depth_cm=depth_cm)
        for frames in (clip.clear, clip.clear_control)
    )
    support = (255 * control.support).round().to(torch.uint8)
    return replace(clip, poor=poor.frames, control=control.frames, support=support)


def inserted(still: Still, lesion: StillLesion, draw: Draw) -> np.ndarray:
    """The still with the lesion, uint8 (h, w).

    A solid lesion borrows the level and the speckle of the muscle nearest to it, and a hole those of the blood. Haze
    over the blood stays on top of a solid lesion: energies add up. The edge is as soft as the scanner resolves.
    """
    polar = polar_of(still)
    lender = still.labels == (LV if lesion.level_db is None else MYOCARDIUM)
    cm, per_db = still.spacing_mm / 10, 255 / RANGE_DB
    slow = SLOW_DB[lesion.kind] * draw.smooth(still.image.shape, SLOW_CM / cm).numpy()
    own_db = (lesion.level_db or 0.0) + slow
    grey = (
        level_near(still.image, lender, lesion.mask)
        + per_db * own_db
        + speckle(still.image, lender, lesion.mask, polar, draw)
    )
    share = edge(lesion, cm, polar, find_grain(polar.to_beams(torch.from_numpy(still.image)[None].float())))
    clutter, energy = (10 ** (one / per_db / 10) for one in (still.image, np.clip(grey, 0, 255)))
    seen = grey if lesion.level_db is None else per_db * 10 * np.log10(energy + clutter)
    mixed = np.clip(np.rint(share * seen + (1 - share) * still.image), 0, 255)
    return np.where(still.sector.tissue_mask, mixed, still.image).astype(np.uint8)


def polar_of(still: Still) -> PolarFan:
    """The still's fan as beams."""
    depth_cm = still.fan.r_max * still.spacing_mm / 10
    return PolarFan(still.fan, torch.Size(still.image.shape), depth_cm, torch.device("cpu"))


def level_near(image: np.ndarray, lender: np.ndarray, lesion: np.ndarray) -> float:
    """The mean grey level of the NEAREST pixels of a tissue to a lesion, bool (h, w) each, that are not of it."""
    away = cv2.distanceTransform((~lesion).astype(np.uint8), cv2.DIST_L2, 5)
    near = lender & ~lesion
    order = np.argsort(away[near], kind="stable")[:NEAREST]
    return float(image[near][order].mean())


def edge(lesion: StillLesion, cm: float, polar: PolarFan, grain: tuple[float, float]) -> np.ndarray:
    """The share of the lesion at each pixel, float (h, w): its outline, blurred as far as the scanner resolves.

    grain   of the still's speckle (`find_grain`). The field is smooth over that, its energy over less by the root of 2.
    """
    sharp = torch.from_numpy(np.clip(0.5 - lesion.distance / cm, 0, 1).astype(np.float32))[None]
    rows, columns = (sigma / math.sqrt(2) for sigma in grain)
    return polar.to_pixels(blur(polar.to_beams(sharp), rows, columns))[0].numpy()


def speckle(
    image: np.ndarray, lender: np.ndarray, lesion: np.ndarray, polar: PolarFan, draw: Draw
) -> np.ndarray:
    """Speckle of a tissue at the depth of a lesion, float (h, w) in grey levels: as there, but of new scatterers.

    image, lender, lesion   uint8 (h, w), and bool: the tissue, the lesion

    White noise gets the autocorrelation that the whole fan has at that depth, along and across the beams, and then the
    grey levels of the tissue, evened, by rank.
    """
    beams, place = (
        polar.to_beams(torch.from_numpy(one.astype(np.float32))[None])[0].numpy() for one in (image, lesion)
    )
    rows = np.nonzero(place.max(1) > 0)[0]
    around = beams[max(0, rows[0] - REACH) : rows[-1] + 1 + REACH]
    noise = correlated(draw.normal(*beams.shape).numpy(), autocorrelation(around))
    shown = polar.to_pixels(torch.from_numpy(noise.astype(np.float32))[None])[0].numpy()
    fine = np.sort(evened(image.astype(np.float32), lender.astype(np.float32))[lender])
    rank = ndtr((shown - shown.mean()) / shown.std())
    return np.interp(rank, (np.arange(len(fine)) + 0.5) / len(fine), fine - fine.mean())


def autocorrelation(image: np.ndarray) -> np.ndarray:
    """Of an image whose brightness and contrast are evened: float (2 * LAGS + 1, 2 * LAGS + 1), the middle is lag 0."""
    fine = evened(image, np.ones_like(image))
    fine = fine / np.sqrt(cv2.GaussianBlur(fine**2, (0, 0), EVEN) + 1)
    alike = np.fft.irfft2(np.abs(np.fft.rfft2(fine)) ** 2, fine.shape)
    lags = np.arange(-LAGS, LAGS + 1)
    window = 0.5 + 0.5 * np.cos(np.pi * lags / (LAGS + 1))
    return alike[np.ix_(lags, lags)] / alike[0, 0] * window[:, None] * window


def correlated(noise: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """White noise (h, w) filtered so that it has an autocorrelation, and variance 1."""
    kernel, lags = np.zeros(noise.shape), np.arange(-LAGS, LAGS + 1)
    kernel[np.ix_(lags, lags)] = alike
    power = np.maximum(np.fft.rfft2(kernel).real, 0)
    made = np.fft.irfft2(np.fft.rfft2(noise) * np.sqrt(power), noise.shape)
    return made / made.std()


def evened(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """An image less its local mean over a region, float32 (h, w) each; 0 outside."""
    weight = cv2.GaussianBlur(where, (0, 0), EVEN)
    mean = cv2.GaussianBlur(image * where, (0, 0), EVEN) / np.maximum(weight, 1e-6)
    return np.where(where > 0, image - mean, 0)
