"""Examples through networks that do something known: nothing, a spot painted, three frames averaged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale
from lesion_examples import FRAMES, Averager, Painter, lesion_clip, through

from echogan.calibration.examples import swapped, visible


def test_a_network_that_changes_nothing_is_faithful_everywhere():
    ill, control = through(torch.nn.Identity())
    for example in (ill, control):
        assert example.x.shape == (FRAMES, *example.tissue.shape)
        assert 0 <= example.x.min() <= example.x.max() <= 1
        assert (example.truth.faithful == example.tissue).all()
    assert ill.lesion.sum() > 50
    assert not control.lesion.any()


def test_a_painted_square_is_invented_in_both_clips():
    for example in through(Painter()):
        h, w = example.tissue.shape
        assert example.truth.invented[h // 2 - 1 : h // 2 + 1, w // 2 - 1 : w // 2 + 1].all()
        assert example.truth.invented.sum() < 500
        assert not example.truth.erased.any()


def test_swapped_results_erase_the_lesion_and_invent_it():
    ill, control = swapped(through(torch.nn.Identity()))
    lesion = ill.lesion
    assert lesion.sum() > 50
    assert ill.truth.erased.sum() > 0.8 * lesion.sum()
    assert not ill.truth.invented.any()
    assert control.truth.invented[lesion].mean() > 0.8
    assert not control.truth.erased.any()


@pytest.mark.parametrize(("network", "frames"), [(Scale(0.7, 0.1), 1), (Averager(), 3)])
def test_translate_gives_a_clips_own_frames_its_own_result(network, frames):
    for example in through(network, frames):
        np.testing.assert_allclose(example.translate(example.x), example.g, atol=1e-5)
        assert np.abs(example.g - example.x).max() > 0.01


@pytest.mark.parametrize(("frames", "seen"), [(1, [2]), (3, [0, 1, 2, 3, 4])])
def test_what_the_network_sees_gives_the_middle_frame_its_own_result(frames, seen):
    for example in through(Averager(), frames):
        assert list(range(FRAMES))[example.around] == seen
        middle = example.translate(example.x[example.around])[example.middle - example.around.start]
        np.testing.assert_allclose(middle, example.g[example.middle], atol=1e-5)


def test_a_lesion_is_visible_where_signal_survives_and_it_changes_the_grey_levels():
    clip = lesion_clip()
    assert visible(clip)
    assert not visible(replace(clip, support=torch.zeros_like(clip.support)))
    assert not visible(replace(clip, control=clip.poor))
    assert not visible(replace(clip, lesion=torch.zeros_like(clip.lesion)))
