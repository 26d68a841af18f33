"""What `curate` needs from a DICOM file beyond its pixels: the patient's id, and whether it shows more than B-mode."""

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

    patient  the PatientID, empty if there is none
    reason   what the regions show other than B-mode: colour Doppler, or spectral Doppler or M-mode
    mixed    whether they show tissue too
    """

    patient: str = ""
    reason: Reason | None = None
    mixed: bool = False


def dicom_facts(path: Path) -> DicomFacts:
    """Read only the header. An unreadable one gives empty facts."""
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
