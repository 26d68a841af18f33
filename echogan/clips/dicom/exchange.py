"""What is exchanged with a DICOM server: the facts by which an object is taken or refused, and an object to send."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread

from echogan.clips.dicom.bounded import check_values, read_elements
from echogan.clips.dicom.header import DicomSource, reading
from echogan.clips.dicom.identity import IDENTITY_TAGS, SOFTWARE
from echogan.clips.dicom.layout import DECODERS
from echogan.clips.dicom.reader import ULTRASOUND_CLASSES

MULTI_FRAME_CLASSES = tuple(
    name for name, kind in ULTRASOUND_CLASSES.items() if kind.startswith("multi-frame")
)
SYNTAXES = tuple(str(syntax) for syntax in DECODERS)  # that are read
FACTS = "SOPClassUID SOPInstanceUID Modality ContributingEquipmentSequence"


@dataclass(frozen=True)
class ObjectFacts:
    """What an object is, by its header: UIDs as text, "" where one is missing; `ours` if this program made it."""

    sop_class: str
    instance: str
    modality: str
    ours: bool


def object_facts(path: Path) -> ObjectFacts:
    """Read the facts of a DICOM file, within the bounds of a header. Raises UnreadableClip, ClipTooLarge."""
    with reading():
        with DicomSource.of(path).open() as file:
            header = read_elements(file, stop_before_pixels=True, specific_tags=FACTS.split())
            check_values(header)
        makers = [item.get("Manufacturer") for item in header.get("ContributingEquipmentSequence") or []]
        sop_class, instance, modality = (str(header.get(name) or "").strip() for name in FACTS.split()[:3])
    return ObjectFacts(sop_class, instance, modality.upper(), SOFTWARE in makers)


def object_key(path: Path) -> str:
    """SHA-256 of an object's UID and of the identity that its result may keep: equal for an object that is sent again.

    It differs where the patient's data were corrected meanwhile, and not where the frames were packed in another way.
    Raises UnreadableClip, ClipTooLarge.
    """
    with reading():
        with DicomSource.of(path).open() as file:
            header = read_elements(
                file, stop_before_pixels=True, specific_tags=["SOPInstanceUID", *IDENTITY_TAGS.split()]
            )
            check_values(header)
        found = "\n".join(f"{element.tag}={element.value}" for element in header)
    return hashlib.sha256(found.encode()).hexdigest()


def read_object(path: Path, decompressed: bool = False) -> Any:
    """The whole object of a file that this program wrote, as pydicom's Dataset; its frames decompressed on request.

    Raises UnreadableClip.
    """
    with reading():
        found = dcmread(path)
        if decompressed:
            found.decompress(generate_instance_uid=False)
        return found
