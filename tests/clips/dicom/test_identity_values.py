"""Whether a text holds part of what a DICOM header says of the patient."""

import numpy as np
import pytest
from dicom_samples import moving, save, ultrasound
from planted_identity import planted

from echogan.clips.dicom.identity_values import identity_values


def values(tmp_path, **tags):
    return identity_values(save(ultrasound(moving(2), **tags), tmp_path / "a.dcm"))


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        ("PatientName", "Müller^Jürgen", "mueller_a4c"),
        ("PatientName", "Müller^Jürgen", "MULLER"),
        ("PatientName", "Müller^Jürgen", "Mu\u0308ller"),
        ("PatientName", "Li^Bo", "bo_li_loop"),
        ("PatientName", "Smith^John", "john-smith-2"),
        ("PatientName", "Smith^John", "xsmithx"),
        ("PatientName", "Montgomery^Ann", "montgom"),
        ("PatientName", "Yamada^Tarou=山田^太郎", "山田の心臓"),
        ("PatientID", "AC-773311", "ac773311"),
        ("PatientID", "AC-773311", "scan 773311"),
        ("PatientID", "77-33-11", "77.33.11"),
        ("PatientID", "AC773311X", "7733-11 773311"),
        ("AccessionNumber", "A99812", "99812_b"),
        ("PatientBirthDate", "19440617", "17.06.1944"),
        ("PatientBirthDate", "19440617", "17jun44"),
        ("PatientBirthDate", "19440617", "6-17-44"),
        ("PatientBirthDate", "19440617", "born 1944"),
        ("StudyDate", "20200102", "2-1-2020"),
        ("InstitutionName", "Sanatorium Waldfrieden", "waldfrieden_1"),
        ("ReferringPhysicianName", "Jekyll^Henry", "for_dr_jekyll"),
        ("StudyDescription", "Follow-up of Hyde", "hyde"),
        ("StudyInstanceUID", "1.2.826.0.1.3680043.8.498.12345678", "1.2.826.0.1.3680043.8.498.12345678.2"),
        ("StudyInstanceUID", "1.2.826.0.1.3680043.8.498.12345678", "12345678"),
        ("SOPInstanceUID", "1.2.826.0.1.3680043.8.498.12345678", "345678"),
    ],
)
def test_found(tmp_path, tag, value, text):
    given = {tag: value} | ({"SpecificCharacterSet": "ISO_IR 192"} if not value.isascii() else {})
    assert values(tmp_path, **given).within(text)


@pytest.mark.parametrize(
    "text", ["a4c_poor", "echo_4ch", "IM_0012", "apical view 3", "case-17", "clip", "HFrEF_patient_07", ""]
)
def test_not_found(tmp_path, text):
    tags = {"StudyDescription": "Adult echo", "PatientID": "AC-773311", "InstitutionName": "Sanatorium"}
    assert not values(tmp_path, **tags).within(text)


def test_private_and_nested_tags_count(tmp_path):
    found = identity_values(planted(tmp_path))
    for word in ("zyxwvq", "margarethe", "773311", "sanatorium", "19440617"):
        assert found.within(f"x_{word}_y")
    assert found.named


def test_whether_a_patient_is_named(tmp_path):
    assert values(tmp_path).named
    assert not values(tmp_path, PatientName="", PatientID="ANONYMOUS").named


def test_random_parts_are_found_whatever_stands_around_them(tmp_path):
    rng = np.random.default_rng(0)
    letters = list("bcdfghjklmnpqrstvwxz")
    for _ in range(40):
        family, given = ("".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(2))
        number = str(rng.integers(100, 10**8))
        found = values(tmp_path, PatientName=f"{family}^{given}", PatientID=number)
        for part in (family, given, number):
            around = ["".join(rng.choice(list("_- .()"), rng.integers(0, 3))) for _ in range(2)]
            assert found.within(f"a4c{around[0]}{part.upper()}{around[1]}view")
