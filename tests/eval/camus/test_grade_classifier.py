"""The grade classifier: it learns a planted difference, ignores gain, and follows from its seed."""

from pathlib import Path

import numpy as np
import pytest

from echogan.core.geometry import Fan
from eval.camus import grade_classifier
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
    monkeypatch.setattr(grade_classifier, "training_stills", lambda data: (fine, coarse))
    settings = grade_classifier.ClassifierSettings(size=64, width=8, members=2, steps=120, batch_size=8)

    def make(folder: str) -> grade_classifier.GradeClassifier:
        monkeypatch.setattr(grade_classifier, "FOLDER", tmp_path / folder)
        return grade_classifier.grade_classifier(tmp_path, settings, say=lambda text: None)

    return make


def test_a_planted_difference_is_learnt_and_gain_is_ignored(made):
    network = made("a")
    fine, coarse = ([still(100 + k, kind).image for k in range(8)] for kind in (True, False))
    good, poor = network(fine), network(coarse)
    assert grade_classifier.auc(good, poor) == 1
    dim = network([(image * 0.9).astype(np.uint8) for image in fine])
    assert grade_classifier.auc(dim, poor) == 1


def test_one_seed_gives_one_network_and_a_saved_one_is_loaded(made, monkeypatch):
    first, second = made("a"), made("b")
    assert first.sha256 == second.sha256
    monkeypatch.setattr(grade_classifier, "train", pytest.fail)
    assert made("a").sha256 == first.sha256


def test_auc_by_hand():
    assert grade_classifier.auc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1
    assert grade_classifier.auc(np.array([1.0, 4.0]), np.array([2.0, 3.0])) == 0.5
    assert grade_classifier.auc(np.array([1.0]), np.array([1.0])) == 0.5


def test_both_grades_have_as_many_stills(shared_data: Path):
    good, poor = grade_classifier.training_stills(shared_data / "camus")
    assert len(good) == len(poor) == 192
    assert (
        len({s.patient for s in good} & {s.patient for s in poor}) <= 3
    )  # Good in one view, Poor in the other
