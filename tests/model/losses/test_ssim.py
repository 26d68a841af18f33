"""SSIM and masked averages against scikit-image, scipy and finite differences."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from echogan.model.losses.losses import structure_loss
from echogan.model.losses.smoothing import blur, masked_blur
from echogan.model.losses.ssim import ssim_map

RIM = 5  # px of the window on each side


def images(seed: int, size: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A smooth image with texture, and a changed copy; float32 in [-1, 1]."""
    rng = np.random.default_rng(seed)
    a = gaussian_filter(rng.uniform(-1, 1, (size, size)), 1.0) * 2
    b = 0.7 * a + 0.1 + 0.2 * rng.standard_normal((size, size))
    return a.clip(-1, 1).astype(np.float32), b.clip(-1, 1).astype(np.float32)


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image)[None, None]


def disc(size: int = 48) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (((y - 20) ** 2 + (x - 26) ** 2) < 15**2).float()[None, None]


@pytest.mark.parametrize("seed", range(4))
def test_ssim_is_that_of_scikit_image(seed):
    a, b = images(seed)
    mean, picture = structural_similarity(
        a + 1, b + 1, data_range=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    ours = ssim_map(tensor(a), tensor(b))[0, 0, RIM:-RIM, RIM:-RIM]
    np.testing.assert_allclose(ours, picture[RIM:-RIM, RIM:-RIM], atol=1e-4)
    assert float(ours.mean()) == pytest.approx(mean, abs=1e-4)  # it leaves out the rim, too


def test_deep_inside_a_mask_ssim_is_unchanged():
    a, b = (tensor(x) for x in images(5))
    deep = blur(disc(), 1.5) > 1 - 1e-5  # windows wholly inside
    assert deep.sum() > 100
    free, masked = ssim_map(a, b), ssim_map(a, b, disc())
    torch.testing.assert_close(masked[deep], free[deep], atol=1e-4, rtol=0)


def test_structure_loss_is_zero_for_the_same_and_grows_with_damage():
    a, b = (tensor(x) for x in images(6))
    assert float(structure_loss(a, a, disc())) == pytest.approx(0, abs=1e-6)
    small, large = (float(structure_loss(a, a + k * (b - a), disc())) for k in (0.3, 1.0))
    assert 0.02 < small < large < 2


def test_bf16_frames_are_measured_in_float32():
    a, b = (tensor(x).bfloat16() for x in images(7))
    with torch.autocast("cpu", torch.bfloat16):
        found = structure_loss(a, b, disc())
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(float(structure_loss(a.float(), b.float(), disc())), abs=1e-6)


def test_gradient_of_ssim_is_that_of_finite_differences():
    torch.manual_seed(0)
    a, b = torch.rand(2, 1, 1, 9, 9, dtype=torch.float64) * 2 - 1
    mask = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    mask[..., 1:8, 2:9] = 1
    assert torch.autograd.gradcheck(lambda x: structure_loss(a, x, mask), b.requires_grad_(True))


def test_blur_is_scipys_with_black_around():
    a, _ = images(8)
    expected = gaussian_filter(a, 2.2, mode="constant", truncate=3.5)
    np.testing.assert_allclose(blur(tensor(a), 2.2)[0, 0], expected, atol=1e-5)


def test_masked_blur_keeps_a_constant_up_to_the_rim():
    x = torch.full((1, 1, 48, 48), 0.7).where(disc() > 0, torch.tensor(-50.0))
    found = masked_blur(x, disc(), 4.0)
    torch.testing.assert_close(found[disc() > 0], torch.full_like(found[disc() > 0], 0.7))
    assert float((blur(x, 4.0) - 0.7)[disc() > 0].abs().max()) > 1  # a plain one leaks
