"""The patient split: one role per patient, the given counts, reproducible, and similar hearts in every role."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from echogan.core.errors import EchoGANError
from eval.camus import splits


def test_every_patient_has_one_role_and_every_role_its_number():
    listed = splits.read_split()
    assert len({p.patient for p in listed}) == len(listed) == 354
    counts = Counter((p.quality, p.role) for p in listed)
    wanted = {(q, role): n for q, shares in splits.SHARES.items() for role, n in shares.items()}
    assert counts == wanted
    assert counts["Poor", "test"] == counts["Poor", "generator"] + counts["Poor", "selection"] == 14


def test_roles_share_no_patient():
    groups = [set(splits.patients(role, q)) for q, shares in splits.SHARES.items() for role in shares]
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_seed_draws_the_committed_list(shared_data: Path):
    drawn = splits.draw_split(shared_data / "camus")
    assert drawn == splits.draw_split(shared_data / "camus")
    assert splits.split_csv(drawn) == splits.LIST.read_text()


def test_every_role_has_the_whole_range_of_ejection_fractions(shared_data: Path):
    with (shared_data / "camus" / "index.csv").open(newline="") as file:
        ejection = {r["patient"]: float(r["ejection_fraction"]) for r in csv.DictReader(file)}
    for role in splits.SHARES["Good"]:
        if role != "selection":  # ten patients
            values = [ejection[p] for p in splits.patients(role, "Good")]
            everyone = [ejection[p.patient] for p in splits.read_split() if p.quality == "Good"]
            assert np.mean(values) == pytest.approx(np.mean(everyone), abs=2)


def test_another_index_is_refused(tmp_path: Path):
    with pytest.raises(EchoGANError, match="is not there"):
        splits.draw_split(tmp_path)
    (tmp_path / "index.csv").write_text("patient,quality,ejection_fraction\np1,Good,50\n")
    with pytest.raises(EchoGANError, match="has 1 Good patients"):
        splits.draw_split(tmp_path)
