"""The facts by which an object is taken or refused, and an object to send."""

import gdcm
import numpy as np
import pytest
from dicom_samples import moving, save, transcode, ultrasound
from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.dicom.exchange import MULTI_FRAME_CLASSES, SYNTAXES, object_facts, read_object
from echogan.core.errors import EchoGANError


def test_the_facts_of_an_object(tmp_path):
    made = ultrasound(moving(), Modality="US")
    facts = object_facts(save(made, tmp_path / "a.dcm"))
    assert (facts.sop_class, facts.instance, facts.modality, facts.ours) == (
        made.SOPClassUID,
        made.SOPInstanceUID,
        "US",
        False,
    )
    equipment = Dataset()
    equipment.Manufacturer = "EchoGANhance"
    made.ContributingEquipmentSequence = [equipment]
    assert object_facts(save(made, tmp_path / "b.dcm")).ours


def test_multi_frame_ultrasound_and_what_can_be_decoded():
    assert set(MULTI_FRAME_CLASSES) == {uid.UltrasoundMultiFrameImageStorage, "1.2.840.10008.5.1.4.1.1.3"}
    assert {uid.JPEGLSLossless, uid.JPEGBaseline8Bit, uid.ImplicitVRLittleEndian} <= set(SYNTAXES)
    assert not any(uid.UID(syntax).name.startswith("MPEG") for syntax in SYNTAXES)


def test_an_object_is_read_decompressed_under_its_own_uid(tmp_path):
    frames = moving(3, channels=3)
    plain = save(ultrasound(frames), tmp_path / "a.dcm")
    coded = transcode(plain, tmp_path / "b.dcm", gdcm.TransferSyntax.JPEGLSLossless)
    kept, found = read_object(coded), read_object(coded, decompressed=True)
    assert kept.file_meta.TransferSyntaxUID == uid.JPEGLSLossless
    assert found.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    assert found.SOPInstanceUID == kept.SOPInstanceUID
    assert np.array_equal(found.pixel_array, frames)


@pytest.mark.parametrize("content", [b"", b"no dicom at all", b"\0" * 128 + b"DICM"])
def test_what_is_no_dicom_has_no_facts(tmp_path, content):
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    try:
        facts = object_facts(path)
    except EchoGANError:
        return
    assert (facts.sop_class, facts.instance) == ("", "")
