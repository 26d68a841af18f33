"""Compression against Pillow's own JPEG, and scaling against what it must do to frequencies."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from echogan.phantom.artefacts.compression import down_up, jpeg, store
from echogan.phantom.artefacts.degradation import Degradation
from echogan.phantom.draw import Draw, blur


@pytest.fixture(scope="module")
def echo() -> torch.Tensor:
    """An image like an echo: speckle under a smooth brightness, black beside a fan; sides no multiples of 8."""
    draw = Draw(2)
    speckle = blur(draw.normal(2, 1, 203, 261), 0.8, 1.4)[:, 0].square().sum(0)
    level = 10 * torch.log10(speckle / speckle.mean() + 1e-4) + 9 * draw.smooth((203, 261), 25)
    y, x = torch.meshgrid(torch.arange(203), torch.arange(261), indexing="ij")
    return (((level + 35) * 4).clamp(0, 255) * ((x - 130).abs() < 0.8 * y)).round()


def through_pillow(image: torch.Tensor, quality: int) -> torch.Tensor:
    data = io.BytesIO()
    Image.fromarray(image.numpy().astype(np.uint8), "L").save(data, "JPEG", quality=quality)
    return torch.from_numpy(np.asarray(Image.open(data)).astype(np.float32))


@pytest.mark.parametrize("quality", [10, 30, 60, 90, 100])
def test_jpeg_is_what_pillow_writes(echo, quality):
    ours, theirs = jpeg(echo, quality), through_pillow(echo, quality)
    assert (ours - theirs).abs().mean() < 0.5
    if quality < 100:
        assert (theirs - echo).abs().mean() > 3 * (ours - theirs).abs().mean()


def test_jpeg_takes_batches_and_gives_whole_levels(echo):
    batch = torch.stack([echo, echo.flip(1)])[None]
    out = jpeg(batch, 40)
    assert out.shape == batch.shape
    assert torch.equal(out, out.round())
    assert out.min() >= 0
    assert out.max() <= 255
    assert torch.equal(out[0, 0], jpeg(echo, 40))


def test_lower_quality_loses_more(echo):
    losses = [float((jpeg(echo, quality) - echo).abs().mean()) for quality in (95, 60, 30, 10)]
    assert losses == sorted(losses)
    assert losses[0] < 0.35 * losses[-1]


def test_down_up_takes_fine_detail_and_keeps_the_coarse(echo):
    out = down_up(echo, 112)
    before, after = (torch.fft.rfft2(image - image.mean()).abs().square() for image in (echo, out))
    rows, columns = torch.fft.fftfreq(203).abs()[:, None], torch.fft.rfftfreq(261)[None]
    limit = 112 / 261 / 2
    fine = torch.maximum(rows.expand_as(before), columns.expand_as(before)) > 1.2 * limit
    coarse = (rows < 0.1 * limit) & (columns < 0.1 * limit)
    # Not 0: enlarging by straight lines mirrors a little of the coarse into the fine.
    assert after[fine].sum() < 0.25 * before[fine].sum()
    assert after[coarse].sum() == pytest.approx(float(before[coarse].sum()), rel=0.03)
    assert torch.equal(out, out.round())


def test_down_up_leaves_frames_that_are_small_already(echo):
    assert torch.equal(down_up(echo, 261), echo)


def test_storing_scales_first_and_codes_then(echo):
    assert torch.equal(store(echo[None], Degradation())[0], echo.to(torch.uint8))
    stored = store(echo[None], Degradation(jpeg_quality=40, down_up_px=120))
    assert stored.dtype == torch.uint8
    assert torch.equal(stored[0].float(), jpeg(down_up(echo, 120), 40))
