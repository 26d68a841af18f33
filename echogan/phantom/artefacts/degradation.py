"""What makes an echo poor, in numbers: the range of every artefact, how often it is there, and one draw of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from echogan.core.errors import SettingsError
from echogan.phantom.draw import Draw

DRAWN_FIELDS: dict[str, tuple[str, ...]] = {
    "aberration": ("aberration_rad",),
    "aperture": ("aperture",),
    "side_lobes": ("side_lobes_db",),
    "drop_out": ("drop_out_db",),
    "haze": ("haze_db",),
    "near_clutter": ("near_clutter_db", "near_clutter_reach_cm"),
    "streaks": ("streaks_db",),
    "reverberation": ("reverberation_db", "reverberation_cm"),
    "shadow": ("shadows",),
    "edge_loss": ("edge_loss_db", "edge_from"),
    "attenuation": ("attenuation_db_cm",),
    "noise": ("noise_db", "noise_slope_db"),
    "dynamic_range": ("dynamic_range",),
    "gain": ("gain_db",),
    "gamma": ("gamma",),
    "smoothing": ("smoothing",),
    "persistence": ("persistence",),
    "frame_hold": ("frame_hold",),
    "jpeg": ("jpeg_quality",),
    "down_up": ("down_up_px",),
}
"""Artefact -> the fields of Degradation that are drawn for it, in this order. A new artefact is a line here."""

ARTEFACTS = tuple(DRAWN_FIELDS)
"""The artefacts that can be switched on and off one by one; each has a `*_chance` in DegradationSettings."""

DARKEST, BRIGHTEST, FLATTEST = 10.0, 125.0, 14.0
MOST_SHADOWS, TWO_SHADOWS_CHANCE = 2, 0.4
EDGE_FROM = (0.3, 0.85)


def _chance(default: float, what: str) -> Any:
    return field(default=default, metadata={"help": f"share of clips with {what}", "min": 0, "max": 1})


def _between(low: float, high: float, help: str, least: float, most: float) -> Any:
    return field(default=(low, high), metadata={"help": help, "min": least, "max": most})


@dataclass(frozen=True)
class DegradationSettings:
    """How often each artefact is there, and the range of its strength. dB are against normal myocardium.

    The mixture is meant to look like the stills that CAMUS grades as poor: grey and hazy, seldom black or shadowed.
    Aberration, noise and smoothing were set by what parts Poor from Good among the patients that training may use
    (`eval.realism.grades`): broken grain. Haze, contrast and dark edges reach further than there, to what real hazy
    cines show; and walls drop out more often, beside haze, since a network must learn to leave such walls alone.
    """

    aberration_chance: float = _chance(0.6, "aberration")
    aberration_rad: tuple[float, float] = _between(0.3, 1.1, "phase error over the aperture, rad RMS", 0, 3)
    aperture_chance: float = _chance(0.3, "part of the aperture blind")
    aperture: tuple[float, float] = _between(0.6, 0.98, "share of the aperture that sees", 0.2, 1)
    side_lobes_chance: float = _chance(0.5, "raised side lobes")
    side_lobes_db: tuple[float, float] = _between(-40, -26, "side lobes against the main one, dB", -80, 0)
    drop_out_chance: float = _chance(0.55, "drop-out")
    drop_out_db: tuple[float, float] = _between(16, 32, "loss where tissue drops out, dB", 0, 60)
    haze_chance: float = _chance(0.97, "haze")
    haze_db: tuple[float, float] = _between(-17, -4, "haze against the echoes around it, dB", -60, 12)
    near_clutter_chance: float = _chance(0.4, "near-field clutter")
    near_clutter_db: tuple[float, float] = _between(-6, 8, "clutter at the face, dB", -60, 30)
    near_clutter_reach_cm: tuple[float, float] = _between(
        1.2, 4.5, "depth over which it falls by 8.7 dB, cm", 0.1, 20
    )
    streaks_chance: float = _chance(0.15, "stationary streaks")
    streaks_db: tuple[float, float] = _between(-20, -6, "crest of the streaks, dB", -60, 30)
    reverberation_chance: float = _chance(0.25, "a reverberation")
    reverberation_db: tuple[float, float] = _between(-22, -10, "deeper copy against its source, dB", -60, 0)
    reverberation_cm: tuple[float, float] = _between(1.2, 3.5, "how much deeper the copy lies, cm", 0.2, 20)
    shadow_chance: float = _chance(0.1, "one or two shadows")
    shadow_db: tuple[float, float] = _between(10, 35, "loss within a shadow, dB", 0, 60)
    edge_loss_chance: float = _chance(0.35, "dark edges of the fan")
    edge_loss_db: tuple[float, float] = _between(0, 22, "loss at each edge, dB", 0, 60)
    attenuation_chance: float = _chance(0.25, "attenuation that is not made good")
    attenuation_db_cm: tuple[float, float] = _between(0, 1.6, "loss beyond 4 cm, dB per cm", 0, 5)
    noise_chance: float = _chance(0.6, "more electronic noise")
    noise_db: tuple[float, float] = _between(-30, -18, "noise at the face, dB", -90, 0)
    noise_slope_db: tuple[float, float] = _between(
        2, 12, "noise added from the face to full depth, dB", 0, 40
    )
    dynamic_range_chance: float = _chance(0.6, "another dynamic range")
    dynamic_range: tuple[float, float] = _between(
        0.82, 1.15, "share of the clean clip's dynamic range", 0.3, 2
    )
    gain_chance: float = _chance(0.8, "another gain")
    gain_db: tuple[float, float] = _between(-6, 6, "gain against the clean clip, dB", -40, 40)
    gamma_chance: float = _chance(0.6, "another grey curve")
    gamma: tuple[float, float] = _between(0.75, 1.15, "the clean clip's grey exponent, times", 0.3, 3)
    smoothing_chance: float = _chance(0.9, "another smoothing")
    smoothing: tuple[float, float] = _between(0, 0.35, "display smoothing, samples", 0, 5)
    persistence_chance: float = _chance(0.15, "another persistence")
    persistence: tuple[float, float] = _between(0, 0.15, "share of the frame before", 0, 0.95)
    frame_hold_chance: float = _chance(0.03, "frames shown more than once")
    frame_hold: tuple[int, int] = _between(2, 3, "how often each frame is shown", 1, 10)  # type: ignore[assignment]
    jpeg_chance: float = _chance(0.15, "JPEG compression")
    jpeg_quality: tuple[int, int] = _between(45, 95, "JPEG quality", 1, 100)  # type: ignore[assignment]
    down_up_chance: float = _chance(0.03, "a smaller copy enlarged again")
    down_up_px: tuple[int, int] = _between(112, 160, "longer side of that copy, pixels", 16, 2048)  # type: ignore[assignment]

    def chance(self, artefact: str) -> float:
        """The share of clips that have an artefact of ARTEFACTS."""
        return getattr(self, f"{artefact}_chance")


def only(settings: DegradationSettings, *names: str) -> DegradationSettings:
    """The same ranges with the named artefacts always there and no others. Raises SettingsError."""
    for name in names:
        if name not in ARTEFACTS:
            raise SettingsError(f"There is no artefact '{name}'; give one of {', '.join(ARTEFACTS)}.")
    return replace(settings, **{f"{name}_chance": float(name in names) for name in ARTEFACTS})


@dataclass(frozen=True)
class Shadow:
    """A rib or lung shadow, tied to the probe.

    centre, half_width  as shares of the fan's half-angle    loss_db  within    from_cm  the depth it starts at
    """

    centre: float
    half_width: float
    loss_db: float
    from_cm: float


@dataclass(frozen=True)
class Degradation:
    """The artefacts of one poor acquisition, in the units of DegradationSettings; None (no shadows) where absent.

    edge_loss_db  left and right; edge_from  where each begins, as a share of the half-angle
    pattern_seed  with an artefact's name decides where haze, streaks and the like lie
    """

    aberration_rad: float | None = None
    aperture: float | None = None
    side_lobes_db: float | None = None
    drop_out_db: float | None = None
    haze_db: float | None = None
    near_clutter_db: float | None = None
    near_clutter_reach_cm: float = 2.0
    streaks_db: float | None = None
    reverberation_db: float | None = None
    reverberation_cm: float = 2.0
    shadows: tuple[Shadow, ...] = ()
    edge_loss_db: tuple[float, float] | None = None
    edge_from: tuple[float, float] = (0.6, 0.6)
    attenuation_db_cm: float | None = None
    noise_db: float | None = None
    noise_slope_db: float = 0.0
    dynamic_range: float | None = None
    gain_db: float | None = None
    gamma: float | None = None
    smoothing: float | None = None
    persistence: float | None = None
    frame_hold: int | None = None
    jpeg_quality: int | None = None
    down_up_px: int | None = None
    pattern_seed: int = 0

    def to_json(self) -> dict:
        """Plain numbers, lists and None under the names of the fields."""
        return asdict(self)


def draw_degradation(draw: Draw, settings: DegradationSettings) -> Degradation:
    """One poor acquisition: the same for the same seed of `draw`, whatever was drawn from it before.

    Each artefact draws whether it is there, and how strong it is, from a stream of its own name: it is the same
    whichever others are switched on, added or taken away.
    """
    drawn: dict[str, Any] = {"pattern_seed": int(draw.stream("pattern_seed").uniform(0, 2**31 - 1))}
    for artefact, names in DRAWN_FIELDS.items():
        own = draw.stream(artefact)
        if own.chance(settings.chance(artefact)):
            drawn |= {name: _draw_field(own, name, settings) for name in names}
    return Degradation(**drawn)


def _draw_field(draw: Draw, name: str, settings: DegradationSettings) -> Any:
    """The value of one field of Degradation."""
    s = settings
    match name:
        case "shadows":
            shadows = tuple(_draw_shadow(draw, s) for _ in range(MOST_SHADOWS))
            return shadows if draw.chance(TWO_SHADOWS_CHANCE) else shadows[:1]
        case "edge_loss_db":
            return draw.within(s.edge_loss_db), draw.within(s.edge_loss_db)
        case "edge_from":
            return draw.within(EDGE_FROM), draw.within(EDGE_FROM)
        case "frame_hold" | "jpeg_quality" | "down_up_px":
            low, high = getattr(s, name)
            return min(high, int(draw.uniform(low, high + 1)))
        case _:
            return draw.within(getattr(s, name))


def _draw_shadow(draw: Draw, settings: DegradationSettings) -> Shadow:
    centre, half_width = draw.uniform(-1.1, 1.1), draw.uniform(0.1, 0.35)
    return Shadow(centre, half_width, draw.within(settings.shadow_db), draw.uniform(0.5, 3))


def shows_tissue(frame: Tensor, inside: Tensor) -> bool:
    """Whether a degraded frame still shows something: neither nearly black nor a flood of grey.

    frame (H, W) grey levels 0 to 255, inside bool (H, W): the sector. Mean 10 to 125, spread 14 or more.
    """
    grey, share = frame.float(), inside.float() / inside.sum().clamp_min(1)
    mean = (grey * share).sum()
    spread = ((grey - mean).square() * share).sum().sqrt()
    return bool((mean >= DARKEST) & (mean <= BRIGHTEST) & (spread >= FLATTEST))
