"""The instances of a study as a DICOMweb server tells them, and which of them are echo cines to enhance.

Source: PS3.18, F (DICOM JSON Model); PS3.3, C.7.6.1.1.4 (Source Image Sequence), A.7 (US Multi-frame).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from echogan.clips.dicom.exchange import MULTI_FRAME_CLASSES
from echogan.clips.dicom.identity import SOFTWARE
from echogan.clips.dicom.reader import ENHANCED_VOLUME
from echogan.clips.write_options import Enhancement

STUDY, SERIES, INSTANCE, SOP_CLASS = "0020000D", "0020000E", "00080018", "00080016"
MODALITY, FRAMES, SERIES_NUMBER, INSTANCE_NUMBER = "00080060", "00280008", "00200011", "00200013"
EQUIPMENT, MANUFACTURER, DESCRIPTION = "0018A001", "00080070", "00082111"
SOURCES, SOURCE_INSTANCE = "00082112", "00081155"


@dataclass(frozen=True)
class Instance:
    """One object of a study; UIDs as text.

    frames        None where the server does not say
    sources       UIDs of the objects that it was derived from
    ours          whether this program made it
    description   of the derivation
    """

    study: str
    series: str
    uid: str
    sop_class: str
    modality: str
    frames: int | None
    series_number: int
    number: int
    sources: tuple[str, ...]
    ours: bool
    description: str

    @property
    def label(self) -> str:
        """What it is called in messages and names of files; nothing in it names the patient."""
        return f"series {self.series_number}, clip {self.number}"


def instance_of(found: dict[str, Any]) -> Instance:
    """An instance of its DICOM JSON, where anything may be missing or of the wrong type."""
    makers = [_text(item, MANUFACTURER) for item in _items(found, EQUIPMENT)]
    return Instance(
        study=_text(found, STUDY),
        series=_text(found, SERIES),
        uid=_text(found, INSTANCE),
        sop_class=_text(found, SOP_CLASS),
        modality=_text(found, MODALITY).upper(),
        frames=_number(found, FRAMES),
        series_number=_number(found, SERIES_NUMBER) or 0,
        number=_number(found, INSTANCE_NUMBER) or 0,
        sources=tuple(_text(item, SOURCE_INSTANCE) for item in _items(found, SOURCES)),
        ours=SOFTWARE in makers,
        description=_text(found, DESCRIPTION),
    )


def why_not(instance: Instance) -> str:
    """Why an instance is no echo cine that could be enhanced; "" where it may be one."""
    if instance.ours:
        return "is a result of this program"
    if instance.sop_class == ENHANCED_VOLUME:
        return "is a 3-D volume"
    if instance.modality not in ("US", "") and instance.sop_class not in MULTI_FRAME_CLASSES:
        return "is not ultrasound"
    if instance.frames is None and instance.sop_class not in MULTI_FRAME_CLASSES:
        return "is no cine"
    return "is a still" if instance.frames is not None and instance.frames < 2 else ""


def stored_sources(instances: Iterable[Instance], made_by: Enhancement) -> set[str]:
    """UIDs of the objects whose result, by the same weights and settings, the study has already."""
    way = f"{made_by.sha256[:12]}, {made_by.applied}."
    return {source for one in instances if one.ours and way in one.description for source in one.sources}


def _values(found: dict[str, Any], tag: str) -> list[Any]:
    element = found.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _items(found: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    return [item for item in _values(found, tag) if isinstance(item, dict)]


def _text(found: dict[str, Any], tag: str) -> str:
    values = _values(found, tag)
    return str(values[0]).strip() if values and values[0] is not None else ""


def _number(found: dict[str, Any], tag: str) -> int | None:
    with suppress(ValueError, OverflowError):
        return int(float(_text(found, tag)))
    return None
