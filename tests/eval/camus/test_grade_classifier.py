"""The grade classifier: a planted difference is learnt, the gain is not it, the same seed makes the same network."""

from pathlib import Path

import numpy as np
import pytest

from echogan.core.geometry import Fan
from eval.camus import grade_classifier as grading
from eval.camus.stills import Still


def still(seed: int, fine: bool) -> Still:
    """Noise in a fan, of single pixels or of blocks of eight."""
    rng, fan = np.random.default_rng(seed), Fan((63.5, 4.0), -38.0, 38.0, 4.0, 110.0)
    side = 128 if fine else 16
    image = np.kron(rng.integers(40, 200, (side, side)), np.ones((128 // side,) * 2)) * fan.mask(128, 128)
    return Still(f"p{seed}", "ED", image.astype(np.uint8), np.zeros((128, 128), np.uint8), fan, 1.0)


@pytest.fixture
def made(tmp_path: Path, monkeypatch):
    fine, coarse = [still(k, True) for k in range(6)], [still(k, False) for k in range(6)]
    monkeypatch.setattr(grading, "training_stills", lambda data: (fine, coarse))
    settings = grading.ClassifierSettings(size=64, width=8, members=2, steps=120, batch_size=8)

    def make(folder: str) -> grading.GradeClassifier:
        monkeypatch.setattr(grading, "FOLDER", tmp_path / folder)
        return grading.grade_classifier(tmp_path, settings, say=lambda text: None)

    return make


def test_a_planted_difference_is_learnt_and_a_gain_is_not_it(made):
    network = made("a")
    fine, coarse = ([still(100 + k, kind).image for k in range(8)] for kind in (True, False))
    good, poor = network(fine), network(coarse)
    assert grading.auc(good, poor) == 1
    dim = network([(image * 0.9).astype(np.uint8) for image in fine])
    assert grading.auc(dim, poor) == 1


def test_the_seed_makes_the_same_network_and_a_kept_one_is_read(made, monkeypatch):
    first, second = made("a"), made("b")
    assert first.sha256 == second.sha256
    monkeypatch.setattr(grading, "train", pytest.fail)
    assert made("a").sha256 == first.sha256


def test_auc_by_hand():
    assert grading.auc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1
    assert grading.auc(np.array([1.0, 4.0]), np.array([2.0, 3.0])) == 0.5
    assert grading.auc(np.array([1.0]), np.array([1.0])) == 0.5


def test_both_grades_are_as_many_in_each_view(shared_data: Path):
    good, poor = grading.training_stills(shared_data / "camus")
    assert len(good) == len(poor) == 192
    assert (
        len({s.patient for s in good} & {s.patient for s in poor}) <= 3
    )  # Good in one view, Poor in the other
