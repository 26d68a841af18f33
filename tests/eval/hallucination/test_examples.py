"""Examples through networks that do something known: nothing, a spot painted, three frames averaged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.networks.generators import GeneratorConfig
from echogan.phantom.tissues import Tissue
from eval.hallucination.diagnostics import DIAGNOSTICS, SIGNED, scores
from echogan.calibration.examples import examples, swapped
from eval.hallucination.hallucination import measure
from echogan.calibration.lesion_clips import LesionClip

FRAMES, HEIGHT, WIDTH = 5, 96, 120


class Painter(torch.nn.Module):
    """Paints a bright square in the middle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, w = x.shape[-2:]
        painted = x.clone()
        painted[..., h // 2 - 4 : h // 2 + 4, w // 2 - 4 : w // 2 + 4] = 1.0
        return painted


class Averager(torch.nn.Module):
    """The mean of three frames."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(1, keepdim=True)


def lesion_clip():
    """A grey texture in a fan with a bright mass in it, and the same without; the input is the truth."""
    sector = fan_sector(HEIGHT, WIDTH)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mass = np.broadcast_to((rows - 70) ** 2 + (columns - 60) ** 2 <= 36, (FRAMES, HEIGHT, WIDTH))
    without = (0.4 * speckle(FRAMES, HEIGHT, WIDTH) * sector.mask).astype(np.uint8)
    ill = np.where(mass, 220, without).astype(np.uint8)
    labels = np.full(ill.shape, int(Tissue.LV), np.uint8)
    poor, control, tissue = (torch.from_numpy(one.copy()) for one in (ill, without, labels))
    fan = torch.tensor([60.0, 2.0, -38.0, 38.0, 3.0, HEIGHT - 10.0], dtype=torch.float64)
    return LesionClip(
        poor, control, poor, control, tissue, tissue, torch.from_numpy(mass.copy()),
        torch.full_like(poor, 255), torch.from_numpy(sector.mask.copy()), fan, torch.tensor(1.0), {"kind": "mass"},
    )  # fmt: skip


def through(network, frames=1):
    made = checkpoint(network)
    config = replace(
        made.config, generator=GeneratorConfig(frames=frames), working_size=96, canonical_grey=True
    )
    return list(
        examples([lesion_clip()], Enhancer(replace(made, config=config), EnhanceSettings(device="cpu")))
    )


def test_a_network_that_changes_nothing_is_faithful_everywhere():
    ill, control = through(torch.nn.Identity())
    for example in (ill, control):
        assert example.x.shape == (FRAMES, *example.tissue.shape)
        assert 0 <= example.x.min() <= example.x.max() <= 1
        assert (example.truth.faithful == example.tissue).all()
    before, after = ill.contrast
    assert before > 100
    assert after == pytest.approx(before, rel=0.01)
    assert control.contrast is None


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
    assert found["contrast_left"] is None
    faithful = measure(pairs, ("raw difference",))
    assert faithful["diagnostics"] == {"raw difference": {"erased": None, "invented": None}}
    assert faithful["contrast_left"]["mean"] == pytest.approx(1, abs=0.01)
    assert faithful["visible_lesions"] == 1
    assert all(share["mean"] == 0 for share in faithful["share"].values())
