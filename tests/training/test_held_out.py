"""Measures on held-out frames against numbers worked out by hand."""

import math

import pytest
import torch
from torch import nn
from toy_clips import ToyClips

from echogan.training.config import TrainingConfig
from echogan.training.held_out import HeldOut, evaluate, preview, render_held_out


class Add(nn.Module):
    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, x):
        return x + self.amount


@pytest.fixture
def held_out() -> HeldOut:
    clean = torch.zeros(6, 1, 16, 16)
    mask = torch.zeros_like(clean)
    mask[..., 4:12, 4:12] = 1
    poor = torch.where(mask > 0, clean - 0.2, torch.tensor(-1.0))
    return HeldOut(poor, clean, mask)


def test_psnr_and_change_by_hand(held_out):
    found = evaluate(Add(0.1), held_out)
    assert found["psnr_input"] == pytest.approx(20 * math.log10(2 / 0.2), abs=1e-3)
    assert found["psnr_output"] == pytest.approx(20 * math.log10(2 / 0.1), abs=1e-3)
    assert found["psnr_gain"] == pytest.approx(20 * math.log10(2), abs=1e-3)
    assert found["change_poor"] == pytest.approx(12.75, abs=1e-3)
    assert found["change_ratio"] == pytest.approx(1, abs=1e-5)


def test_output_is_clamped_and_black_outside_stays_black(held_out):
    frames = preview(Add(5.0), Add(-5.0), held_out)
    assert set(frames) == {"poor", "enhanced", "cycled", "clean", "clean_enhanced", "clean_degraded"}
    assert frames["enhanced"].shape == (4, 16, 16)
    assert (frames["enhanced"][:, 4:12, 4:12] == 255).all()
    assert (frames["enhanced"][:, :4] == 0).all()
    assert (frames["cycled"] == 0).all()


def test_held_out_frames_are_pairs():
    config = TrainingConfig(size=64, frames_per_clip=5, held_out_clips=2)
    held_out = render_held_out(config, ToyClips())
    assert held_out.poor.shape == held_out.clean.shape == held_out.mask.shape == (6, 1, 64, 64)
    inside = held_out.mask > 0
    pair = torch.stack([held_out.poor[inside], held_out.clean[inside]])
    assert torch.corrcoef(pair)[0, 1] > 0.9
