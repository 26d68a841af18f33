"""Weights trained with the CycleGAN authors' tool (two .pth files) to a checkpoint folder of ours."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from echogan.core.atomic import replacing
from echogan.core.errors import InvalidCheckpoint, OutputError
from echogan.core.notice import NOTICE
from echogan.core.scale import WORKING_SIZE
from echogan.core.settings import check_setting, number, text
from echogan.model.checkpoints.checkpoint import save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.checkpoints.pth_file import TOOL, digest_of, read_state_dict, recognise, skeleton
from echogan.model.networks.generators import SIZE_MULTIPLE, GeneratorConfig

CARD = "README.md"


@dataclass(frozen=True)
class ConvertSettings:
    """What a converted checkpoint says of itself."""

    name: str = text("", "name of the checkpoint; the folder's own where not given")
    license: str = text("not stated", "license of the weights, up to 200 plain characters")
    working_size: int = number(
        WORKING_SIZE, f"longer side in pixels that it was trained at, a multiple of {SIZE_MULTIPLE}", 64, 1024
    )

    def check(self) -> None:
        """Raise SettingsError, saying what to give, unless a checkpoint can hold every value."""
        for f in fields(self):
            check_setting(CheckpointConfig, f.name, getattr(self, f.name))


def convert(to_high: Path, to_low: Path, folder: Path, settings: ConvertSettings) -> CheckpointConfig:
    """Write a checkpoint folder from the generator that enhances and the one that degrades (poor is their A).

    Both are state dicts of one shape: ResNet-9, ResNet-6 or U-Net-256 with instance norm, 1 or 3 channels in
    and out. The weights are copied as float32, so that nothing they compute changes. `folder` must not exist:
    it appears whole or not at all. Raises SettingsError, InvalidCheckpoint and OutputError.
    """
    settings.check()
    if os.path.lexists(folder):
        raise OutputError(f"{folder} is there already; choose a folder that is not.")
    digests = {name: digest_of(path) for name, path in (("to_high", to_high), ("to_low", to_low))}
    if digests["to_high"] == digests["to_low"]:
        raise InvalidCheckpoint(f"{to_high} and {to_low} are the same; give one generator of each direction.")
    weights = [read_state_dict(path) for path in (to_high, to_low)]
    shapes = [recognise(tensors, path) for tensors, path in zip(weights, (to_high, to_low), strict=True)]
    if shapes[0] != shapes[1]:
        raise InvalidCheckpoint(
            f"{to_high} is {describe(shapes[0])}, but {to_low} is {describe(shapes[1])}; "
            f"give both generators of one run."
        )
    config = CheckpointConfig(
        settings.name,
        shapes[0],
        working_size=settings.working_size,
        trained_on={"told": "nothing: converted weights"},
        training={"tool": TOOL, "sha256": digests},
        license=settings.license,
    )
    _write(folder, config, weights)
    return config


def describe(shape: GeneratorConfig) -> str:
    """A reference generator in words."""
    kind = f"a ResNet of {shape.blocks} blocks" if shape.kind == "resnet" else "a U-Net-256"
    return f"{kind}, {shape.image_channels}-channel, ngf {shape.channels}"


def _write(folder: Path, config: CheckpointConfig, weights: list[dict[str, Tensor]]) -> None:
    generators = [_loaded(config.generator, tensors) for tensors in weights]
    try:
        with replacing(folder) as part:
            save_checkpoint(part, config, *generators)
            (part / CARD).write_text(_card(config), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"The checkpoint cannot be written to {folder} ({error.strerror or error}); "
            f"free some space or choose another folder."
        ) from None


def _loaded(shape: GeneratorConfig, weights: dict[str, Tensor]) -> torch.nn.Module:
    generator = skeleton(shape)
    own = {name: value.float().contiguous() for name, value in weights.items()}
    generator.network.load_state_dict(own, assign=True)
    return generator


def _card(config: CheckpointConfig) -> str:
    sums = "\n".join(f"- `{generator}`: {digest}" for generator, digest in config.training["sha256"].items())
    return f"""---
license: other
license_name: {json.dumps(config.license)}
library_name: echogan
tags:
- echocardiography
- image-to-image
- cyclegan
---

# {config.name}

Two generators converted from weights of {TOOL}: `to_high` enhances, `to_low` goes back.
Each is {describe(config.generator)}, instance norm, kept in float32. **{NOTICE}.**
What they were trained on is not known here; nothing was measured. License of the weights: {config.license}.

SHA-256 of the files converted:

{sums}

`python -m echogan enhance INPUT OUTPUT --model` and this folder uses it.
"""
