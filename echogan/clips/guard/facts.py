"""Clips and sectors as plain facts and arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core import errors
from echogan.core.errors import EchoGANError, UnreadableClip
from echogan.core.geometry import Fan, Sector

CLIP_FACTS = [field.name for field in fields(ClipFile) if field.name not in ("path", "decode")]


def clip_facts(clip: ClipFile) -> dict[str, Any]:
    """Everything of a clip but its frames."""
    return {name: getattr(clip, name) for name in CLIP_FACTS}


def clip_from(facts: dict[str, Any], path: Path, decode: Callable[[], Iterator[np.ndarray]]) -> ClipFile:
    """The clip of these facts."""
    return ClipFile(path=path, decode=decode, **{name: _tuples(facts[name]) for name in CLIP_FACTS})


def sector_facts(sector: Sector) -> dict[str, Any]:
    """Everything of a sector but its two masks."""
    return {
        "kind": sector.kind,
        "confidence": float(sector.confidence),
        "fan": None if sector.fan is None else asdict(sector.fan),
        "notes": sector.notes,
        "text_sure": bool(sector.text_sure),
        "levels": sector.levels,
    }


def sector_from(facts: dict[str, Any], tissue: np.ndarray, overlay: np.ndarray) -> Sector:
    """The sector of these facts and masks, bool (H, W)."""
    given = {name: _tuples(value) for name, value in facts.items() if name != "fan"}
    fan = facts["fan"]
    fan = None if fan is None else Fan(**{name: _tuples(value) for name, value in fan.items()})
    return Sector(tissue_mask=tissue, overlay_mask=overlay, fan=fan, **given)


def error_facts(error: EchoGANError) -> dict[str, Any]:
    """A user's mistake: its kind, as core/errors.py has it, and its sentence."""
    kinds = (kind.__name__ for kind in type(error).__mro__)
    return {"kind": next(name for name in kinds if hasattr(errors, name)), "sentence": str(error)}


def error_from(facts: dict[str, Any]) -> EchoGANError:
    """The error of these facts."""
    kind = getattr(errors, facts["kind"], None)
    if isinstance(kind, type) and issubclass(kind, EchoGANError):
        return kind(facts["sentence"])
    return UnreadableClip(facts["sentence"])


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
