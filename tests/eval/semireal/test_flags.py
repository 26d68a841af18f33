"""What is flagged of erased and invented lesions, with networks and probabilities that are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import enhancer_of, lesion_clip

from echogan.trust.calibration import Calibration
from eval.semireal import flags as module
from eval.semireal.flags import area, counted, flags
from eval.simulated.lesion_cases import LesionCase

CALIBRATION = Calibration(
    generator="g", fusion="f", amber=0.4, red=0.8, clips={}, phantom="1", errors="", date="2026-01-01"
)


class Dimmer(torch.nn.Module):
    """Takes away what is bright."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0.5, -0.4, x)


@pytest.fixture
def case() -> LesionCase:
    clip = lesion_clip()
    clip = replace(clip, facts={"kind": "mass", "seed": 1, "patient": "a"})
    lesion = clip.array("lesion")
    rows, columns = np.indices(lesion.shape[1:])
    ring = (
        np.broadcast_to(np.hypot(rows - 70, columns - 60) < 12, lesion.shape) & ~lesion & clip.array("mask")
    )
    return LesionCase(clip, "mass", ring, 1, 150.0, 150.0)


@pytest.fixture
def darker(monkeypatch):
    """Removed is as probable as the fall in grey is large, and invented as the rise."""

    def probabilities(example):
        change = (example.g - example.x)[example.middle]
        return np.clip(-2 * change, 0, 1), np.clip(2 * change, 0, 1)

    monkeypatch.setattr(module, "probabilities", probabilities)
    monkeypatch.setattr("eval.hallucination.promises.probabilities", probabilities)

    class Found:
        calibration = CALIBRATION

    monkeypatch.setattr(module, "calibration_of", lambda checkpoint: Found())


def test_an_erased_lesion_counts_apart_from_a_kept_one_and_is_flagged(case, darker):
    lost = flags([case], enhancer_of(Dimmer()))
    assert lost is not None
    assert lost["kept"] is None
    assert lost["erased"]["amber"]["count"] == lost["erased"]["red"]["count"] == 1
    kept = flags([case], enhancer_of(torch.nn.Identity()))
    assert kept is not None
    assert kept["erased"] is None
    assert kept["kept"]["amber"]["count"] == 0
    assert kept["own"]["amber"]["mean"] == 0


def test_swapped_results_erase_and_invent_for_certain(case, darker):
    found = flags([case], enhancer_of(torch.nn.Identity()))
    assert found is not None
    assert found["swapped"]["erased"]["red"]["mean"] == 1
    assert found["swapped"]["invented"]["red"]["mean"] == 1
    assert found["thresholds"]["with_errors"] == 2
    assert found["thresholds"]["missed_at_amber"]["mean"] < 0.2


def test_without_a_calibration_nothing_is_flagged(case):
    assert flags([case], enhancer_of(torch.nn.Identity())) is None


def test_a_lesion_is_flagged_from_half_of_it_on():
    found = counted([(0.5, 0.1), (0.49, 0.0), (1.0, 0.5), (0.2, 0.2)])
    assert found is not None
    assert found["amber"]["mean"] == 0.5
    assert found["red"]["count"] == 1
    assert counted([]) is None


def test_the_flagged_area_is_a_share_of_the_tissue(monkeypatch):
    class One:
        tissue = np.array([[True, True, True, True, False]])

    maps = np.array([[0.5, 0.9, 0.1, 0.1, 1.0]]), np.array([[0.1, 0.1, 0.45, 0.1, 1.0]])
    monkeypatch.setattr(module, "probabilities", lambda example: maps)
    found = area([One()], ["a"], CALIBRATION)  # type: ignore[list-item]
    assert found["amber"]["mean"] == 0.75
    assert found["red"]["mean"] == 0.25
