"""Which CAMUS stills may be trained on: those of the committed split, and no patient of another role."""

import csv
import io

from eval.camus_training import SIDES, Settings, labels_csv, main
from eval.splits import patients


def test_only_patients_of_the_training_roles_are_labelled(tmp_path):
    roles = {
        role: patients(role, grade)[0]
        for role, grade in (*SIDES.values(), ("test", "Good"), ("test", "Poor"))
    }
    sides = {side: patients(role, grade)[0] for side, (role, grade) in SIDES.items()}
    everyone = {*roles.values(), *sides.values(), patients("segmenter-judge", "Good")[0]}
    lines = ["file,patient", *(f"{patient}_4CH_ED.png,{patient}" for patient in sorted(everyone))]
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    labelled = list(csv.DictReader(io.StringIO(labels_csv(tmp_path))))
    assert {row["quality"]: row["patient"] for row in labelled} == sides
    assert len(labelled) == len(sides) == 3


def test_sides_share_no_patient_with_each_other_or_the_test():
    sides = [set(patients(role, grade)) for role, grade in SIDES.values()]
    tested = {patient for grade in ("Good", "Medium", "Poor") for patient in patients("test", grade)}
    assert all(sides)
    assert sum(map(len, sides)) == len(set().union(*sides))
    assert not set().union(*sides) & tested


def test_without_the_stills_it_says_so_and_writes_nothing(tmp_path, capsys):
    main(Settings(data=tmp_path / "absent", out=tmp_path / "out"))
    assert "no CAMUS stills" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
