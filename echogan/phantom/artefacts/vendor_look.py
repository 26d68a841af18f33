"""How a scanner shows a clip: grey curve, reject, speckle filter, edge enhancement, persistence, pixels, levels.

One look is drawn for a clip and can be put on its degraded frames and on their clear truth alike, so that a pair
stays a pair: the network learns from what the two differ in, and that is never the look.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from echogan.core.errors import EchoGANError
from echogan.phantom.artefacts.compression import down_up
from echogan.phantom.draw import Draw, blur

SHOWN_DB, MIDDLE, STEEPEST = 60.0, 0.5, 3.0
"""The dynamic range that frames are taken to be shown with; the grey that keeps its place; the slope out of black."""
FILTER_REACH = 1.6
"""Pixels (Gaussian sigma) over which the speckle filter takes its mean and variance."""
CHUNK = 4
DRAWN_FIELDS: dict[str, tuple[str, ...]] = {
    "power": ("power",),
    "dynamic_range": ("dynamic_range_db",),
    "reject": ("reject",),
    "speckle_filter": ("speckle_filter",),
    "edge": ("edge", "edge_px"),
    "persistence": ("persistence",),
    "resampling": ("resampling_px",),
    "levels": ("levels",),
}
"""Part of a look -> the fields of VendorLook that are drawn for it, in this order. A new part is a line here."""


def _chance(default: float, what: str) -> Any:
    return field(default=default, metadata={"help": f"share of clips with {what}", "min": 0, "max": 1})


def _between(low: float, high: float, help: str, least: float, most: float) -> Any:
    return field(default=(low, high), metadata={"help": help, "min": least, "max": most})


@dataclass(frozen=True)
class VendorLookSettings:
    """How often each part of a look is there, and the range of its strength."""

    power_chance: float = _chance(0.7, "another power of the grey curve")
    power: tuple[float, float] = _between(0.5, 2.0, "exponent of grey, evenly in its logarithm", 0.2, 5)
    dynamic_range_chance: float = _chance(0.6, "another dynamic range")
    dynamic_range_db: tuple[float, float] = _between(
        40, 90, f"dynamic range, dB, of frames shown with {SHOWN_DB:g}", 20, 150
    )
    reject_chance: float = _chance(0.4, "faint echoes shown as black")
    reject: tuple[float, float] = _between(0.0, 0.12, "grey, of full scale, below which all is black", 0, 0.5)
    speckle_filter_chance: float = _chance(0.4, "a filter against speckle")
    speckle_filter: tuple[float, float] = _between(
        0.015, 0.06, "spread of grey, of full scale, that counts as speckle", 0, 0.5
    )
    edge_chance: float = _chance(0.4, "edge enhancement")
    edge: tuple[float, float] = _between(0.1, 0.8, "share of fine detail that is added", 0, 3)
    edge_px: tuple[float, float] = _between(0.8, 2.0, "what is finer is added, pixels", 0.3, 10)
    persistence_chance: float = _chance(0.3, "persistence")
    persistence: tuple[float, float] = _between(0.1, 0.5, "share of the frame before", 0, 0.95)
    resampling_chance: float = _chance(0.5, "other pixels")
    resampling_px: tuple[int, int] = _between(
        200, 1000, "longer side that the file had, evenly in its logarithm", 16, 4096
    )  # type: ignore[assignment]
    levels_chance: float = _chance(0.25, "few grey levels")
    levels: tuple[int, int] = _between(24, 128, "grey levels, evenly in their logarithm", 2, 256)  # type: ignore[assignment]


@dataclass(frozen=True)
class VendorLook:
    """One look, in the units of VendorLookSettings; None where a part is absent."""

    power: float | None = None
    dynamic_range_db: float | None = None
    reject: float | None = None
    speckle_filter: float | None = None
    edge: float | None = None
    edge_px: float = 1.2
    persistence: float | None = None
    resampling_px: int | None = None
    levels: int | None = None

    def to_json(self) -> dict[str, float | int | None]:
        """Plain numbers and None under the names of the fields."""
        return asdict(self)


def draw_look(draw: Draw, settings: VendorLookSettings | None = None) -> VendorLook:
    """One look: the same for the same seed of `draw`, whatever was drawn from it before.

    Each part draws whether it is there, and how strong it is, from a stream of its own name: it is the same whichever
    others are switched on, added or taken away.
    """
    s, drawn = settings or VendorLookSettings(), {}
    for part, names in DRAWN_FIELDS.items():
        own = draw.stream(part)
        if own.chance(getattr(s, f"{part}_chance")):
            drawn |= {name: _draw_field(own, name, getattr(s, name)) for name in names}
    return VendorLook(**drawn)


def _draw_field(draw: Draw, name: str, limits: tuple[float, float]) -> float | int:
    """The value of one field of VendorLook."""
    match name:
        case "power":
            return _log_within(draw, limits)
        case "resampling_px" | "levels":
            return round(_log_within(draw, limits))
        case _:
            return draw.within(limits)


def _log_within(draw: Draw, limits: tuple[float, float]) -> float:
    return math.exp(draw.uniform(math.log(limits[0]), math.log(limits[1])))


def show(frames: Tensor, mask: Tensor, look: VendorLook) -> Tensor:
    """A clip as a scanner of this look shows it: uint8 (T, H, W), black outside the mask.

    frames  uint8 (T, H, W) grey, in order, on any device     mask  bool (H, W), the sector
    In the order of a scanner: speckle filter, edge enhancement, persistence, grey curve, pixels, levels.
    Raises EchoGANError for frames of another kind.
    """
    if frames.dtype != torch.uint8 or frames.dim() != 3 or mask.shape != frames.shape[1:]:
        raise EchoGANError("Give the frames as uint8 (frames, height, width), with a mask of their size.")
    inside = mask.to(frames.device, torch.float32)
    grey = frames.float().mul_(inside / 255)
    if look.speckle_filter:
        # A few frames at a time, as they fit a processor's cache: more than twice as fast.
        few = grey.split(CHUNK)
        grey = torch.cat([filter_speckle(part, inside, look.speckle_filter) for part in few])
    if look.edge:
        grey = enhance_edges(grey, inside, look.edge, look.edge_px)
    if look.persistence:
        grey = persist(grey, look.persistence)
    if look.power or look.dynamic_range_db or look.reject:
        grey = grey_curve(look, grey.device)[(255 * grey).round_().long()]
    if look.resampling_px:
        grey = _resampled(grey, inside, look.resampling_px)
    if look.levels and look.levels < 256:
        grey = (grey * (look.levels - 1)).round_() / (look.levels - 1)
    return (255 * inside * grey).round_().to(torch.uint8)


def grey_curve(look: VendorLook, device: torch.device | str = "cpu") -> Tensor:
    """What each of the 256 grey levels becomes, 0 to 1: never falling, and black stays black.

    A display of D dB shows a step in level SHOWN_DB / D times as high; the gain is set anew, so that middle grey keeps
    its place. What was black holds no echo that a wider range could show: grey leaves it at most STEEPEST times as
    fast. Then reject, then the power.
    """
    grey = torch.linspace(0, 1, 256)
    if look.dynamic_range_db:
        wider = MIDDLE + (grey - MIDDLE) * (SHOWN_DB / look.dynamic_range_db)
        grey = torch.minimum(wider, STEEPEST * grey).clamp(0, 1)
    if look.reject:
        grey = ((grey - look.reject) / (1 - look.reject)).clamp_min(0)
    if look.power:
        grey = grey**look.power
    return grey.to(device)


def filter_speckle(grey: Tensor, inside: Tensor, spread: float) -> Tensor:
    """Lee's filter (IEEE TPAMI 2(2), 1980): the local mean, but for what varies by more than `spread` around it.

    grey (T, H, W), 0 to 1 and 0 outside     inside (H, W), 1 in the sector, 0 outside
    """
    weight = blur(inside, FILTER_REACH).clamp_min(1e-3)
    mean = blur(grey, FILTER_REACH) / weight
    variance = (blur(grey.square(), FILTER_REACH) / weight - mean.square()).clamp_min(0)
    return torch.lerp(mean, grey, variance / (variance + spread**2)).mul_(inside)


def enhance_edges(grey: Tensor, inside: Tensor, share: float, reach_px: float) -> Tensor:
    """Add a share of what is finer than `reach_px`: unsharp masking, (T, H, W), 0 to 1 as given, 0 outside."""
    smooth = blur(grey, reach_px) / blur(inside, reach_px).clamp_min(1e-3)
    return torch.lerp(smooth, grey, 1 + share).clamp_(0, 1).mul_(inside)


def persist(grey: Tensor, share: float) -> Tensor:
    """Each frame with a share of what was shown before it: (T, H, W)."""
    shown = [grey[0]]
    for frame in grey[1:]:
        shown.append(torch.lerp(frame, shown[-1], share))
    return torch.stack(shown)


def _resampled(grey: Tensor, inside: Tensor, longer_px: int) -> Tensor:
    """The texture of a file that had so many pixels on its longer side; black outside does not darken the rim."""
    if longer_px >= max(grey.shape[-2:]):
        return grey
    weight = down_up(255 * inside[None], longer_px).clamp_min(1) / 255
    return (down_up(255 * grey, longer_px) / 255 / weight).clamp_(0, 1) * inside
