"""CAMUS training shards: only stills of the training roles, and no patient of another role."""

import pytest

from eval.camus.shards import SIDES, CamusShardsSettings, main, sides
from eval.camus.two_chamber import VIEWS, folder_of, patients

KEPT_OUT = ("test", "selection", "frozen-segmenter", "grade-classifier")
GRADES = ("Good", "Medium", "Poor")


def of_role(role: str) -> set[str]:
    return {name for view in VIEWS for grade in GRADES for name in patients(view, role, grade)}  # type: ignore[arg-type]


@pytest.mark.parametrize("view", VIEWS)
def test_only_patients_of_the_training_roles_are_labelled(tmp_path, view):
    expected = {side: patients(view, role, grade)[0] for side, (role, grade) in SIDES.items()}
    others = {min(of_role(role)) for role in KEPT_OUT}
    images = folder_of(tmp_path / "camus", view) / "images"
    images.mkdir(parents=True)
    for patient in others | set(expected.values()):
        (images / f"{patient}_{view}_ED.png").touch()
    (images / f"{min(expected.values())}_other_ED.png").touch()  # another view than asked for
    found = sides(tmp_path / "camus", view)
    assert {side: patient for _, side, patient in found} == expected
    assert len(found) == len(expected)


def test_no_training_patient_has_another_role():
    training = {
        name for view in VIEWS for role, grade in SIDES.values() for name in patients(view, role, grade)
    }
    assert training
    for role in KEPT_OUT:
        assert of_role(role)
        assert not training & of_role(role)
    # Degraded stills are of other patients than the good ones. Otherwise they would be pairs.
    good, poor = (
        {name for view in VIEWS for name in patients(view, *SIDES[side])} for side in ("high", "semireal")
    )
    assert not good & poor


def test_without_the_stills_it_says_so_and_writes_nothing(tmp_path, capsys):
    main(CamusShardsSettings(data=tmp_path / "absent", out=tmp_path / "out"))
    assert "No CAMUS stills" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
