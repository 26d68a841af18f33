"""The anatomy and label terms against closed forms, and what has no say in them."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy, cross_entropy, softmax

from echogan.model.losses.anatomy_losses import anatomy_loss, confidence, label_loss

NAN = math.nan


def logits(seed: int, classes: int = 4) -> torch.Tensor:
    return torch.randn(2, classes, 6, 6, generator=torch.Generator().manual_seed(seed)) * 2


def test_agreement_costs_nothing_whatever_the_confidence():
    for by_confidence in (False, True):
        assert float(anatomy_loss(logits(0), logits(0), None, by_confidence)) == pytest.approx(0, abs=1e-6)


def test_anatomy_is_cross_entropy_less_entropy():
    source, made = logits(1), logits(2)
    p = softmax(source, 1)
    expected = cross_entropy(made, p) - cross_entropy(source, p)
    assert float(anatomy_loss(source, made)) == pytest.approx(float(expected), rel=1e-5)


def test_the_source_is_the_truth_and_learns_nothing():
    source, made = logits(3).requires_grad_(True), logits(4).requires_grad_(True)
    anatomy_loss(source, made).backward()
    assert source.grad is None
    assert made.grad is not None
    torch.testing.assert_close(made.grad * 2 * 36, softmax(made.detach(), 1) - softmax(source.detach(), 1))


def test_confidence_by_hand():
    even, sure = torch.zeros(1, 4, 1, 1), torch.tensor([30.0, 0, 0, 0]).view(1, 4, 1, 1)
    half = torch.tensor([0.0, 0.0, -40, -40]).view(1, 4, 1, 1)
    found = [float(confidence(x.log_softmax(1))) for x in (even, sure, half)]
    assert found == pytest.approx([0, 1, 0.5], abs=1e-5)


def test_where_the_segmenter_knows_nothing_nothing_is_asked():
    source, made = logits(5), logits(6)
    source[..., :3] = 0
    changed = made.clone()
    changed[..., :3] += torch.arange(4.0).view(1, 4, 1, 1)
    assert float(anatomy_loss(source, made, None, True)) == pytest.approx(
        float(anatomy_loss(source, changed, None, True)), abs=1e-6
    )
    assert anatomy_loss(source, made) != anatomy_loss(source, changed)


def test_outside_the_sector_nothing_is_compared():
    mask = torch.zeros(2, 1, 6, 6)
    mask[..., 2:4] = 1
    source, made = logits(7), logits(8)
    other = made.where(mask > 0, torch.tensor(3.0))
    for by_confidence in (False, True):
        found = (anatomy_loss(source, x, mask, by_confidence) for x in (made, other))
        assert next(found) == next(found)


def test_labels_by_hand_with_unknown_ones_left_out():
    scores = torch.tensor([[2.0, -1, 0.5, 9, 9], [0.0, 3, -2, 9, 9]])
    labels = torch.tensor([[1.0, 0, NAN, NAN, NAN], [NAN, 1, 0, NAN, NAN]])
    known = torch.tensor([2.0, -1, 3, -2]).sigmoid()
    expected = binary_cross_entropy(known, torch.tensor([1.0, 0, 1, 0]))
    assert float(label_loss(scores, labels)) == pytest.approx(float(expected) * 4 / 10, rel=1e-5)


def test_unknown_labels_have_no_gradient():
    scores = torch.randn(2, 5, requires_grad=True)
    label_loss(scores, torch.tensor([[1.0, NAN, 0, NAN, 1]]).repeat(2, 1)).backward()
    assert scores.grad is not None
    assert (scores.grad != 0).tolist() == [[True, False, True, False, True]] * 2


def test_no_known_label_costs_nothing():
    scores = torch.randn(2, 5, requires_grad=True)
    loss = label_loss(scores, torch.full((2, 5), NAN))
    loss.backward()
    assert loss == 0
    assert scores.grad is not None
    assert (scores.grad == 0).all()


def test_a_head_that_was_taught_nothing_is_not_asked():
    scores, labels = torch.randn(2, 5), torch.ones(2, 5)
    taught = torch.full((2, 5), NAN)
    assert label_loss(scores, labels, taught) == 0
    taught[1, 3] = 0
    assert label_loss(scores, labels, taught) == label_loss(scores, labels) > 0
