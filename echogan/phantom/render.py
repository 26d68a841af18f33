"""One seed, one clip: a beating heart rendered clean and degraded, with its labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal

import torch
from torch import Tensor

from echogan.phantom import acoustics, artefacts, scan, tissue
from echogan.phantom.acoustics import BEAMS, DEPTHS, Acquisition, Display
from echogan.phantom.anatomy import Anatomy, Tissue, apical_four_chamber
from echogan.phantom.artefacts import Degradation
from echogan.phantom.draw import Draw
from echogan.phantom.motion import Motion, MotionSettings, draw_motion, leaflet_points, normalise, origins

Want = Literal["clean", "degraded", "labels"]
CHUNK = 8
# A degraded frame outside these limits (grey levels inside the sector) shows nothing that could be enhanced.
DARKEST, BRIGHTEST, FLATTEST = 10, 125, 14


@dataclass(frozen=True)
class PhantomSettings:
    """Everything a phantom clip is drawn from."""

    motion: MotionSettings = field(default_factory=MotionSettings)
    acoustics: acoustics.AcousticSettings = field(default_factory=acoustics.AcousticSettings)
    artefacts: artefacts.ArtefactSettings = field(default_factory=artefacts.ArtefactSettings)
    scan: scan.ScanSettings = field(default_factory=scan.ScanSettings)


@dataclass(frozen=True)
class PhantomClip:
    """A simulated clip. Frames uint8 (T, S, S), None where not asked for; labels are Tissue values.

    sector_mask  bool (S, S); fan  (apex_x, apex_y, left_deg, right_deg, r_min, r_max) in pixels
    truth        seed, sizes in cm, rates, spacing_mm, the degradation's strengths
    """

    clean: Tensor | None
    degraded: Tensor | None
    labels: Tensor | None
    sector_mask: Tensor
    fan: tuple[float, float, float, float, float, float]
    truth: dict


class Phantom:
    """One heart before one probe: anatomy, motion and acquisition drawn from a seed, ready to be rendered.

    The seed decides everything but the electronic noise and the blood, which are drawn on the device.
    """

    def __init__(
        self,
        seed: int,
        settings: PhantomSettings | None = None,
        frames: int = 32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.seed, self.frames, self.device = seed, frames, torch.device(device)
        self.settings = settings or PhantomSettings()
        draw = Draw(seed)
        self.anatomy: Anatomy = apical_four_chamber(draw)
        self.motion: Motion = draw_motion(draw, self.settings.motion, frames)
        self.acquisition: Acquisition = acoustics.draw_acquisition(draw, self.settings.acoustics)
        self.scan = scan.draw_scan(draw, self.acquisition, self.settings.scan)
        reference, _ = tissue.scatterers(draw, self.anatomy)
        a = self.acquisition
        self.psf = acoustics.lateral_psf(a, draw, a.aberration_rad, a.side_lobes_db).to(self.device)
        self.reference = reference.to(self.device)
        points = origins(self.anatomy, self.motion, a.points())
        self.grid = normalise(points).to(self.device)
        self.leaflets = _draw_leaflets(self.anatomy, self.motion, a).to(self.device)
        self._artefact_seed = int(draw.uniform(0, 2**31 - 1))

    def render(self, want: Sequence[Want] = ("clean", "degraded", "labels")) -> PhantomClip:
        """Render the frames asked for."""
        clean = self._clean() if "clean" in want else None
        degraded = self._degraded(self.degradation, self.frames) if "degraded" in want else None
        labels = self._labels() if "labels" in want else None
        a, m = self.acquisition, self.motion
        truth = {
            "seed": self.seed, "view": "A4C", "heart_rate": m.heart_rate, "frame_rate": m.frame_rate,
            "depth_cm": a.depth_cm, "spacing_mm": self.scan.spacing_mm, **self.anatomy.truth,
            "degradation": self.degradation.to_json(),
        }  # fmt: skip
        return PhantomClip(clean, degraded, labels, self.scan.mask, self.scan.fan, truth)

    @cached_property
    def degradation(self) -> Degradation:
        """The first of up to eight draws whose first frame is neither almost black nor a flood of grey."""
        draw = Draw(self._artefact_seed)
        inside = self.scan.mask
        for _ in range(8):
            degradation = artefacts.draw_degradation(draw, self.settings.artefacts)
            grey = self._degraded(degradation, frames=1)[0][inside].float()
            if DARKEST <= grey.mean() <= BRIGHTEST and grey.std() >= FLATTEST:
                break
        return degradation

    def _field(self, start: int, stop: int, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two looks of the moving scatterers, (T, 2 looks, 2, DEPTHS, BEAMS), and where tissue drops out (T, ...)."""
        frames = stop - start
        reference = self.reference.expand(frames, -1, -1, -1)
        sampled = torch.nn.functional.grid_sample(reference, self.grid[start:stop], align_corners=False)
        turn = self.motion.turnover[start:stop].to(self.device)
        cosine, sine = torch.cos(turn)[:, None, None, None], torch.sin(turn)[:, None, None, None]
        one, two, blood, drop = sampled[:, 0:2], sampled[:, 2:4], sampled[:, 4:5], sampled[:, 5]
        looks = torch.stack([cosine * one + sine * two, cosine * two - sine * one], 1)
        white = torch.randn(frames, 2, 2, DEPTHS, BEAMS, generator=noise, device=self.device)
        level = 10 ** (self.acquisition.blood_db.to(self.device) / 20)
        valves = self.leaflets[start:stop, None, None]
        looks = looks + white * (blood * level)[:, None] + valves * (0.7 + 0.5 * white)
        return looks, drop

    def _clean(self) -> Tensor:
        a, noise = self.acquisition, self._noise_source(1)
        window = 10 ** (a.window_db.to(self.device) / 20)
        hiss = a.noise_amplitude(a.noise_db, a.noise_slope_db).to(self.device)
        near = a.near.to(self.device)
        near = torch.stack([near, torch.stack([near[1], -near[0]])])
        second = a.compounding / (1 + a.compounding)
        display = Display(a.gain_db, a.dynamic_range_db, a.gamma, a.smoothing, a.sharpening, a.persistence)
        grey: list[Tensor] = []
        for start, stop in self._chunks(self.frames):
            looks, _ = self._field(start, stop, noise)
            energy = self._receive(looks + near, self.psf, window, hiss, noise)
            energy = (1 - second) * energy[:, 0] + second * energy[:, 1]
            grey.append(display.show(energy, grey[-1][-1] if grey else None))
        return self._to_bytes(torch.cat(grey))

    def _degraded(self, degradation: Degradation, frames: int) -> Tensor:
        a, d, noise = self.acquisition, degradation, self._noise_source(1)
        draw = Draw(d.pattern_seed)
        side_lobes = d.side_lobes_db if d.side_lobes_db is not None else a.side_lobes_db
        psf = acoustics.lateral_psf(a, draw, d.aberration_rad or a.aberration_rad, side_lobes, d.aperture).to(
            self.device
        )
        gain = 10 ** ((a.window_db - artefacts.loss_db(d, a)).to(self.device) / 20)
        more = a.noise_amplitude(d.noise_db, d.noise_slope_db) if d.noise_db is not None else 0
        hiss = (a.noise_amplitude(a.noise_db, a.noise_slope_db) + more).to(self.device)
        clutter = artefacts.clutter_amplitude(draw, d, a)
        fixed = artefacts.Stationary(draw, self.motion.frame_rate, self.frames)
        profile = artefacts.haze_profile(draw).to(self.device)
        near = a.near.to(self.device)
        display = Display(a.gain_db + d.gain_db, d.dynamic_range_db, d.gamma, d.smoothing, 0.0, d.persistence)
        grey: list[Tensor] = []
        for start, stop in self._chunks(frames):
            looks, drop = self._field(start, stop, noise)
            if d.drop_db is not None:
                looks = looks * (10 ** (-d.drop_db * drop / 20))[:, None, None]
            still = fixed.frames(start, stop, self.device)
            added = near if clutter is None else near + still * clutter.to(self.device)
            looks = looks + torch.stack([added, added.flip(-1)], 1 if added.dim() == 4 else 0)
            hazed = partial(self._haze, still=still, degradation=d, profile=profile, noise=noise)
            energy = self._receive(looks, psf, gain, hiss, noise, hazed).mean(1)
            grey.append(display.show(energy, grey[-1][-1] if grey else None))
        shown = torch.cat(grey)
        held = torch.arange(frames, device=self.device) // d.held_frames * d.held_frames
        return self._to_bytes(shown[held])

    def _haze(
        self, field_: Tensor, still: Tensor, degradation: Degradation, profile: Tensor, noise: torch.Generator
    ) -> Tensor:
        white = torch.randn(still.shape, generator=noise, device=self.device)
        mixed = artefacts.smooth_across(still + 0.6 * white)
        return field_ + artefacts.haze(field_, mixed, degradation, profile)

    def _receive(
        self, looks: Tensor, psf: Tensor, gain: Tensor, hiss: Tensor, noise: torch.Generator, haze=None
    ) -> Tensor:
        """Scatterers to echo energy: lateral PSF, haze, gain, electronic noise, axial pulse. (T, looks, D, B)."""
        echoes = []
        for look in looks.unbind(1):
            field_ = acoustics.apply_lateral(look.contiguous(), psf)
            if haze is not None:
                field_ = haze(field_)
            field_ = field_ * gain + hiss * torch.randn(field_.shape, generator=noise, device=self.device)
            field_ = acoustics.apply_axial(field_, self.acquisition.axial_fwhm_cm, self.acquisition.depth_cm)
            echoes.append(field_.square().sum(1))
        return torch.stack(echoes, 1)

    def _labels(self) -> Tensor:
        labels = self.anatomy.labels.float().to(self.device).expand(self.frames, 1, -1, -1)
        moved = torch.nn.functional.grid_sample(labels, self.grid, mode="nearest", align_corners=False)[:, 0]
        moved = torch.where(self.leaflets > 0, float(Tissue.VALVE), moved)
        return scan.to_pixels(moved, self.scan, nearest=True).to(torch.uint8).cpu()

    def _to_bytes(self, grey: Tensor) -> Tensor:
        return (255 * scan.to_pixels(grey, self.scan)).round().to(torch.uint8).cpu()

    def _noise_source(self, salt: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(2 * self.seed + salt)

    @staticmethod
    def _chunks(frames: int) -> Iterator[tuple[int, int]]:
        for start in range(0, frames, CHUNK):
            yield start, min(start + CHUNK, frames)


def phantom_clip(
    seed: int,
    settings: PhantomSettings | None = None,
    frames: int = 32,
    device: torch.device | str = "cpu",
    want: Sequence[Want] = ("clean", "degraded", "labels"),
) -> PhantomClip:
    """Draw and render the clip of a seed. One seed gives one clip on one kind of device."""
    return Phantom(seed, settings, frames, device).render(want)


def _draw_leaflets(anatomy: Anatomy, motion: Motion, acquisition: Acquisition) -> Tensor:
    """Echo strength of the valve leaflets in beam space, (T, DEPTHS, BEAMS), zero elsewhere."""
    points = leaflet_points(anatomy, motion)
    frames = points.shape[0]
    row = points.norm(dim=-1) / acquisition.depth_cm * DEPTHS
    beam = (torch.atan2(points[..., 0], points[..., 1]) / acquisition.half_angle + 1) / 2 * (BEAMS - 1)
    strength = torch.tensor([leaflet.strength for leaflet in anatomy.leaflets])[None, :, None].expand_as(row)
    frame = torch.arange(frames)[:, None, None].expand_as(row)
    image = torch.zeros(frames, DEPTHS, BEAMS)
    for thickness in (0, 1):
        r, b = row.long() + thickness, beam.round().long()
        seen = (r >= 0) & (r < DEPTHS) & (b >= 0) & (b < BEAMS)
        image[frame[seen], r[seen], b[seen]] = strength[seen]
    return image
