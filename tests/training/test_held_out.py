"""Measures on held-out frames against numbers worked out by hand."""

import math

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import nn
from toy_clips import ToyClips

from echogan.model.losses.ssim import ssim_map
from echogan.training.config import TrainingConfig
from echogan.training.held_out import HeldOut, evaluate, preview, render_held_out, ssim


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
    structure = found["ssim_output"] - found["ssim_input"]
    assert 0 < structure < 1  # of two flat images only the brightness term is left
    assert found["score"] == pytest.approx(found["psnr_gain"] + 20 * structure)


def test_ssim_is_that_of_the_evaluation(held_out):
    random = torch.Generator().manual_seed(0)
    noisy, clean = (torch.rand(2, 1, 48, 48, generator=random) * 2 - 1 for _ in range(2))
    noisy = (clean + 0.3 * noisy).clamp(-1, 1)
    inner = torch.zeros_like(clean)
    inner[..., 12:-12, 12:-12] = 1
    grey = [((x + 1) * 127.5)[:, 0].double().numpy() for x in (noisy, clean)]
    expected = [
        structural_similarity(a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                              full=True)[1][12:-12, 12:-12].mean()
        for a, b in zip(*grey, strict=True)
    ]  # fmt: skip
    everywhere = torch.ones_like(clean)
    whole = ssim_map(noisy, clean, everywhere)[..., 12:-12, 12:-12].mean((1, 2, 3))
    assert whole.tolist() == pytest.approx(expected, abs=1e-4)
    assert float(ssim(noisy, clean, everywhere)) == pytest.approx(
        float(ssim_map(noisy, clean, everywhere).mean())
    )


def test_output_is_clamped_and_black_outside_stays_black(held_out):
    frames = preview(Add(5.0), Add(-5.0), held_out)
    assert set(frames) == {"poor", "enhanced", "cycled", "clean", "clean_enhanced", "clean_degraded"}
    assert frames["enhanced"].shape == (4, 16, 16)
    assert (frames["enhanced"][:, 4:12, 4:12] == 255).all()
    assert (frames["enhanced"][:, :4] == 0).all()
    assert (frames["cycled"] == 0).all()


def test_held_out_frames_are_pairs():
    config = TrainingConfig(size=64, frames_per_clip=5, held_out_clips=2)
    held_out = render_held_out(config, ToyClips("pair"))
    assert held_out.poor.shape == held_out.clean.shape == held_out.mask.shape == (6, 1, 64, 64)
    inside = held_out.mask > 0
    pair = torch.stack([held_out.poor[inside], held_out.clean[inside]])
    assert torch.corrcoef(pair)[0, 1] > 0.9
