"""What a server tells of an instance, and which instances are echo cines to enhance."""

import pytest
from echo_study import echo_cine
from pydicom import uid
from pydicom.dataset import Dataset

from echogan.archive.pacs.instances import instance_of, stored_sources, why_not
from echogan.clips.write_options import Enhancement

MADE_BY = Enhancement("echogan", "0123456789ab" + "0" * 52, 1.0, "0.1.0")


def told(**tags) -> dict:
    """The DICOM JSON of a cine, as pydicom writes it."""
    made = echo_cine("1.2.3", "1.2.4", 5, frames=2, **tags)
    del made.PixelData
    return made.to_json_dict()


def result(source: str, description: str) -> dict:
    reference, equipment = Dataset(), Dataset()
    reference.ReferencedSOPInstanceUID, equipment.Manufacturer = source, "EchoGANhance"
    return told(
        SourceImageSequence=[reference],
        ContributingEquipmentSequence=[equipment],
        DerivationDescription=description,
    )


def test_an_instance_is_read_as_another_implementation_writes_it():
    found = instance_of(told(SOPInstanceUID="1.2.5"))
    assert (found.study, found.series, found.uid, found.frames) == ("1.2.3", "1.2.4", "1.2.5", 2)
    assert found.label == "series 3, clip 5"
    assert why_not(found) == ""


@pytest.mark.parametrize(
    "junk", [{}, {"00080018": 3}, {"00280008": {"Value": ["many"]}}, {"00080018": {"Value": [None]}}]
)
def test_junk_is_no_cine(junk):
    assert why_not(instance_of(junk)) == "is no cine"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NumberOfFrames": 1, "SOPClassUID": uid.UltrasoundImageStorage}, "is a still"),
        ({"NumberOfFrames": None, "SOPClassUID": uid.UltrasoundImageStorage}, "is no cine"),
        ({"NumberOfFrames": None}, ""),  # a multi-frame class says enough
        ({"SOPClassUID": uid.EnhancedUSVolumeStorage}, "is a 3-D volume"),
        ({"SOPClassUID": uid.CTImageStorage, "Modality": "CT"}, "is not ultrasound"),
        ({"SOPClassUID": uid.MultiFrameTrueColorSecondaryCaptureImageStorage}, ""),
    ],
)
def test_what_is_skipped_and_why(tags, reason):
    assert why_not(instance_of(told(**tags))) == reason


def test_results_are_known_by_reference_weights_and_strength():
    same, weaker, other = (
        f"model echogan {sha}, strength {s}."
        for sha, s in (("0123456789ab", 1), ("0123456789ab", 0.5), ("f" * 12, 1))
    )
    found = [instance_of(result(f"1.9.{n}", text)) for n, text in enumerate((same, weaker, other))]
    assert why_not(found[0]) == "is a result of this program"
    assert MADE_BY.sentence.endswith(same)
    assert stored_sources(found, MADE_BY) == {"1.9.0"}
