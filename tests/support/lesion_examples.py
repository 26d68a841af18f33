"""A clip with a lesion and its control, through networks that do something known."""

from dataclasses import replace

import numpy as np
import torch
from fake_checkpoint import checkpoint, fan_sector, speckle

from echogan.calibration.examples import Example, examples
from echogan.calibration.lesion_clips import LesionClip
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.networks.generators import GeneratorConfig
from echogan.phantom.tissues import Tissue

FRAMES, HEIGHT, WIDTH = 5, 96, 120


class Painter(torch.nn.Module):
    """Paints a bright square in the middle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, w = x.shape[-2:]
        painted = x.clone()
        painted[..., h // 2 - 4 : h // 2 + 4, w // 2 - 4 : w // 2 + 4] = 1.0
        return painted


class Averager(torch.nn.Module):
    """The mean of three frames."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(1, keepdim=True)


def lesion_clip() -> LesionClip:
    """A grey texture in a fan with a bright mass in it, and the same without; the input is the truth."""
    sector = fan_sector(HEIGHT, WIDTH)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mass = np.broadcast_to((rows - 70) ** 2 + (columns - 60) ** 2 <= 36, (FRAMES, HEIGHT, WIDTH))
    without = (0.4 * speckle(FRAMES, HEIGHT, WIDTH) * sector.mask).astype(np.uint8)
    ill = np.where(mass, 220, without).astype(np.uint8)
    labels = np.full(ill.shape, int(Tissue.LV), np.uint8)
    poor, control, tissue = (torch.from_numpy(one.copy()) for one in (ill, without, labels))
    fan = torch.tensor([60.0, 2.0, -38.0, 38.0, 3.0, HEIGHT - 10.0], dtype=torch.float64)
    return LesionClip(
        poor, control, poor, control, tissue, tissue, torch.from_numpy(mass.copy()),
        torch.full_like(poor, 255), torch.from_numpy(sector.mask.copy()), fan, torch.tensor(1.0),
        {"kind": "mass", "seed": 1},
    )  # fmt: skip


def enhancer_of(network: torch.nn.Module, frames: int = 1) -> Enhancer:
    made = checkpoint(network)
    config = replace(
        made.config, generator=GeneratorConfig(frames=frames), working_size=96, canonical_grey=True
    )
    return Enhancer(replace(made, config=config), EnhanceSettings(device="cpu"))


def through(network: torch.nn.Module, frames: int = 1) -> list[Example]:
    return list(examples([lesion_clip()], enhancer_of(network, frames)))
