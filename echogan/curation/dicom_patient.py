"""What `curate` must know of a DICOM file beyond its pixels: whose it is, and which kind of no-tissue it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from echogan.clips.dicom.facts import SPATIAL_M_MODE, SPATIAL_SPECTRAL, SPATIAL_WAVEFORM, read_regions
from echogan.clips.dicom.header import DicomSource, read_header, reading
from echogan.core.errors import ClipError
from echogan.curation.settings import Reason


@dataclass(frozen=True)
class DicomFacts:
    """What the header says.

    patient  the PatientID, empty where there is none
    reason   what the regions show that is no B-mode: colour Doppler, or spectral Doppler or M-mode
    mixed    whether they show that beside tissue
    """

    patient: str = ""
    reason: Reason | None = None
    mixed: bool = False


def dicom_facts(path: Path) -> DicomFacts:
    """Read the header alone. An unreadable one says nothing."""
    try:
        with reading():
            with DicomSource.of(path).open() as file:
                header, _ = read_header(file, "PatientID SequenceOfUltrasoundRegions")
            regions = read_regions(header)
            patient = str(header.get("PatientID") or "").strip(" \0")
    except ClipError:
        return DicomFacts()
    tissue = any(region.is_tissue for region in regions)
    if any(region.is_color_flow for region in regions):
        return DicomFacts(patient, Reason.COLOUR, tissue)
    if any(region.spatial in (SPATIAL_M_MODE, SPATIAL_SPECTRAL) for region in regions):
        return DicomFacts(patient, Reason.STRIP, tissue)
    # A waveform beside tissue is the ECG; alone, it is no picture.
    traces = any(region.spatial == SPATIAL_WAVEFORM for region in regions)
    return DicomFacts(patient, Reason.STRIP if traces and not tissue else None)
