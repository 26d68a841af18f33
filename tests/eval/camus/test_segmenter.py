"""The segmenter fine-tuned on CAMUS: its loss, its patients, and that it follows from its seed."""

import math

import pytest
import torch

from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Structure
from echogan.training.segmenter.data import IGNORED
from eval.camus import segmenter as camus_segmenter
from eval.camus.segmenter import CamusSegmenterSettings, segmenter_loss
from eval.camus.stills import stills


def sure(classes: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(classes, 6).movedim(3, 1) * 40.0


def test_the_right_heart_counts_as_background():
    truth = torch.tensor([[[0, 1, 2, 3]]])
    for other in (Structure.OTHER, Structure.RV, Structure.RA):
        found = truth.where(truth != 0, torch.tensor(int(other)))
        assert segmenter_loss(sure(found), truth) == pytest.approx(0, abs=1e-6)
    wrong = segmenter_loss(sure(torch.tensor([[[1, 1, 2, 3]]])), truth)
    assert wrong > 1


def test_the_loss_of_uniform_logits_has_its_closed_form():
    truth = torch.tensor([[[0, 1, 2, 3]]])
    logits = torch.zeros(1, 6, 1, 4)
    dice = (2 * 1 / 6 + 1) / (1 + 4 / 6 + 1)
    expected = (3 * math.log(6) + math.log(2)) / 4 + 1 - dice
    assert segmenter_loss(logits, truth) == pytest.approx(expected, abs=1e-5)


def test_ignored_pixels_have_no_loss():
    truth = torch.tensor([[[1, 2, 3, IGNORED]]])
    for answer in (0, 1, 3):
        found = sure(torch.tensor([[[1, 2, 3, answer]]]))
        assert segmenter_loss(found, truth) == pytest.approx(0, abs=1e-6)


def test_it_follows_from_its_seed_and_sees_only_training_patients(shared_data, tmp_path, monkeypatch):
    asked, few = [], stills(shared_data / "camus", "selection", "Good")[:4]

    def stand_in(folder, role, quality):
        asked.append((role, quality))
        return few

    monkeypatch.setattr(camus_segmenter, "stills", stand_in)
    made = []
    for name in ("a", "b"):
        camus_segmenter.main(CamusSegmenterSettings(steps=2, batch_size=2, size=64, out=tmp_path / name))
        made.append(load_segmenter(tmp_path / name))
    assert set(asked) == {("generator", "Good"), ("semireal", "Good")}
    assert made[0].sha256 == made[1].sha256 != load_segmenter("segmenter-phantom").sha256
    assert made[0].config.license == "CC BY-NC-SA 4.0"


def test_without_camus_it_says_so(tmp_path, capsys):
    camus_segmenter.main(CamusSegmenterSettings(data=tmp_path, out=tmp_path / "out"))
    assert "No CAMUS" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
