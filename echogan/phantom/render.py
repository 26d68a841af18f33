"""Phantom clips: a beating heart before a probe, rendered clean and degraded from the same scatterers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from echogan.phantom import lesions
from echogan.phantom.acoustics import probe, scan_conversion
from echogan.phantom.acoustics.receiver import Receiver
from echogan.phantom.anatomy.heart import VIEWS, Heart, View
from echogan.phantom.anatomy.views import draw_heart
from echogan.phantom.artefacts.compression import store
from echogan.phantom.artefacts.degradation import Degradation, draw_degradation, shows_tissue
from echogan.phantom.beams import Beams
from echogan.phantom.clip import WANTS, PhantomClip, PhantomSettings, Want
from echogan.phantom.draw import Draw
from echogan.phantom.fields import Fields
from echogan.phantom.lesions import Lesion, LesionKind, drawn_kinds
from echogan.phantom.medium import scatterers
from echogan.phantom.medium.echogenicity import echogenicity
from echogan.phantom.medium.raster import rasterise
from echogan.phantom.medium.scene import Scene
from echogan.phantom.medium.weak_walls import proneness
from echogan.phantom.motion.beating import Motion, draw_motion
from echogan.phantom.truth import clip_truth

CHUNK = 4


class Phantom:
    """One heart before one probe, with its motion and its scatterers, ready to be rendered.

    A seed gives one clip on one kind of device. With a lesion everything else stays as it is without: its control.
    Unless a kind is asked for, the settings' `lesion_share` of all seeds has one, the same through every acquisition.
    """

    def __init__(
        self,
        view: View,
        seed: int,
        settings: PhantomSettings | None = None,
        frames: int = 32,
        device: torch.device | str = "cpu",
        lesion: LesionKind | None = None,
    ) -> None:
        self.view: View = view
        self.seed, self.frames, self.device = seed, frames, torch.device(device)
        self.settings = settings or PhantomSettings()
        # Each part draws from a seed of its own: a change in one leaves the others as they are.
        self.heart: Heart = draw_heart(view, self._draw(0), self.settings.heart)
        self.motion: Motion = draw_motion(self._draw(1), self.heart, self.settings.motion, frames)
        self.acquisition = probe.draw_acquisition(self._draw(2), self.settings.acoustics)
        self.scan = scan_conversion.place_fan(self._draw(3), self.beams, self.settings.frame, self.device)
        kinds: list[LesionKind] = (
            [lesion] if lesion else drawn_kinds(self._draw(12), view, self.settings.lesion_share)
        )
        drawn = (lesions.draw_lesion(self._draw(4), self.heart, kind) for kind in kinds)
        self.lesion: Lesion | None = next((found for found in drawn if found is not None), None)

    @property
    def beams(self) -> Beams:
        """The beams of the probe."""
        return self.acquisition.beams

    def render(
        self,
        acquisition: probe.Acquisition | None = None,
        degradation: Degradation | None = None,
        want: Sequence[Want] = WANTS,
    ) -> PhantomClip:
        """Render what is wanted, by default with the acquisition and the degradation of the seed.

        The acquisition may differ in all but its beams and pulse: the scatterers were laid out for these.
        """
        acquisition = acquisition or self.acquisition
        same = (acquisition.beams, acquisition.axial_fwhm_cm) == (self.beams, self.acquisition.axial_fwhm_cm)
        assert same, "another fan or pulse needs another Phantom"
        receivers: dict[str, Receiver] = {}
        if "clean" in want:
            receivers["clean"] = self._receiver(acquisition, None)
        if {"degraded", "support"} & set(want):
            degradation = degradation or self.degradation
            receivers["degraded"] = self._receiver(acquisition, degradation)
        chunks = [self._chunk(start, receivers, want) for start in range(0, self.frames, CHUNK)]
        pixels = {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}
        for name in {"degraded", "support"} & set(pixels):
            pixels[name] = receivers["degraded"].hold(pixels[name])
        if degradation is not None and "degraded" in pixels:
            pixels["degraded"] = self._compressed(pixels["degraded"], degradation)
        return PhantomClip(
            clean=pixels.get("clean"), degraded=pixels.get("degraded"), labels=pixels.get("labels"),
            lesion_mask=pixels.get("lesion"), support=pixels.get("support"),
            sector_mask=self.scan.mask, fan=self.scan.fan, truth=self._truth(degradation),
        )  # fmt: skip

    @cached_property
    def degradation(self) -> Degradation:
        """The first of up to eight draws whose first frame still shows tissue."""
        grid = self._scene.grid(0, 1)
        looks, prone = self._scene.echoes(grid, 0, 1)
        for attempt in range(8):
            degradation = draw_degradation(Draw(self._seed(5) + attempt), self.settings.degradation)
            grey = self._receiver(self.acquisition, degradation).grey(looks, prone, 0)
            if shows_tissue(255 * self.scan.pixels(grey)[0], self.scan.mask):
                break
        return degradation

    @cached_property
    def _scene(self) -> Scene:
        draw = self._draw(6)
        beams = scatterers.reference_beams(self.beams)
        raster, found = rasterise(self.heart, beams, draw, self.device), None
        if self.lesion is not None:
            raster, found = lesions.alter(self.lesion, raster)
        fields = Fields(draw, raster.points)
        level, prone = echogenicity(draw, self.heart, raster, fields, self.settings.echogenicity)
        prone = proneness(prone, self._draw(7), self.heart, raster, self.settings.weak_walls)
        if self.lesion is not None and found is not None:
            level = lesions.brighten(self.lesion, raster, found, level)
        reference = scatterers.scatter(draw, raster, level, prone, self.acquisition.axial_fwhm_cm, found)
        blood = self.acquisition.blood_db
        return Scene(self.heart, self.motion, reference, self.beams, blood, self.lesion, self._seed(8))

    def _receiver(self, acquisition: probe.Acquisition, degradation: Degradation | None) -> Receiver:
        seed = self._seed(9 if degradation is None else 10)
        return Receiver(
            acquisition, degradation, self.motion.cycle.frame_rate, self.frames, seed, self.device
        )

    def _chunk(self, start: int, receivers: dict[str, Receiver], want: Sequence[Want]) -> dict[str, Tensor]:
        """The frames from `start` on, in pixels: uint8 (T, S, S), the lesion bool."""
        stop = min(start + CHUNK, self.frames)
        grid = self._scene.grid(start, stop)
        looks, prone = self._scene.echoes(grid, start, stop)
        # Support too needs the degraded frames: haze is as strong as what it finds in them.
        shown = {name: receiver.grey(looks, prone, start) for name, receiver in receivers.items()}
        if "support" in want:
            shown["support"] = receivers["degraded"].support(prone, start)
        pixels = {name: self._grey(frames) for name, frames in shown.items() if name in want}
        if "labels" in want:
            labels, lesion = self._scene.classes(grid, start, stop)
            pixels["labels"] = self.scan.pixels(labels, nearest=True).to(torch.uint8)
            pixels["lesion"] = self.scan.pixels(lesion, nearest=True) >= 0.5
        return pixels

    def _grey(self, shown: Tensor) -> Tensor:
        """Beams (T, rows, columns) in [0, 1] to pixels, uint8 (T, S, S)."""
        return (255 * self.scan.pixels(shown)).round().to(torch.uint8)

    def _compressed(self, frames: Tensor, degradation: Degradation) -> Tensor:
        """Pixels uint8 (T, S, S) as a poor file keeps them."""
        parts = [store(part.float(), degradation) * self.scan.mask for part in frames.split(CHUNK)]
        return torch.cat(parts)

    def _truth(self, degradation: Degradation | None) -> dict:
        a = self.acquisition
        facts = {
            "seed": self.seed, "view": self.view, "depth_cm": a.beams.depth_cm,
            "spacing_mm": self.scan.spacing_mm, "degradation": degradation and degradation.to_json(),
        }  # fmt: skip
        if self.lesion is not None:
            facts["lesion"] = self.lesion.truth()
        return facts | clip_truth(self.heart, self.motion, a.beams)

    def _seed(self, part: int) -> int:
        """Each part draws from a seed of its own: a change in one leaves the others as they are."""
        return (self.seed * 16 + part) * 4096

    def _draw(self, part: int) -> Draw:
        return Draw(self._seed(part))


def phantom_clip(
    seed: int,
    settings: PhantomSettings | None = None,
    frames: int = 32,
    device: torch.device | str = "cpu",
    want: Sequence[Want] = WANTS,
    view: View | None = None,
) -> PhantomClip:
    """Draw and render the clip of a seed, of a view or of the one that the seed draws."""
    settings = settings or PhantomSettings()
    return Phantom(view or draw_view(seed, settings), seed, settings, frames, device).render(want=want)


def phantom_pair(
    seed: int,
    settings: PhantomSettings | None = None,
    frames: int = 32,
    device: torch.device | str = "cpu",
    want: Sequence[Want] = WANTS,
    view: View | None = None,
) -> PhantomClip:
    """The degraded clip of a seed, and as `clean` the same heart through the best window: what to enhance towards.

    The seed's own clean look is as foggy as graded-good patients are; CLEAR is what one would rather see.
    """
    settings = settings or PhantomSettings()
    poor = phantom_clip(seed, settings, frames, device, [kind for kind in want if kind != "clean"], view)
    clear = phantom_clip(seed, replace(settings, acoustics=probe.CLEAR), frames, device, ("clean",), view)
    return replace(poor, clean=clear.clean)


def draw_view(seed: int, settings: PhantomSettings) -> View:
    """The view of a seed, drawn by the shares of the settings."""
    shares = torch.tensor(settings.view_shares).cumsum(0)
    place = Draw(seed * 65536 + 11).uniform(0, float(shares[-1]))
    return VIEWS[min(int(torch.searchsorted(shares, torch.tensor(place))), len(VIEWS) - 1)]
