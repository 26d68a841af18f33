"""The technical tags of a DICOM clip, to show beside it: an allow-list, without anything that may name the patient."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.dicom.bounded import check_values, read_elements, read_meta
from echogan.clips.dicom.facts import numbers, read_regions, read_timing
from echogan.clips.dicom.header import DicomSource, reading
from echogan.clips.dicom.identity_values import IdentityValues, identity_values

LONGEST = 48  # characters of a value
NUMBERS = (  # label, keyword, unit
    ("Frame time", "FrameTime", "ms"),
    ("Heart rate", "HeartRate", "per minute"),
    ("Mechanical index", "MechanicalIndex", ""),
    ("Thermal index, soft tissue", "SoftTissueThermalIndex", ""),
    ("Thermal index, bone", "BoneThermalIndex", ""),
    ("Thermal index, cranial", "CranialThermalIndex", ""),
    ("Depth of scan field", "DepthOfScanField", "mm"),
    ("Depth of focus", "DepthsOfFocus", "mm"),
    ("Lossy compression ratio", "LossyImageCompressionRatio", ""),
)
TERMS = (  # label, keyword; shown only where the value looks like a defined term of DICOM
    ("Transducer type", "TransducerType"),
    ("Photometric interpretation", "PhotometricInterpretation"),
    ("Lossy compression", "LossyImageCompressionMethod"),
)
TEXTS = (  # label, keyword; shown only where no part of the header's identity is in the value
    ("Manufacturer", "Manufacturer"),
    ("Model", "ManufacturerModelName"),
    ("Transducer", "TransducerData"),
)
SPATIAL = {1: "2-D", 2: "M-mode", 3: "spectral", 4: "waveform", 5: "graphics"}
DATA = {1: "tissue", 2: "colour flow", 3: "pulsed-wave Doppler", 4: "continuous-wave Doppler", 10: "ECG"}
HEADER = f"""
    TransducerType PhotometricInterpretation LossyImageCompressionMethod Manufacturer ManufacturerModelName
    TransducerData FrameTime FrameTimeVector FrameIncrementPointer ActualFrameDuration CineRate
    RecommendedDisplayFrameRate NumberOfFrames Rows Columns BitsStored SequenceOfUltrasoundRegions PixelSpacing
    {" ".join(keyword for _, keyword, _ in NUMBERS)}
"""


def technical_tags(path: Path) -> list[tuple[str, str]]:
    """(name, value) of what the header says of machine, time, space and coding; what is missing is left out.

    Free text about the patient, the examination or the place is not read: no protocol, station, institution, serial
    number, comment, date, time or UID. Raises UnreadableClip.
    """
    with reading():
        source = DicomSource.of(path)
        with source.open() as file:
            header = read_elements(file, stop_before_pixels=True, specific_tags=HEADER.split())
            check_values(header)
        identity = identity_values(path, free_text=False)
        return [
            *_texts(header, identity),
            *_terms(header),
            *_size(header),
            *_numbers(header),
            *_regions(header),
            *_syntax(path),
        ]


def _syntax(path: Path) -> Iterator[tuple[str, str]]:
    """As the file says, where it has a file meta group that names one of the standard's."""
    with path.open("rb") as file:
        stated = read_meta(file).get("TransferSyntaxUID")
    if stated and uid.UID(stated).is_transfer_syntax:
        yield "Transfer syntax", uid.UID(stated).name[:LONGEST]


def _value(header: Dataset, keyword: str) -> str:
    """A text value in printable characters; several are joined by commas."""
    value = header.get(keyword)
    if value is None or isinstance(value, bytes):
        return ""
    values = [value] if isinstance(value, str) else value if hasattr(value, "__iter__") else [value]
    text = ", ".join(str(one).strip() for one in values if str(one).strip())
    return "".join(c for c in text if c.isprintable()).strip()


def _texts(header: Dataset, identity: IdentityValues) -> Iterator[tuple[str, str]]:
    for label, keyword in TEXTS:
        value = _value(header, keyword)
        if value and not identity.within(value):
            yield label, value[:LONGEST].strip()


def _terms(header: Dataset) -> Iterator[tuple[str, str]]:
    known: dict[str, Callable[[str], object]] = {
        "TransducerType": TRANSDUCERS.__contains__,
        "PhotometricInterpretation": re.compile(r"MONOCHROME[12]|RGB|PALETTE COLOR|YBR_[A-Z_]+\d*").fullmatch,
        "LossyImageCompressionMethod": re.compile(r"ISO_\d+_\d+(, ISO_\d+_\d+)*").fullmatch,
    }
    for label, keyword in TERMS:
        value = _value(header, keyword)
        if value and known[keyword](value):
            yield label, value


TRANSDUCERS = (  # PS3.3, C.8.5.6.1.7
    "SECTOR_PHASED", "SECTOR_MECH", "SECTOR_ANNULAR", "LINEAR", "CURVED LINEAR", "SINGLE CRYSTAL", "SPLIT XTAL CWD",
    "IV_PHASED", "IV_ROT XTAL", "IV_ROT MIRROR", "ENDOCAV_PA", "ENDOCAV_MECH", "ENDOCAV_CLA", "ENDOCAV_AA",
    "ENDOCAV_LINEAR", "VECTOR_PHASED",
)  # fmt: skip


def _size(header: Dataset) -> Iterator[tuple[str, str]]:
    rows, columns, bits, frames = (
        int((numbers(header.get(k)) or [0])[0]) for k in ("Rows", "Columns", "BitsStored", "NumberOfFrames")
    )
    if rows and columns:
        yield "Rows x columns", f"{rows} x {columns}"
    if bits:
        yield "Bits", str(bits)
    yield "Frames", str(max(1, frames))
    if frames > 1:
        timing = read_timing(header, frames)
        if timing.fps is not None and not any("assumed" in note for note in timing.warnings):
            mean = " (mean)" if timing.durations_ms is not None else ""
            yield "Frame rate", f"{timing.fps:.4g} per second{mean}"


def _numbers(header: Dataset) -> Iterator[tuple[str, str]]:
    for label, keyword, unit in NUMBERS:
        values = [value for value in numbers(header.get(keyword)) if value]  # 0 stands for unknown
        if values:
            yield label, f"{', '.join(f'{value:.4g}' for value in values[:4])} {unit}".strip()


def _regions(header: Dataset) -> Iterator[tuple[str, str]]:
    regions = read_regions(header)
    for number, region in enumerate(regions[:8], start=1):
        what = " ".join(word for word in (SPATIAL.get(region.spatial, ""), DATA.get(region.data, "")) if word)
        label = f"Region {number}" if len(regions) > 1 else "Region"
        if region.spacing_mm is not None and region.is_tissue:
            what += f", pixels of {region.spacing_mm[0]:.4g} x {region.spacing_mm[1]:.4g} mm (row x column)"
        yield label, what or "of another kind"
    spacing = numbers(header.get("PixelSpacing"))
    if not regions and len(spacing) == 2:
        yield "Pixel spacing", f"{spacing[0]:.4g} x {spacing[1]:.4g} mm (row x column)"
