"""The diagnostics on examples whose errors are known, and what is measured of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import Painter, lesion_clip, through

from echogan.calibration.examples import swapped
from eval.hallucination.diagnostics import DIAGNOSTICS, SIGNED, scores
from eval.hallucination.network_measures import lesions_left, measure


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_each_diagnostic_is_a_map_of_the_middle_frame(name):
    example, _ = through(Painter())
    found = scores(name, example)
    for score in found.values():
        assert score.shape == example.tissue.shape
        assert np.isfinite(score).all()
    assert np.array_equal(found["erased"], -found["invented"] if name in SIGNED else found["invented"])


def test_the_tone_matched_residual_tells_the_painted_square():
    example, _ = through(Painter())
    score = scores("tone-matched residual", example)["invented"]
    assert score[example.truth.invented].min() > np.quantile(score[example.truth.faithful], 0.95)


def test_what_is_measured_of_swapped_results_and_of_faithful_ones():
    pairs = through(torch.nn.Identity())
    found = measure(list(swapped(pairs)), ("raw difference", "tone-matched residual"))
    for both in found["diagnostics"].values():
        for seen in both.values():
            assert seen["regions"] == 1
            assert seen["auroc"]["mean"] > 0.95
            assert seen["found_at_5%"]["mean"] == 1
    assert lesions_left(list(swapped(pairs)), [lesion_clip()])["contrast_left"]["mean"] == pytest.approx(
        0, abs=0.02
    )
    faithful = measure(pairs, ("raw difference",))
    assert faithful["diagnostics"] == {"raw difference": {"erased": None, "invented": None}}
    left = lesions_left(pairs, [lesion_clip()])
    assert left["contrast_left"]["mean"] == pytest.approx(1, abs=0.01)
    assert left["visible_lesions"] == 1
    assert all(share["mean"] == 0 for share in faithful["share"].values())


def test_a_lesion_of_a_few_pixels_has_no_contrast_to_keep():
    clip = lesion_clip()
    speck = torch.zeros_like(clip.lesion)
    speck[:, 70, 60:63] = True
    left = lesions_left(through(torch.nn.Identity()), [replace(clip, lesion=speck)])
    assert left == {"visible_lesions": 0, "contrast_left": None}
