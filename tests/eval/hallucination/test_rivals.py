"""The rivals' rows: what they are on results that are equal, or differ in a known way, and that a run is complete."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import Painter, enhancer_of, lesion_clip, through

from echogan.phantom.tissues import Tissue
from eval.hallucination import rivals as module
from eval.hallucination.faulty import HELD_OUT, Faulty, other_seeds
from eval.hallucination.rivals import (
    COMPARED,
    PARTS,
    SPREADS,
    RivalsSettings,
    network,
    trained_seeds,
)

ONE = Faulty(HELD_OUT[1], "inventing", 3, Tissue.VALVE, small=True)


@pytest.mark.parametrize("spread", SPREADS.values())
def test_equal_results_have_no_spread(spread):
    example, _ = through(Painter())
    assert not spread([example] * 3).any()


def test_the_spread_is_the_standard_deviation_of_the_middle_frame():
    example, _ = through(torch.nn.Identity())
    same = [replace(example, g=example.g + shift) for shift in (0.0, 0.1, 0.5)]
    expected = np.sqrt(np.mean((np.array([0.0, 0.1, 0.5]) - 0.2) ** 2))
    np.testing.assert_allclose(module.spread_of_results(same), expected, atol=1e-6)


def test_another_grey_curve_has_no_tone_matched_spread():
    example, _ = through(torch.nn.Identity())
    other = replace(example, g=(0.5 * example.g + 0.2).astype(np.float32))
    plain, matched = (spread([example, other, other]) for spread in SPREADS.values())
    assert plain[example.tissue].mean() > 0.02
    assert matched.max() < 1e-5


def test_the_other_seeds_are_the_same_training():
    others = list(other_seeds(ONE))
    assert len({ONE.seed, *(one.seed for one in others)}) == 3
    assert all(replace(one, name=ONE.name, seed=ONE.seed) == ONE for one in others)
    assert len({ONE.name, *(one.name for one in others)}) == 3


@pytest.fixture
def painter(monkeypatch):
    monkeypatch.setattr(module, "open_enhancer", lambda _: enhancer_of(Painter()))
    monkeypatch.setattr(module, "train_faulty", lambda one, folder, kept: folder / one.name)


def test_all_rows_are_measured_on_the_same_pixels(painter):
    torch.manual_seed(0)
    found = network(ONE, [lesion_clip()], RivalsSettings())
    assert list(found["diagnostics"]) == [*COMPARED, *PARTS, *SPREADS]
    assert len(found["seeds"]) == 3
    rows = [both["invented"] for both in found["diagnostics"].values()]
    assert len({(row["base_rate"], row["regions"]) for row in rows}) == 1
    assert all(both["erased"] is None for both in found["diagnostics"].values())
    assert found["diagnostics"]["tone-matched residual"]["invented"]["auroc"]["mean"] > 0.95
    for name in SPREADS:  # three equal networks
        assert found["diagnostics"][name]["invented"]["auroc"]["mean"] == pytest.approx(0.5)


def test_a_network_from_the_shipped_one_has_no_other_seeds(painter):
    found = network(replace(ONE, small=False), [lesion_clip()], RivalsSettings())
    assert list(found["diagnostics"]) == [*COMPARED, *PARTS]
    assert len(found["seeds"]) == 1


def test_measuring_alone_trains_nothing_and_takes_all_seeds_or_none(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "train_faulty", pytest.fail)
    settings = RivalsSettings(measure_only=True, faulty=tmp_path)
    first, second = (tmp_path / other.name for other in other_seeds(ONE))
    first.mkdir()
    assert trained_seeds(ONE, settings) == []
    second.mkdir()
    assert trained_seeds(ONE, settings) == [first, second]
