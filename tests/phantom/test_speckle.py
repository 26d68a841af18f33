"""Fully developed speckle and the point-spread function, against theory."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from echogan.phantom.acoustics import beamforming
from echogan.phantom.acoustics.display import FULL_SCALE_DB, Display
from echogan.phantom.acoustics.receiver import HISS_GRAIN_BEAMS
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, Noise, blur
from echogan.phantom.medium.scatterers import reference_beams, speckle

BEAMS = Beams(math.radians(37), 15)
MHZ, APERTURE, FOCUS = 3.4, 2.0, 8.0


@pytest.fixture(scope="module")
def psf() -> torch.Tensor:
    return beamforming.lateral_psf(BEAMS, MHZ, APERTURE, FOCUS)


def sampled(seed: int, pulse_cm: float, drift_cm: float = 0.13) -> torch.Tensor:
    """Scatterers of a uniform medium as beams see them once they have moved a little: (1, looks, 2, rows, columns)."""
    reference = reference_beams(BEAMS)
    field = speckle(Draw(seed), reference, pulse_cm)[:4]
    moved = BEAMS.points() + torch.tensor([drift_cm, 0.7 * drift_cm])
    beams = F.grid_sample(field[None], reference.grid(moved)[None], align_corners=False)
    return beams.view(1, 2, 2, BEAMS.rows, BEAMS.columns)


@pytest.fixture(scope="module")
def energy(psf: torch.Tensor) -> torch.Tensor:
    """One look at a uniform medium: (clips, rows, columns)."""
    looks = torch.cat([sampled(seed, 0.09, 0.1 * seed) for seed in range(12)])
    return beamforming.apply_lateral(looks, psf).square().sum(2)[:, 0, 20:-20, 20:-20]


def test_envelope_of_speckle_is_rayleigh(energy: torch.Tensor) -> None:
    # A Rayleigh amplitude has mean / deviation sqrt(pi / (4 - pi)) = 1.913 (Wagner et al., IEEE TSU 30(3), 1983).
    envelope = energy.sqrt()
    assert float(envelope.mean() / envelope.std()) == pytest.approx(1.91, abs=0.05)


def test_log_compressed_speckle_spreads_by_5_57_db(energy: torch.Tensor) -> None:
    # The logarithm of an exponential variable: 10 / ln 10 * pi / sqrt(6) = 5.57 dB.
    assert float((10 * torch.log10(energy)).std()) == pytest.approx(5.57, abs=0.15)


def test_two_looks_spread_less(psf: torch.Tensor) -> None:
    field = beamforming.apply_lateral(Noise(2).normal(8, 2, 2, BEAMS.rows, BEAMS.columns), psf)
    looks = field.square().sum(2)
    # The mean of two exponentials: 10 / ln 10 * sqrt(trigamma(2)) = 3.49 dB.
    spread = (10 * torch.log10(looks.mean(1)))[:, 20:-20, 20:-20].std()
    assert float(spread) == pytest.approx(10 / math.log(10) * math.sqrt(math.pi**2 / 6 - 1), abs=0.15)


def test_uniform_tissue_keeps_its_level(psf: torch.Tensor) -> None:
    field = beamforming.apply_lateral(Noise(3).normal(16, 1, 2, BEAMS.rows, BEAMS.columns), psf)
    level = 10 * math.log10(float(field.square().sum(2)[..., 20:-20].mean()))
    assert level == pytest.approx(10 * math.log10(2), abs=0.1)


def closed_form(depth_cm: float, offset: np.ndarray) -> np.ndarray:
    """|two-way PSF| by direct numerical integration of the diffraction integral over the aperture."""
    x = np.linspace(-0.5, 0.5, 4001) * APERTURE
    wave = 2 * np.pi * MHZ / beamforming.SOUND_CM_MHZ
    active = min(depth_cm / beamforming.F_NUMBER, APERTURE)
    taper = np.clip(1 - np.clip(np.abs(x) - active / 2, 0, None) / (0.08 * APERTURE), 0, 1)
    window = (0.54 + 0.46 * np.cos(2 * np.pi * x / APERTURE)) * taper
    receive = np.array([np.abs(np.sum(window * np.exp(-1j * wave * x * np.sin(o)))) for o in offset])
    focus = np.exp(1j * wave * x**2 / 2 * (1 / depth_cm - 1 / FOCUS))
    transmit = np.array([np.abs(np.sum(window * focus * np.exp(-1j * wave * x * np.sin(o)))) for o in offset])
    return receive / receive.max() * (transmit / transmit.max())


def fwhm(profile: np.ndarray, step: float) -> float:
    peak = int(profile.argmax())
    half = profile[peak] / 2
    right = np.nonzero(profile[peak:] < half)[0][0] + peak
    left = peak - np.nonzero(profile[peak::-1] < half)[0][0]
    over = (profile[right - 1] - half) / (profile[right - 1] - profile[right])
    under = (profile[left + 1] - half) / (profile[left + 1] - profile[left])
    return (right - 1 + over - (left + 1 - under)) * step


@pytest.mark.parametrize("depth_cm", [4, 6, 8, 11, 14])
def test_lateral_width_follows_depth(psf: torch.Tensor, depth_cm: float) -> None:
    row = int(depth_cm / BEAMS.row_cm)
    point = torch.zeros(1, 1, 2, BEAMS.rows, BEAMS.columns)
    point[0, 0, 0, row, 64] = 1
    response = beamforming.apply_lateral(point, psf)[0, 0, :, row].square().sum(0).sqrt()
    # Beams are coarse against a narrow peak: the response is band-limited, so it may be interpolated by its spectrum.
    fine = np.abs(np.fft.ifft(_padded(np.fft.fft(_complex(point, psf, row)), 16)))
    measured = fwhm(fine, 2 * BEAMS.half_angle / (BEAMS.columns - 1) / 16)
    zone = beamforming.ZONES * row // BEAMS.rows
    middle = float(BEAMS.radius_cm.view(beamforming.ZONES, -1).mean(1)[zone])
    offset = np.linspace(-0.2, 0.2, 4001)
    expected = fwhm(closed_form(middle, offset), offset[1] - offset[0])
    assert float(response.max()) > 0
    assert measured == pytest.approx(expected, rel=0.10)


def _complex(point: torch.Tensor, psf: torch.Tensor, row: int) -> np.ndarray:
    real, imaginary = beamforming.apply_lateral(point, psf)[0, 0, :, row].numpy()
    return real + 1j * imaginary


def _padded(spectrum: np.ndarray, times: int) -> np.ndarray:
    n = len(spectrum)
    padded = np.zeros(n * times, complex)
    padded[: n // 2], padded[-n // 2 :] = spectrum[: n // 2], spectrum[-n // 2 :]
    return padded * times


@pytest.mark.parametrize("pulse_cm", [0.075, 0.1, 0.15])
def test_axial_width_is_as_set(psf: torch.Tensor, pulse_cm: float) -> None:
    """A Gaussian's autocorrelation is a Gaussian, wider by sqrt(2): at a lag of k samples exp(-k^2 / 4 s^2)."""
    fields = torch.cat([sampled(seed, pulse_cm, 0.1 * seed) for seed in range(6)])
    fields = beamforming.apply_lateral(fields, psf)[..., 20:-20, 20:-20]
    lag = 2 if pulse_cm > 0.12 else 1
    rho = (fields[..., :-lag, :] * fields[..., lag:, :]).mean() / fields.square().mean()
    sigma = lag / math.sqrt(-4 * math.log(float(rho)))
    assert 2.355 * sigma * BEAMS.row_cm == pytest.approx(pulse_cm, rel=0.10)


def test_received_noise_is_white_no_further_than_its_grain() -> None:
    noise = Noise(4).received(8, BEAMS.rows, BEAMS.columns)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)
    near = float((noise[:, 1:] * noise[:, :-1]).mean())
    taps = np.exp(-0.5 * (np.arange(-3, 4) / Noise.GRAIN[0]) ** 2)
    assert near == pytest.approx((taps[1:] * taps[:-1]).sum() / (taps**2).sum(), abs=0.03)
    assert abs(float((noise[:, 5:] * noise[:, :-5]).mean())) < 0.02


def test_noise_is_alike_across_as_far_as_receive_beams_overlap() -> None:
    """A Hamming-weighted aperture's beam: 1.3 wavelengths over its width at half maximum (Harris, Proc. IEEE 1978)."""
    noise = Noise(4).received(8, BEAMS.rows, BEAMS.columns, across=HISS_GRAIN_BEAMS)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)
    alike = [float((noise[..., lag:] * noise[..., : BEAMS.columns - lag]).mean()) for lag in range(6)]
    expected = 1.3 * beamforming.SOUND_CM_MHZ / MHZ / APERTURE * BEAMS.columns / (2 * BEAMS.half_angle)
    assert 2 * np.interp(-0.5, -np.array(alike), range(6)) == pytest.approx(expected, rel=0.15)
    assert abs(alike[5]) < 0.03


def test_display_maps_the_dynamic_range() -> None:
    display = Display(gain_db=0, dynamic_range_db=60)
    levels = torch.tensor([FULL_SCALE_DB, FULL_SCALE_DB - 30, FULL_SCALE_DB - 60, FULL_SCALE_DB - 90])
    grey = display.show((10 ** (levels / 10)).view(4, 1, 1).expand(4, 8, 8))
    assert torch.allclose(grey[:, 0, 0], torch.tensor([1, 0.5, 0, 0]), atol=1e-3)
    assert display.floor_db == FULL_SCALE_DB - 60


def test_blur_is_a_gaussian_that_keeps_flat_images() -> None:
    flat = torch.full((2, 1, 40, 30), 3.0)
    assert torch.allclose(blur(flat, 2.0, 1.3), flat, atol=1e-5)
    point = torch.zeros(1, 1, 61, 61)
    point[0, 0, 30, 30] = 1
    profile = blur(point, 2.5, 0)[0, 0, :, 30]
    sigma = float(((torch.arange(61) - 30) ** 2 * profile).sum().sqrt())
    assert sigma == pytest.approx(2.5, rel=0.03)
