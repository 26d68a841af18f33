"""Real good frames made poor by the phantom's artefacts: real anatomy, known truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.core.errors import EchoGANError, SectorError
from echogan.core.geometry import Fan, Sector
from echogan.phantom.artefacts.compression import store
from echogan.phantom.artefacts.degradation import Degradation, DegradationSettings
from echogan.phantom.artefacts.frame_acquisition import CHUNK, FrameAcquisition
from echogan.phantom.artefacts.polar_fan import PolarFan

SEMI_REAL = DegradationSettings(
    aberration_chance=0.4,
    aberration_rad=(0.2, 0.9),
    drop_out_chance=0.4,
    edge_loss_chance=0.35,
    dynamic_range_chance=0.6,
    gamma=(0.75, 1.15),
    smoothing_chance=0.75,
    haze_db=(-15, -2),
    noise_chance=0.4,
    noise_db=(-40, -27),
    noise_slope_db=(2, 12),
    drop_out_db=(6, 22),
    shadow_chance=0.08,
    shadow_db=(6, 20),
    edge_loss_db=(0, 14),
    attenuation_db_cm=(0, 1.0),
    near_clutter_db=(-14, -2),
    streaks_db=(-26, -12),
    dynamic_range=(0.8, 1.07),
    gain_db=(-8, 1),
    smoothing=(0.2, 0.7),
    reverberation_chance=0.1,
)
"""Ranges for frames that a scanner has compressed already: less is left to lose than in the phantom."""


@dataclass(frozen=True)
class DegradedFrames:
    """frames uint8 (T, H, W), the input's pixels outside the fan; support float32 (T, H, W), 0 to 1, 0 outside."""

    frames: Tensor
    support: Tensor


def degrade_frames(
    frames: Tensor,
    sector: Sector | Fan,
    degradation: Degradation,
    seed: int = 0,
    frame_rate: float = 30.0,
    depth_cm: float = 15.0,
) -> DegradedFrames:
    """Undo the log compression, degrade the complex field in the fan's own beams, and compress again.

    frames    uint8 torch tensor (T, H, W), on any device          depth_cm  that the fan shows, where unknown 15
    sector    a fan, or a Sector that has one; a Sector's overlay stays untouched as all outside the fan does
    seed      of the speckle; the degradation's own `pattern_seed` decides where its artefacts lie
    Normal myocardium (0 dB) is taken to have the fan's mean energy. Raises SectorError for a sector without a
    fan, EchoGANError for frames of another kind. One seed gives one result on one kind of device.
    """
    if not isinstance(frames, Tensor) or frames.dtype != torch.uint8 or frames.dim() != 3 or not len(frames):
        raise EchoGANError(
            "Give the frames as a uint8 torch tensor of shape (frames, height, width), grey 0 to 255."
        )
    fan = sector if isinstance(sector, Fan) else sector.fan
    if fan is None:
        raise SectorError(
            "Only a fan can be degraded; give a clip whose sector is a fan, or the fan by hand."
        )
    polar = PolarFan(fan, frames.shape[1:], depth_cm, frames.device)
    tissue = fan.mask(*frames.shape[1:]) if isinstance(sector, Fan) else sector.tissue_mask.copy()
    inside = torch.from_numpy(tissue).to(frames.device)
    acquisition = FrameAcquisition(frames, polar, degradation, seed, frame_rate)
    shown, support = [], []
    for start in range(0, len(frames), CHUNK):
        grey, kept = acquisition.frames(start, min(start + CHUNK, len(frames)))
        shown.append(grey)
        support.append(kept)
    degraded = store(acquisition.degrader.hold(torch.cat(shown)), degradation)
    kept = acquisition.degrader.hold(torch.cat(support))
    return DegradedFrames(torch.where(inside, degraded, frames), torch.where(inside, kept, 0))
