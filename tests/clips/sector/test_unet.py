"""The small U-Net in numpy, against the same in torch."""

import numpy as np
import pytest
import torch

from echogan.clips.sector.unet import forward, probability
from eval.fans.unet import UNet, save


@pytest.mark.parametrize(("channels", "widths", "side"), [(6, (16, 24, 40), 24), (7, (8, 16, 24, 32), 32)])
def test_numpy_gives_what_torch_gives(channels, widths, side, tmp_path):
    torch.manual_seed(3)
    network = UNet(channels, widths)
    maps = torch.rand(channels, side, side)
    with torch.no_grad():
        expected = network(maps[None])[0]
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    given = forward(maps.numpy(), widths, weights)
    assert np.abs(given - expected.numpy()).max() < 1e-4 * expected.abs().max()
    save(network, tmp_path / "weights.safetensors")
    stored = probability(maps.numpy(), widths, tmp_path / "weights.safetensors")
    assert np.abs(stored - torch.sigmoid(expected).numpy()).max() < 5e-3
