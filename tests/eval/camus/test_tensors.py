"""Stills as tensors: proportions, labels, grey augmentation."""

import numpy as np
import torch

from echogan.core.geometry import Fan
from eval.camus.stills import Still
from eval.camus.tensors import light, tensors, to_square


def test_square_keeps_proportions():
    image = np.zeros((100, 200), np.uint8)
    image[50:, 100:] = 200
    square, size = to_square(image, 64)
    assert (square.shape, size) == ((64, 64), (32, 64))
    assert square[31, 63] == 200
    assert not square[32:].any()


def test_images_and_labels_stay_together():
    image = np.zeros((40, 20), np.uint8)
    image[10:20] = 255
    labels = (image > 0).astype(np.uint8) * 3
    still = Still("p", "ED", image, labels, Fan((10, 0), 0, 40, -0.5, 0.5), 1.0)
    made = tensors([still, still], 40)
    assert made.images.shape == (2, 1, 40, 40)
    assert torch.equal(made.images[:, 0] > 0, made.classes == 3)


def test_grey_augmentation_keeps_order_and_black():
    images = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).repeat(5, 1, 1, 1)
    lit = light(images, torch.Generator().manual_seed(0))
    assert (lit.flatten(1).diff() >= 0).all()
    assert (lit[:, 0, 0, 0] == -1).all()
    assert not torch.allclose(lit[0], lit[1])
    assert lit.max() <= 1
