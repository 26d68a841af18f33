"""Banded matrices and blurs do what the whole matrix and the sum of taps would."""

import pytest
import torch

from echogan.phantom.draw import Banded, Draw, blur, blur_matrix, generator_of


@pytest.mark.parametrize(("size", "sigma"), [(288, 0.4), (288, 2.0), (100, 5.0), (20, 1.0)])
def test_a_banded_matrix_multiplies_as_the_whole_one(size, sigma):
    matrix = blur_matrix(size, sigma)
    image = torch.randn(2, 3, size, 7, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(Banded(matrix) @ image, matrix @ image, atol=1e-5)


def test_a_matrix_far_from_banded_is_right_too():
    matrix = torch.randn(60, 60, generator=torch.Generator().manual_seed(2))
    image = torch.randn(60, 5, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(Banded(matrix) @ image, matrix @ image, atol=1e-4)


def test_a_blur_keeps_flat_images_and_spreads_a_point_by_its_sigma():
    assert torch.allclose(blur(torch.ones(90, 80), 2.0), torch.ones(90, 80), atol=1e-5)
    point = torch.zeros(91, 81)
    point[45, 40] = 1
    spread = blur(point, 3.0, 1.5)
    for axis, sigma in ((0, 3.0), (1, 1.5)):
        profile = spread.sum(1 - axis)
        at = torch.arange(len(profile)) - len(profile) // 2
        assert float((profile * at**2).sum() ** 0.5) == pytest.approx(sigma, rel=0.03)


def test_seeds_beyond_32_bits_are_seeds_of_their_own():
    numbers = {float(Draw(5 + (k << 32)).normal(1)) for k in range(200)}
    assert len(numbers) == 200
    assert Draw(5).scalar() == float(torch.randn(1, generator=torch.Generator().manual_seed(5)))
    assert generator_of((1 << 32) - 1).initial_seed() == (1 << 32) - 1
    mixed = [generator_of((1 << 32) + k).initial_seed() for k in range(20_000)]
    assert max(mixed) < 1 << 32
    assert len(set(mixed)) > 19_990  # of 2 ** 32: the birthday of 20,000 leaves hardly one in common
    assert abs(sum(mixed) / len(mixed) / 2**32 - 0.5) < 0.02
