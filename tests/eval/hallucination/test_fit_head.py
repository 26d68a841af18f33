"""The error head learns an error that is planted in small examples, and is the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lesion_examples import through

from echogan.calibration.examples import Example, swapped
from echogan.calibration.painted import painted
from echogan.trust.error_head import forward, head_logits
from echogan.trust.evidence import Evidence
from eval.hallucination import fit_head as module
from eval.hallucination.detection import pixel_detection
from eval.hallucination.fit_head import ANATOMY, MOST, OF_NETWORKS, SEGMENTERS, WRONG, cost, frame

CLASSES = sum(count for _, _, count in SEGMENTERS)


@pytest.fixture(scope="module")
def own() -> list[Example]:
    return through(torch.nn.Identity())


def of_clips(own: list[Example], seeds: range) -> list[Example]:
    """Shapes painted into the results of as many clips."""
    return [replace(e, clip=seed) for seed in seeds for e in painted(own, seed)]


def half(mask: np.ndarray) -> np.ndarray:
    """Of the blocks of 2 x 2 pixels those of which at least half are set."""
    height, width = (side // 2 for side in mask.shape)
    return mask[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean((1, 3)) >= 0.5


def test_each_class_weighs_what_the_fusion_draws_of_it(own):
    for example, of_wrong in ((next(swapped(own)), OF_NETWORKS), (next(painted(own)), 1)):
        wrong, weight = module.labelled(example, half(example.tissue))
        assert weight[~wrong.any(0)].sum() == pytest.approx(MOST, rel=1e-4)
        for mask in wrong:
            assert weight[mask > 0].sum() == pytest.approx(of_wrong * min(MOST, mask.sum()), rel=1e-4)
    assert wrong[0].any()
    assert wrong[1].any()


def test_a_frame_keeps_its_labels_and_what_the_segmenters_see(own):
    example = next(painted(own))
    seen, truth = frame(example)
    tissue = Evidence(example.tissue).tissue
    height, width = tissue.shape
    assert truth.shape == (WRONG + 1 + CLASSES, module.SIDE, module.SIDE)
    wrong, weight = module.labelled(example, tissue)
    np.testing.assert_array_equal(truth[:WRONG, :height, :width], 255 * wrong)
    np.testing.assert_allclose(truth[WRONG, :height, :width] / 255 * OF_NETWORKS, weight, atol=0.01)
    for classes in np.split(truth[WRONG + 1 :, :height, :width].astype(int), [SEGMENTERS[0][2]]):
        np.testing.assert_allclose(classes.sum(0), 255, atol=4)
    np.testing.assert_array_equal(seen[2, :height, :width], tissue)
    assert not seen[:, height:].any()
    assert not truth[:, :, width:].any()


def test_the_stored_weights_give_a_share_of_what_the_network_gives_in_use():
    torch.manual_seed(0)
    head, seen = module.ErrorHead(WRONG + 4), torch.randn(6, 3, 32, 48)
    for _ in range(3):
        head(2 * seen + 1)  # which moves the running means
    for part in head.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.uniform_(part.bias, -0.5, 0.5)
    with torch.no_grad():
        expected = module.SHARE * head.eval()(seen)[:, :WRONG].numpy()
    np.testing.assert_allclose(forward(seen.numpy(), module.folded(head)), expected, rtol=1e-3, atol=1e-4)


def test_the_cost_is_weighted_and_has_a_share_for_the_anatomy():
    truths = torch.zeros(1, WRONG + 1 + CLASSES, 8, 8)
    truths[:, WRONG, 0, 0] = 1 / OF_NETWORKS
    truths[:, WRONG + 1] = truths[:, WRONG + 1 + SEGMENTERS[0][2]] = 1
    seen = torch.ones(1, 1, 8, 8)
    logits = torch.zeros(1, WRONG + CLASSES, 4, 4)
    even = sum(np.log(count) for _, _, count in SEGMENTERS)
    assert cost(logits, truths, seen).item() == pytest.approx(np.log(2) + ANATOMY * even, rel=1e-5)
    logits[:, :WRONG, 2] = 9  # where nothing weighs
    assert cost(logits, truths, seen).item() == pytest.approx(np.log(2) + ANATOMY * even, rel=1e-5)
    logits[:, :WRONG, 0, 0] = -9
    assert cost(logits, truths, seen).item() == pytest.approx(ANATOMY * even, abs=1e-3)


def test_it_learns_a_planted_error_and_the_seed_decides(monkeypatch, own):
    monkeypatch.setattr(module, "SIDE", 64)
    monkeypatch.setattr(module, "BATCH", 2)
    frames = [frame(e) for e in of_clips(own, range(8))]
    head = module.fit_head(frames, epochs=12)
    fresh = of_clips(own, range(20, 24))
    for index, name in enumerate(("erased", "invented")):
        scores = [head_logits(frame(e)[0][None].astype(np.float32), head)[0, index] for e in fresh]
        sizes = [half(e.tissue).shape for e in fresh]
        detected = pixel_detection(
            [s[: size[0], : size[1]] for s, size in zip(scores, sizes, strict=True)],
            [half(getattr(e.truth, name)) for e in fresh], [half(e.truth.faithful) for e in fresh],
            [e.clip for e in fresh],
        )  # fmt: skip
        assert detected is not None
        assert detected["auroc"]["mean"] > 0.9
    short = [module.fit_head(frames, seed, epochs=1) for seed in (1, 1, 2)]
    assert all(np.array_equal(short[0][name], short[1][name]) for name in head)
    assert not np.array_equal(short[0]["out.weight"], short[2]["out.weight"])
    assert len(head["out.bias"]) == WRONG
