"""The training of a small U-Net: the loss falls, and the weights that are written are a mean."""

import numpy as np
import torch
import torch.nn.functional as F

from eval.fans import unet
from eval.fans.network import FanNetworkSettings
from eval.fans.unet import UNet, train

SIDE = 32


def test_training_lowers_the_loss_and_writes_the_mean_of_its_weights(tmp_path, monkeypatch):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    truths = np.zeros((8, SIDE, SIDE), np.float32)
    for truth in truths:
        top, left = rng.integers(2, 14, 2)
        truth[top : top + 14, left : left + 10] = 1
    maps = 0.5 * truths[:, None]
    written = []
    monkeypatch.setattr(unet, "save", lambda model, out: written.append(model.state_dict()))
    model = UNet(1, (8, 8, 8))
    before = loss(model(torch.from_numpy(maps)), torch.from_numpy(truths), None).item()
    settings = FanNetworkSettings(epochs=60, batch=4, out=tmp_path / "w")
    train(model, maps, 255 * truths, settings, as_they_are, loss)
    assert loss(model(torch.from_numpy(maps)), torch.from_numpy(truths), None).item() < 0.5 * before
    assert len(written) == 60
    assert not torch.equal(written[-1]["out.weight"], model.state_dict()["out.weight"])


def as_they_are(maps, truths, rng):
    return torch.from_numpy(maps), torch.from_numpy(truths)


def loss(logits, truth, maps):
    return F.binary_cross_entropy_with_logits(logits, truth)
