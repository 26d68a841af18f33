"""The report of one enhanced clip: what went in, what decided the result, and how far to believe it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from echogan.clips.clip import ClipFile
from echogan.core.atomic import write_whole
from echogan.core.geometry import Sector
from echogan.core.notice import IN_FULL
from echogan.core.version import __version__
from echogan.enhance.chunk import PreparedClip
from echogan.enhance.enhancer import Enhancer
from echogan.trust.card.card import TrustCard
from echogan.trust.map_styles import MAP_STYLES
from echogan.trust.residuals import UNIT_IN_FULL, MapSummary


@dataclass(frozen=True)
class Report:
    """Everything that decided a result, beside its numbers. Names no file: a name may identify a patient.

    device, backend   where the networks ran, and what ran them: torch, onnx (ONNX Runtime) or openvino
    timing        seconds: decode_s, enhance_s, diagnose_s, trust_s, encode_s, total_s; and frames_per_s = frames /
                  total_s. Parts go on at the same time, so that their sum may be more than the total
    diagnostics   every map of MAP_STYLES by its name: mean and 99th percentile of its absolute values over the
                  tissue, in `unit`, the signed mean where it has signs, and what it shows and misses
    per_frame     the mean inside the tissue of every frame, in the same unit
    trust         the trust card, as `TrustCard.to_dict` gives it; at full strength. Empty while it is not made yet
    """

    input: dict[str, Any]
    sector: dict[str, Any]
    model: dict[str, Any]
    device: str
    backend: str
    strength: float
    settings: dict[str, Any]
    timing: dict[str, float]
    diagnostics: dict[str, dict[str, Any]]
    per_frame: dict[str, list[float]]
    trust: dict[str, Any]
    warnings: list[str]
    version: str
    notice: str = IN_FULL

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dictionaries, lists, numbers and strings."""
        return asdict(self)

    def at(self, strength: float) -> Report:
        """The report of a weaker result, where this one is at full strength: the numbers of its maps are smaller."""
        weaker = {name for name in self.diagnostics if MAP_STYLES[name].follows_strength}

        def scaled(numbers: dict[str, Any]) -> dict[str, Any]:
            return {
                key: round(strength * value, 4) if isinstance(value, float) else value
                for key, value in numbers.items()
            }

        diagnostics = {name: scaled(n) if name in weaker else n for name, n in self.diagnostics.items()}
        per_frame = {
            name: [round(strength * v, 4) for v in curve] if name in weaker else curve
            for name, curve in self.per_frame.items()
        }
        settings = self.settings | {"strength": strength}
        return replace(
            self, strength=strength, settings=settings, diagnostics=diagnostics, per_frame=per_frame
        )

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the JSON to `path`, whole or not at all. Raises OutputError."""
        write_whole(path, self.to_json().encode())


def describe_input(clip: ClipFile) -> dict[str, Any]:
    """The facts of a clip, without its name; `pixel_aspect` only where pixels are not square."""
    shape = {} if clip.pixel_aspect == 1 else {"pixel_aspect": round(clip.pixel_aspect, 4)}
    return {
        "kind": clip.kind,
        "frames": clip.frames,
        "fps": None if clip.fps is None else round(clip.fps, 4),
        "width": clip.width,
        "height": clip.height,
        "spacing_mm": None if clip.spacing_mm is None else [float(side) for side in clip.spacing_mm],
    } | shape


def describe_sector(sector: Sector) -> dict[str, Any]:
    """The sector's kind, confidence (0 to 1), coverage (share of the frame) and fan in pixels and degrees."""
    fan: dict[str, float | bool] | None = None
    if sector.fan is not None:
        numbers = {"apex_x": sector.fan.apex[0], "apex_y": sector.fan.apex[1]}
        numbers |= {
            name: getattr(sector.fan, name) for name in ("left_deg", "right_deg", "r_min", "r_max", "aspect")
        }
        fan = {name: round(float(value), 3) for name, value in numbers.items()}
        fan |= {"opens_up": True} if sector.fan.opens_up else {}
    return {
        "kind": sector.kind,
        "confidence": round(float(sector.confidence), 4),
        "coverage": round(sector.coverage, 4),
        "fan": fan,
    }


def describe_model(enhancer: Enhancer) -> dict[str, Any]:
    """Which weights made the result: name, hash, source, the commit where it came from a hub, and what is applied."""
    checkpoint = enhancer.checkpoint
    return {
        "name": checkpoint.name,
        "sha256": checkpoint.sha256,
        "source": str(checkpoint.source),
        "revision": checkpoint.revision,
        "license": checkpoint.config.license,
        **checkpoint.config.applied,
    }


def describe_map(name: str, summary: MapSummary) -> dict[str, Any]:
    """The numbers of the map called `name` in MAP_STYLES, and how to read them."""
    style = MAP_STYLES[name]
    numbers = {"mean": round(summary.mean, 4), "p99": round(summary.percentile(99), 4), "unit": UNIT_IN_FULL}
    if style.signed:
        numbers["signed_mean"] = round(summary.signed_mean, 4)
    return numbers | {"shows": style.shows, "misses": style.misses}


def build_report(
    prepared: PreparedClip,
    enhancer: Enhancer,
    summaries: dict[str, MapSummary],
    card: TrustCard | None,
    timing: dict[str, float],
    warnings: list[str],
) -> Report:
    """Put the report of one finished clip together; `summaries` are by the maps' names."""
    total = timing["total_s"]
    done = len(next(iter(summaries.values())).curve)
    return Report(
        input=describe_input(prepared.clip),
        sector=describe_sector(prepared.sector),
        model=describe_model(enhancer),
        device=str(enhancer.device),
        backend=enhancer.backend,
        strength=enhancer.settings.strength,
        settings=asdict(enhancer.settings)
        | {
            "working_size": enhancer.working_size,
            "grey_power": prepared.curve.power,
            "grey_lift": prepared.curve.lift,
        },
        timing={name: round(value, 4) for name, value in timing.items()}
        | {"frames_per_s": round(done / total, 3)},
        diagnostics={name: describe_map(name, s) for name, s in summaries.items()},
        per_frame={name: [round(v, 4) for v in s.curve] for name, s in summaries.items()},
        trust={} if card is None else card.to_dict(),
        warnings=warnings,
        version=__version__,
    )
