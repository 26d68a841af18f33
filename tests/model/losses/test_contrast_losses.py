"""The terms of contrast against their closed forms: what is lost of a lesion, and spots that come or go."""

import pytest
import torch

from echogan.model.losses.contrast_losses import (
    APPLIED,
    LESION,
    SURROUNDINGS,
    between_loss,
    contrasts,
    lesion_loss,
)

SIDE = 64
MASK = torch.ones(1, 1, SIDE, SIDE)
ROWS, COLUMNS = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
AWAY = ((ROWS - 30) ** 2 + (COLUMNS - 34) ** 2).sqrt()[None, None]
LESIONS = (LESION * (AWAY < 6) + SURROUNDINGS * ((AWAY > 8) & (AWAY < 14))).to(torch.uint8)


def shown(contrast: float, level: float = 0.0) -> torch.Tensor:
    """A frame with a disc that stands out by so much."""
    return level + contrast * (AWAY < 7).float()


def spot(height: float) -> torch.Tensor:
    return height * torch.exp(-(AWAY**2) / (2 * 3.0**2))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("before", "target", "after", "cost"),
    [
        (0.4, 0.6, 0.4, 0.0),  # kept as it was
        (0.4, 0.6, 0.7, 0.0),  # enhanced
        (0.4, 0.6, 0.2, APPLIED * 0.2),  # half of it lost
        (0.6, 0.2, 0.6 - 0.4 / APPLIED, 0.0),  # as faint as the target, applied as it will be
        (0.6, 0.05, 0.2, 0.0),  # the target hardly shows it
        (0.3, -0.3, 0.3, 0.3),  # the other way round than in the target
    ],
)
def test_a_lesion_may_lose_nothing_that_the_target_keeps(sign, before, target, after, cost):
    x, wanted, result = shown(sign * before), shown(sign * target, 0.1), shown(sign * after, -0.2)
    assert float(lesion_loss(x, wanted, result, LESIONS)) == pytest.approx(cost, abs=1e-6)


def test_frames_without_a_lesion_cost_nothing():
    none = torch.zeros_like(LESIONS)
    assert not contrasts(shown(0.5), none).any()
    both = [torch.cat([part, part]) for part in (shown(0.4), shown(0.6), shown(0.2))]
    half = lesion_loss(*both, torch.cat([LESIONS, none]))
    assert float(half) == pytest.approx(APPLIED * 0.1)


def test_a_spot_between_frame_and_target_costs_nothing_and_one_beyond_does():
    x, target = spot(0.6), spot(0.2)
    assert float(between_loss(x, target, spot(0.4), MASK)) == pytest.approx(0, abs=1e-6)
    lost, lit = (float(between_loss(x, target, spot(height), MASK)) for height in (0.0, 0.8))
    assert lost == pytest.approx(lit, rel=1e-3)  # each 0.2 beyond
    twice = float(between_loss(x, target, spot(1.0), MASK))
    assert twice == pytest.approx(2 * lit, rel=1e-3)


def test_haze_of_any_level_may_go():
    x, target = spot(0.3) + 0.4, spot(0.3) - 0.6
    assert float(between_loss(x, target, spot(0.3) - 0.1, MASK)) == pytest.approx(0, abs=1e-6)


def test_frames_without_a_target_do_not_count():
    x, target, result = (torch.cat([spot(h), spot(h)]) for h in (0.6, 0.2, 0.0))
    one = between_loss(x, target, result, torch.cat([MASK, MASK]), torch.tensor([1.0, 0.0]))
    assert float(one) == pytest.approx(float(between_loss(x, target, result, torch.cat([MASK, MASK]))) / 2)


def test_both_terms_lead_back_to_what_was_lost():
    result = shown(0.1).requires_grad_()
    lesion_loss(shown(0.4), shown(0.6), result, LESIONS).backward()
    assert result.grad is not None
    assert (result.grad[LESIONS == LESION] < 0).all()  # brighter there
    assert (result.grad[LESIONS == SURROUNDINGS] > 0).all()  # darker around
