"""The held-out networks: the results of all trained seeds count together, those of other networks once."""

import pytest
import torch
from lesion_examples import Painter, enhancer_of, lesion_clip

from eval.hallucination import hallucination as module
from eval.hallucination.faulty import FAULTY, other_seeds
from eval.hallucination.hallucination import HallucinationSettings, faulty_networks

HELD_OUT = "inventing-at-atrial-wall"


@pytest.fixture
def settings(monkeypatch, tmp_path):
    torch.manual_seed(0)
    painter = enhancer_of(Painter())
    monkeypatch.setattr(module, "open_enhancer", lambda _: painter)
    monkeypatch.setattr(module, "test_clips", lambda *_: [lesion_clip()])
    for name in (HELD_OUT, "inventing-at-papillary"):
        (tmp_path / "networks" / name).mkdir(parents=True)
    return HallucinationSettings(faulty=tmp_path / "networks")


def test_a_held_out_network_is_measured_with_all_seeds_that_are_trained(settings):
    first = faulty_networks(settings, [lesion_clip()])
    assert list(first) == [HELD_OUT, "inventing-at-papillary"]
    assert [run["seed"] for run in first[HELD_OUT]["runs"]] == [4]
    (one,) = (one for one in FAULTY if one.name == HELD_OUT)
    for other in other_seeds(one):
        (settings.faulty / other.name).mkdir(parents=True)
    all_seeds = faulty_networks(settings, [lesion_clip()])
    assert [run["seed"] for run in all_seeds[HELD_OUT]["runs"]] == [4, 103, 104]
    counts = [found[HELD_OUT]["diagnostics"]["fused"]["invented"]["regions"] for found in (first, all_seeds)]
    assert counts[1] == 3 * counts[0] > 0  # three equal networks
    other = "inventing-at-papillary"
    assert all_seeds[other] == first[other]


def test_only_small_held_out_networks_have_other_seeds():
    assert {one.name for one in FAULTY if list(other_seeds(one))} == {"erasing-atrial-wall", HELD_OUT}
