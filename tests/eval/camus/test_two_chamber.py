"""The patient split for both views: four-chamber roles are kept, and test patients have no other role."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from echogan.core.errors import EchoGANError
from eval.camus import splits, two_chamber
from eval.camus.grade_classifier import ROLES
from eval.camus.stills import stills, view_stills
from eval.camus.two_chamber import VIEWS, grades, patients


def test_all_but_the_divided_patients_keep_their_four_chamber_role():
    four = {p.patient: p.role for p in splits.read_split()}
    listed = two_chamber.read_list()
    assert len({p.patient for p in listed}) == len(listed) == 354
    moved = [p for p in listed if p.role != four[p.patient]]
    assert {four[p.patient] for p in moved} == {"generator"}
    assert Counter(p.role for p in moved) == {"grade-classifier": 19, "selection": 10}
    for patient in moved:
        assert "Poor" in [grades(view)[patient.patient] for view in VIEWS]


def test_test_patients_have_no_other_role_in_either_view():
    four = {p.patient: p.role for p in splits.read_split()}
    tested = {
        name for view in VIEWS for q in ("Good", "Medium", "Poor") for name in patients(view, "test", q)
    }
    assert {four[name] for name in tested} == {"test"}
    assert len(patients("2CH", "test", "Poor")) == 18
    assert patients("4CH", "test", "Poor") == splits.patients("test", "Poor")
    rated = {
        name
        for view in VIEWS
        for q, roles in ROLES.items()
        for role in roles
        for name in patients(view, role, q)
    }
    chosen = {name for view in VIEWS for q in ("Good", "Poor") for name in patients(view, "selection", q)}
    assert not rated & tested
    assert not chosen & tested
    assert not chosen & rated


def test_seed_draws_the_committed_list(shared_data: Path):
    drawn = two_chamber.draw_list(shared_data / "camus")
    assert two_chamber.list_csv(drawn) == two_chamber.LIST.read_text()


def test_without_two_chamber_stills_it_is_refused(tmp_path: Path):
    with pytest.raises(EchoGANError, match="beside the four-chamber ones"):
        two_chamber.draw_list(tmp_path / "camus")


def test_two_chamber_stills_have_a_fan_and_a_depth(shared_data: Path):
    found = view_stills(shared_data / "camus", "2CH", "selection", "Good")
    assert len(found) == 14
    for still in found:
        mask = still.sector.tissue_mask
        assert max(still.image.shape) == 256
        assert 80 < still.fan.r_max * still.spacing_mm < 250
        assert still.image[~mask].mean() < 1
        assert still.image[mask].mean() > 20
        beyond = still.image[
            ~mask & (still.labels > 0)
        ]  # the expert draws the wall on, past the sector's edge
        assert (beyond < 5).mean() > 0.8


def test_four_chamber_stills_are_the_same_by_both_functions(shared_data: Path):
    data = shared_data / "camus"
    ours, theirs = view_stills(data, "4CH", "test", "Poor"), stills(data, "test", "Poor")
    assert [s.patient for s in ours] == [s.patient for s in theirs]
    assert np.array_equal(ours[0].image, theirs[0].image)
    assert ours[0].spacing_mm == pytest.approx(theirs[0].spacing_mm)
