"""The losses of pairs against their closed forms: what counts more, what does not, and frames without a target."""

import pytest
import torch

from echogan.model.losses.paired_losses import paired_loss, paired_structure_loss


def frame(value: float) -> torch.Tensor:
    return torch.full((1, 1, 32, 32), value)


MASK = torch.ones(1, 1, 32, 32)


@pytest.mark.parametrize(
    ("x", "target", "result", "cost"),
    [
        (0.5, -0.5, 0.0, 0.5),  # haze left over counts once
        (0.5, -0.5, -0.75, 4 * 0.25),  # darker than both: removed
        (0.0, 0.5, 0.25, 0.25),  # not lit enough, but no darker than x
        (0.0, 0.5, -0.25, 4 * 0.75),  # to be lit, and darkened
        (0.0, 0.5, 0.75, 0.25),  # lit too much
    ],
)
def test_removal_counts_more_and_nothing_else_does(x, target, result, cost):
    assert float(paired_loss(frame(x), frame(target), frame(result), MASK, removal=4.0)) == pytest.approx(
        cost
    )


@pytest.mark.parametrize(
    ("x", "target", "result", "cost"),
    [
        (0.0, 0.5, 0.25, 0.25),  # not lit enough counts once
        (0.0, 0.5, 0.75, 4 * 0.25),  # brighter than both: added
        (0.5, -0.5, 0.75, 4 * 1.25),  # to be cleared, and lit
        (0.5, -0.5, 0.0, 0.5),  # haze left over, but no brighter than x
        (0.5, -0.5, -0.75, 3 * 0.25),  # removed counts its own times
    ],
)
def test_addition_counts_more_beside_removal(x, target, result, cost):
    loss = paired_loss(frame(x), frame(target), frame(result), MASK, removal=3.0, addition=4.0)
    assert float(loss) == pytest.approx(cost)


def test_with_removal_1_it_is_l1():
    x, target, result = torch.rand(3, 4, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mask = torch.ones(4, 1, 16, 16)
    assert torch.allclose(paired_loss(x, target, result, mask), (result - target).abs().mean())


def test_the_minimum_is_a_quantile_of_the_target_but_no_brighter_than_x():
    """Of two equally likely targets the darker is shown at removal 1 by half; at 3 the result stays at x."""
    x, dark, bright = frame(0.4), frame(-0.8), frame(0.4)
    levels = torch.linspace(-0.9, 0.9, 37)

    def best(removal: float, share_dark: float) -> float:
        costs = [
            share_dark * paired_loss(x, dark, frame(float(y)), MASK, removal=removal)
            + (1 - share_dark) * paired_loss(x, bright, frame(float(y)), MASK, removal=removal)
            for y in levels
        ]
        return float(levels[int(torch.stack(costs).argmin())])

    assert best(1.0, 0.6) == pytest.approx(-0.8, abs=0.05)  # the median: cleared
    assert best(3.0, 0.6) == pytest.approx(0.4, abs=0.05)  # in doubt: left
    assert best(3.0, 0.9) == pytest.approx(-0.8, abs=0.05)  # beyond doubt: cleared


def test_frames_without_a_target_cost_nothing():
    x, result = torch.rand(2, 2, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    target, mask, paired = torch.zeros_like(x), torch.ones_like(x), torch.tensor([1.0, 0.0])
    assert torch.allclose(paired_loss(x, target, result, mask, paired), result[0].abs().mean() / 2)
    assert float(paired_loss(x, target, result, mask, torch.zeros(2))) == 0


def test_structure_is_nothing_for_the_target_itself_and_more_for_noise():
    generator = torch.Generator().manual_seed(3)
    target, noise = torch.rand(2, 1, 1, 32, 32, generator=generator)
    assert float(paired_structure_loss(target, target, MASK)) == pytest.approx(0, abs=1e-5)
    assert float(paired_structure_loss(target, noise, MASK)) > 0.5
