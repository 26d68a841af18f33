"""The error head learns an error that is planted in small examples, and is the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import through

from echogan.calibration.examples import Example, swapped
from echogan.calibration.painted import painted
from eval.hallucination import error_head as module
from eval.hallucination.detection import pixel_detection
from eval.hallucination.fit_fusion import MOST, OF_NETWORKS


@pytest.fixture(scope="module")
def own() -> list[Example]:
    return through(torch.nn.Identity())


def of_clips(own: list[Example], seeds: range) -> list[Example]:
    """Shapes painted into the results of as many clips."""
    return [replace(e, clip=seed) for seed in seeds for e in painted(own, seed)]


def test_it_sees_the_tissue_of_input_and_result_at_half_the_size(own):
    height, width = (side // 2 for side in own[0].tissue.shape)
    x, g, tissue = (one[..., : 2 * height, : 2 * width] for one in (own[0].x, own[0].g, own[0].tissue))
    example = replace(own[0], x=x, g=g, tissue=tissue)
    for image, whole in zip(module.seen(example), (x, g, np.ones_like(x)), strict=True):
        of_tissue = np.where(tissue, whole[example.middle], 0)
        by_hand = of_tissue.reshape(height, 2, width, 2).mean((1, 3))
        np.testing.assert_allclose(image[:height, :width], by_hand, atol=1e-6)
        assert not image[height:].any()
        assert not image[:, width:].any()


def test_each_class_weighs_what_the_fusion_draws_of_it(own):
    for example, of_wrong in ((next(swapped(own)), OF_NETWORKS), (next(painted(own)), 1)):
        wrong, weight = module.labelled(example)
        assert weight[~wrong.any(0)].sum() == pytest.approx(MOST, rel=1e-4)
        for mask in wrong:
            assert weight[mask > 0].sum() == pytest.approx(of_wrong * min(MOST, mask.sum()), rel=1e-4)
    assert wrong[0].any()
    assert wrong[1].any()


def test_it_learns_a_planted_error_and_the_seed_decides(monkeypatch, own):
    monkeypatch.setattr(module, "SIDE", 48)
    monkeypatch.setattr(module, "BATCH", 2)
    frames = module.head_frames(of_clips(own, range(6)))
    head = module.fit_head(frames, epochs=12)
    fresh = of_clips(own, range(20, 24))
    found = [head.probabilities(e) for e in fresh]
    for index, name in enumerate(("erased", "invented")):
        detected = pixel_detection(
            [both[index] for both in found], [getattr(e.truth, name) for e in fresh],
            [e.truth.faithful for e in fresh], [e.clip for e in fresh],
        )  # fmt: skip
        assert detected is not None
        assert detected["auroc"]["mean"] > 0.9
    short = [module.fit_head(frames, seed, epochs=1).state_dict() for seed in (1, 1, 2)]
    assert all(torch.equal(a, b) for a, b in zip(short[0].values(), short[1].values(), strict=True))
    assert not torch.equal(short[0]["out.weight"], short[2]["out.weight"])


def test_probabilities_have_the_size_of_the_frame_and_are_zero_outside_the_tissue(own):
    torch.manual_seed(0)
    for found in module.ErrorHead().eval().probabilities(own[0]):
        assert found.shape == own[0].tissue.shape
        assert ((found >= 0) & (found <= 1)).all()
        assert not found[~own[0].tissue].any()


def test_frames_and_weights_are_made_once(monkeypatch, tmp_path, own):
    monkeypatch.setattr(module, "FITTED_ON", ())
    monkeypatch.setattr(module, "EPOCHS", 1)
    monkeypatch.setattr(module, "fitting_examples", lambda *_: of_clips(own, range(2)))
    monkeypatch.setattr(module.fit_head, "__defaults__", (0, 1))
    first = module.fitted_head(tmp_path, tmp_path, tmp_path / "head")
    monkeypatch.setattr(module, "fitting_examples", pytest.fail)
    monkeypatch.setattr(module, "fit_head", pytest.fail)
    second = module.fitted_head(tmp_path, tmp_path, tmp_path / "head")
    torch.testing.assert_close(first.state_dict(), second.state_dict())
