"""The beam against theory: PSF energy and width, speckle statistics, pulse length, display."""

import math

import pytest
import torch

from echogan.phantom import acoustics
from echogan.phantom.acoustics import BEAMS, DEPTHS, ZONES, AcousticSettings, Display
from echogan.phantom.draw import Draw, blur


def fixed(**values):
    """Settings whose ranges are single values."""
    return AcousticSettings(**{name: (value, value) for name, value in values.items()})


@pytest.fixture(scope="module")
def acquisition():
    settings = fixed(
        half_angle_deg=36, depth_cm=15, frequency_mhz=3, aperture_cm=2, focus_cm=8, aberration_rad=0
    )
    return acoustics.draw_acquisition(Draw(0), settings)


@pytest.fixture(scope="module")
def psf(acquisition):
    return acoustics.lateral_psf(acquisition, Draw(1), 0.0, -120.0)


def test_lateral_psf_has_unit_energy_in_every_zone(psf):
    middle = BEAMS // 2
    energy = psf[:, middle, :BEAMS].square() + psf[:, middle, BEAMS:].square()
    assert torch.allclose(energy.sum(1), torch.ones(ZONES), atol=2e-3)


def test_lateral_width_matches_diffraction_at_the_focus(acquisition, psf):
    """Two-way beam of a Hamming aperture: about 1.3 lambda z / D one way, narrowed by transmit times receive."""
    depth = acquisition.radius_cm.view(ZONES, -1).mean(1)
    zone = int((depth - acquisition.focus_cm).abs().argmin())
    response = (psf[zone, BEAMS // 2, :BEAMS].square() + psf[zone, BEAMS // 2, BEAMS:].square()).sqrt()
    above = (response > response.max() / 2).sum().item()
    width = above * 2 * acquisition.half_angle / (BEAMS - 1) * float(depth[zone])
    wave = acoustics.SOUND_CM_MHZ / acquisition.frequency_mhz
    expected = 1.3 * wave * float(depth[zone]) / acquisition.aperture_cm
    assert 0.6 * expected < width < 1.5 * expected


def test_uniform_scatterers_give_fully_developed_speckle(acquisition, psf):
    """Rayleigh envelope: SNR 1.91, log-compressed standard deviation 5.57 dB (Burckhardt 1978)."""
    white = torch.randn(6, 2, DEPTHS, BEAMS, generator=torch.Generator().manual_seed(0))
    echo = acoustics.apply_axial(acoustics.apply_lateral(white, psf), 0.06, acquisition.depth_cm)
    power = echo.square().sum(1)[:, 40:-40, 20:-20]
    power = power / power.mean((0, 2), keepdim=True)
    envelope = power.sqrt()
    assert abs(float(envelope.mean() / envelope.std()) - 1.91) < 0.05
    assert abs(float((10 * torch.log10(power)).std()) - 5.57) < 0.15


def test_axial_pulse_is_as_long_as_set():
    field = torch.zeros(1, 2, DEPTHS, BEAMS)
    field[0, 0, DEPTHS // 2, 64] = 1
    depth, fwhm = 15.0, 0.4
    pulse = acoustics.apply_axial(field, fwhm, depth)[0, 0, :, 64]
    width = (pulse > pulse.max() / 2).sum().item() * depth / DEPTHS
    assert abs(width - fwhm) <= 2 * depth / DEPTHS
    assert abs(float(pulse.square().sum()) - 1) < 1e-3


def test_display_maps_decibels_linearly_and_clips():
    display = Display(gain_db=0, dynamic_range_db=50, gamma=1, smoothing=0, sharpening=0, persistence=0)
    levels = torch.tensor([28.0, 3.0, -22.0, -60.0, 60.0])
    energy = (10 ** (levels / 10)).view(1, 1, -1).expand(1, 4, -1)
    assert torch.allclose(display.show(energy)[0, 0], torch.tensor([1.0, 0.5, 0.0, 0.0, 1.0]), atol=1e-4)


def test_blur_spreads_a_point_into_a_gaussian():
    point = torch.zeros(1, 1, 61, 61)
    point[0, 0, 30, 30] = 1
    soft = blur(point, 3.0)
    assert abs(float(soft.sum()) - 1) < 1e-4
    assert abs(float(soft.max()) - 1 / (2 * math.pi * 9)) < 1e-3
