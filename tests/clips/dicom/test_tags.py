"""The technical tags of a clip: what they show, and that identity is never among them."""

import pytest
from dicom_samples import moving, region, save, ultrasound
from planted_identity import WORDS, planted
from pydicom import uid

from echogan.clips.dicom.tags import LONGEST, technical_tags
from echogan.core.errors import UnreadableClip


def tags(tmp_path, **given) -> dict[str, str]:
    return dict(technical_tags(save(ultrasound(moving(), **given), tmp_path / "a.dcm")))


def test_what_is_shown(tmp_path):
    shown = tags(
        tmp_path,
        Manufacturer="GE Vingmed Ultrasound",
        ManufacturerModelName="Vivid E95",
        TransducerData=["M5Sc", "UNUSED"],
        TransducerType="SECTOR_PHASED",
        HeartRate=71,
        MechanicalIndex="1.4",
        SoftTissueThermalIndex="0.7",
        DepthOfScanField=160,
        SequenceOfUltrasoundRegions=[region((0, 0, 23, 31)), region((0, 0, 5, 5), spatial=3, data=3)],
        InstitutionName="St Elsewhere Medical Center",
        StationName="VIVID-E95-3",
    )
    assert shown == {
        "Manufacturer": "GE Vingmed Ultrasound",
        "Model": "Vivid E95",
        "Transducer": "M5Sc, UNUSED",
        "Transducer type": "SECTOR_PHASED",
        "Photometric interpretation": "MONOCHROME2",
        "Rows x columns": "24 x 32",
        "Bits": "8",
        "Frames": "4",
        "Frame rate": "50 per second",
        "Frame time": "20 ms",
        "Heart rate": "71 per minute",
        "Mechanical index": "1.4",
        "Thermal index, soft tissue": "0.7",
        "Depth of scan field": "160 mm",
        "Region 1": "2-D tissue, pixels of 1 x 0.5 mm (row x column)",
        "Region 2": "spectral pulsed-wave Doppler",
        "Transfer syntax": "Explicit VR Little Endian",
    }


def test_a_header_full_of_identity_shows_none(tmp_path):
    shown = technical_tags(planted(tmp_path))
    text = repr(shown).lower()
    assert dict(shown)["Rows x columns"] == "240 x 320"
    assert not [word for word in WORDS if word in text]
    assert {name for name, _ in shown}.isdisjoint({"Manufacturer", "Model", "Transducer", "Transducer type"})


@pytest.mark.parametrize(
    "value", ["Vivid of QUIXOTE", "alonso", "ID-9-Quixote", "Room 20200102", "made for 02.01.2020"]
)
def test_a_text_that_holds_identity_is_left_out(tmp_path, value):
    shown = tags(tmp_path, ManufacturerModelName=value, Manufacturer="Philips")
    assert "Model" not in shown
    assert shown["Manufacturer"] == "Philips"


@pytest.mark.parametrize(
    "keyword",
    [
        "ProtocolName",
        "StationName",
        "DeviceSerialNumber",
        "InstitutionName",
        "ImageComments",
        "SeriesDescription",
        "StudyDate",
    ],
)
def test_free_text_dates_and_places_are_not_read(tmp_path, keyword):
    value = "19990909" if keyword == "StudyDate" else "Tell-tale"
    assert not [v for v in tags(tmp_path, **{keyword: value}).values() if value in v]


def test_values_are_cut_and_printable(tmp_path):
    shown = tags(tmp_path, ManufacturerModelName="wide " * 12, TransducerType="DR SMITHS OWN")
    assert len(shown["Model"]) <= LONGEST
    assert "Transducer type" not in shown
    path = save(ultrasound(moving(), Manufacturer="A\x1b[31mB\u200b<b>"), tmp_path / "b.dcm")
    assert all(value.isprintable() for _, value in technical_tags(path))


def test_a_still_and_a_deflated_clip(tmp_path):
    still = dict(technical_tags(save(ultrasound(moving(1)), tmp_path / "a.dcm")))
    assert still["Frames"] == "1"
    assert "Frame rate" not in still
    path = save(ultrasound(moving()), tmp_path / "b.dcm", uid.DeflatedExplicitVRLittleEndian)
    assert dict(technical_tags(path))["Transfer syntax"] == "Deflated Explicit VR Little Endian"


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnreadableClip):
        technical_tags(tmp_path / "none.dcm")
