"""The convolution in numpy, against torch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from echogan.core.convolution import convolved


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 12), (7, 5), (1, 1)])
def test_it_is_that_of_torch(size, stride):
    torch.manual_seed(0)
    x, kernel, bias = torch.randn(3, *size), torch.randn(5, 3, 3, 3), torch.randn(5)
    expected = F.conv2d(x[None], kernel, bias, stride, padding=1)[0].numpy()
    given = convolved(x.numpy(), kernel.numpy(), bias.numpy(), stride)
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_several_images_lie_between_the_channels_and_their_rows():
    torch.manual_seed(0)
    x, kernel, bias = torch.randn(4, 3, 8, 6), torch.randn(5, 3, 3, 3), torch.randn(5)
    expected = F.conv2d(x, kernel, bias, 2, padding=1).numpy()
    given = convolved(x.numpy().swapaxes(0, 1), kernel.numpy(), bias.numpy(), 2)
    np.testing.assert_allclose(given.swapaxes(0, 1), expected, atol=1e-4)
