"""The patient's identity in a derived DICOM object: which tags carry it, what replaces them, what is stated.

Source: PS3.15, Annex E (Basic Profile, Clean Pixel Data Option); PS3.3, C.12.1.1 (SOP Common).
"""

from __future__ import annotations

import re
import secrets
from functools import cache
from typing import Any

from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.write_options import WriteOptions
from echogan.core.geometry import Sector

SOFTWARE = "EchoGANhance"

IDENTITY_TAGS = """
    SpecificCharacterSet TimezoneOffsetFromUTC
    PatientName PatientID IssuerOfPatientID OtherPatientIDs PatientBirthDate PatientBirthTime PatientSex
    PatientAge PatientSize PatientWeight EthnicGroup PatientComments AdditionalPatientHistory
    StudyInstanceUID StudyDate StudyTime StudyID StudyDescription AccessionNumber ReferringPhysicianName
    SeriesDate SeriesTime SeriesNumber AcquisitionDate AcquisitionTime AcquisitionDateTime ContentDate ContentTime
    Manufacturer ManufacturerModelName InstitutionName StationName DeviceSerialNumber ProtocolName
    OperatorsName PerformingPhysicianName BodyPartExamined Laterality PatientOrientation InstanceNumber
    HeartRate TransducerData TransducerType ProcessingFunction
    PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence
    LongitudinalTemporalInformationModified
"""


@cache
def _secret() -> str:
    """A new random key for each run: one study gets one new UID, and neither UID can be computed from the other."""
    return secrets.token_hex(32)


def new_uid(original: Any) -> uid.UID:
    """The UID that replaces `original` during this run; a random one if there is no original."""
    return uid.generate_uid(entropy_srcs=[_secret(), str(original)]) if original else uid.generate_uid()


def code(value: str, meaning: str) -> Dataset:
    """A code of the DICOM terminology (PS3.16)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def plain(text: str) -> str:
    """Printable ASCII, which every DICOM character set holds."""
    return re.sub(r"[^ -~]+|\\+", " ", text).strip()


def add_privacy(made: Dataset, original: Dataset, sector: Sector | None, options: WriteOptions) -> None:
    """State what was removed. If the sector is the whole image, no text was removed from the pixels, and text over the
    tissue can be missed. So the object says that no text is burned in only if the input said so.

    `original` is the input's header, empty if the input is not DICOM.
    """
    cleaned = sector is not None and sector.kind != "whole"
    stated = str(original.get("BurnedInAnnotation") or "")
    made.BurnedInAnnotation = stated if stated in ("YES", "NO") else "YES"
    if options.keep_identity:
        return
    profile = [code("113100", "Basic Application Confidentiality Profile")]
    if cleaned:
        profile.append(code("113101", "Clean Pixel Data Option"))
    made.PatientIdentityRemoved = "YES" if cleaned else "NO"
    pixels = "pixels outside the tissue made black" if cleaned else "pixels not cleaned"
    made.DeidentificationMethod = [f"{SOFTWARE}: tags rebuilt from an allow-list", pixels]
    made.DeidentificationMethodCodeSequence = profile
    made.LongitudinalTemporalInformationModified = "REMOVED"
