"""Weights trained with the CycleGAN authors' tool (two .pth files) to a checkpoint folder of ours."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
import warnings
import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path

import torch
from torch import Tensor

from echogan.core.errors import InvalidCheckpoint, OutputError, SettingsError
from echogan.core.notice import NOTICE
from echogan.core.scale import WORKING_SIZE
from echogan.model.checkpoints.checkpoint import MAX_WEIGHTS_BYTES, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import NAME, CheckpointConfig
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.model.networks.reference import GreyFrames

TOOL = "pytorch-CycleGAN-and-pix2pix"
BLOCKS = (6, 9)  # the ResNets that their tool trains
FIRST_LAYER = {"resnet": "model.1.weight", "unet256": "model.model.0.weight"}
# Instance norm kept these before PyTorch 0.4 and never used them since; their own loader drops them too.
LEFTOVERS = (".running_mean", ".running_var", ".num_batches_tracked")
CARD = "README.md"


@dataclass(frozen=True)
class ConvertSettings:
    """What a converted checkpoint says of itself."""

    name: str = field(
        default="", metadata={"help": "name of the checkpoint; the folder's own where not given"}
    )
    license: str = field(
        default="not stated", metadata={"help": "license of the weights, up to 200 plain characters"}
    )
    working_size: int = field(
        default=WORKING_SIZE,
        metadata={
            "help": "longer side in pixels that it was trained at, a multiple of 16",
            "min": 64,
            "max": 1024,
        },
    )

    def check(self) -> None:
        """Raise SettingsError, saying what to give, unless a checkpoint can hold every value."""
        if not re.fullmatch(NAME, self.name):
            raise SettingsError(
                f"The name {self.name[:96]!r} cannot be a checkpoint's; "
                f"give --name of letters, digits, spaces and . _ -, at most 96."
            )
        rules = {f.name: f.metadata for f in fields(CheckpointConfig)}
        if not re.fullmatch(rules["license"]["pattern"], self.license):
            raise SettingsError("The license cannot be kept; give --license 1 to 200 plain characters.")
        size, rule = self.working_size, rules["working_size"]
        if not rule["min"] <= size <= rule["max"] or size % rule["multiple"]:
            raise SettingsError(
                f"The working size is {size}; give a multiple of {rule['multiple']} "
                f"from {rule['min']} to {rule['max']}."
            )


def convert(to_high: Path, to_low: Path, folder: Path, settings: ConvertSettings) -> CheckpointConfig:
    """Write a checkpoint folder from the generator that enhances and the one that degrades (poor is their A).

    Both are state dicts of one shape: ResNet-9, ResNet-6 or U-Net-256 with instance norm, 1 or 3 channels in
    and out. The weights are copied as float32, so that nothing they compute changes. `folder` must not exist:
    it appears whole or not at all. Raises SettingsError, InvalidCheckpoint and OutputError.
    """
    settings.check()
    if os.path.lexists(folder):
        raise OutputError(f"{folder} is there already; choose a folder that is not.")
    digests = {name: _digest(path) for name, path in (("to_high", to_high), ("to_low", to_low))}
    if digests["to_high"] == digests["to_low"]:
        raise InvalidCheckpoint(f"{to_high} and {to_low} are the same; give one generator of each direction.")
    weights = [_read(path) for path in (to_high, to_low)]
    shapes = [_recognise(tensors, path) for tensors, path in zip(weights, (to_high, to_low), strict=True)]
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


def _digest(path: Path) -> str:
    """SHA-256 of a weights file, in hex; the first look at it. Raises InvalidCheckpoint."""
    try:
        if not path.is_file():
            reason = "it is a folder" if path.is_dir() else "there is no such file"
            raise InvalidCheckpoint(
                f"{path} cannot be read ({reason}); give a generator's weights, as latest_net_G_A.pth."
            )
        _check_size(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:  # a null byte in the name is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise InvalidCheckpoint(
            f"{path} cannot be read ({reason}); check that it is there and yours to read."
        ) from None


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if zipfile.is_zipfile(path):  # its entries may be compressed a thousandfold
        try:
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(entry.file_size for entry in archive.infolist()))
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
            pass  # torch will say so
    if size > MAX_WEIGHTS_BYTES:
        raise InvalidCheckpoint(
            f"{path} holds {size:,} bytes, more than the {MAX_WEIGHTS_BYTES:,} allowed; "
            f"no generator of {TOOL} is so large."
        )


def _read(path: Path) -> dict[str, Tensor]:
    """The state dict of one file, without what old files hold besides weights. Raises InvalidCheckpoint."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # damaged bytes make torch's reader fail in every way there is
        raise InvalidCheckpoint(
            f"{path} is damaged, or holds more than weights, such as code, which was not run; "
            f"give a state dict as {TOOL} saves it."
        ) from None
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and _is_plain(value) for name, value in found.items()
    ):
        raise InvalidCheckpoint(
            f"{path} is not a state dict of plain tensors; give a generator's weights, as latest_net_G_A.pth."
        )
    if all(name.startswith("module.") for name in found):  # saved while spread over several GPUs
        found = {name.removeprefix("module."): value for name, value in found.items()}
    return {name: value for name, value in found.items() if not name.endswith(LEFTOVERS)}


def _is_plain(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout is torch.strided and value.device.type == "cpu"


def _recognise(weights: dict[str, Tensor], path: Path) -> GeneratorConfig:
    """What was trained, from the names and shapes of its weights. Raises InvalidCheckpoint."""
    if any(value.ndim == 1 and name.endswith(".weight") for name, value in weights.items()):
        raise InvalidCheckpoint(
            f"{path} has weights in its norm layers, so it was trained with batch norm; "
            f"only networks trained with --norm instance can be converted."
        )
    kind = next((kind for kind, name in FIRST_LAYER.items() if name in weights), None)
    if kind is None or weights[FIRST_LAYER[kind]].ndim != 4:
        raise _another(path, "its first layer is another")
    width, image_channels = weights[FIRST_LAYER[kind]].shape[:2]
    blocks = sum(name.endswith(".conv_block.1.weight") for name in weights) if kind == "resnet" else 6
    if blocks not in BLOCKS:
        raise _another(path, f"it has {blocks} residual blocks")
    if image_channels not in (1, 3):
        raise _another(path, f"its first layer takes {image_channels} channels")
    shape = GeneratorConfig(kind, width, blocks, image_channels=image_channels)  # type: ignore[arg-type]
    try:
        wanted = _skeleton(shape).network.state_dict()
    except SettingsError:
        raise _another(path, f"its first layer is {width} wide") from None
    _check_fit(weights, wanted, path)
    return shape


def _check_fit(weights: dict[str, Tensor], wanted: dict[str, Tensor], path: Path) -> None:
    """Raise InvalidCheckpoint unless the weights are those wanted, and numbers throughout."""
    odd = [name for name in wanted if name not in weights or weights[name].shape != wanted[name].shape]
    odd = odd or [name for name in weights if name not in wanted]
    odd = odd or [name for name, value in weights.items() if not value.is_floating_point()]
    if odd:
        raise _another(path, f"{ascii(odd[0][:60])[1:-1]} does not fit")
    if 2 * sum(4 * value.numel() for value in wanted.values()) > MAX_WEIGHTS_BYTES:
        raise _another(path, f"two of them take more than {MAX_WEIGHTS_BYTES:,} bytes")
    if broken := [name for name in weights if not torch.isfinite(weights[name].float()).all()]:
        raise InvalidCheckpoint(
            f"{path} has weights that are not finite ({broken[0]}); take those of an earlier epoch."
        )


def _another(path: Path, why: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"{path} is not a ResNet-9, ResNet-6 or U-Net-256 of {TOOL} with 1 or 3 channels in and out ({why}); "
        f"other networks cannot be converted."
    )


def _write(folder: Path, config: CheckpointConfig, weights: list[dict[str, Tensor]]) -> None:
    """Make the folder beside its place under another name, then move it there."""
    generators = [_loaded(config.generator, tensors) for tensors in weights]
    part = folder.with_name(f".{uuid.uuid4().hex}")
    try:
        save_checkpoint(part, config, *generators)
        (part / CARD).write_text(_card(config), encoding="utf-8")
        os.rename(part, folder)
    except OSError as error:
        raise OutputError(
            f"The checkpoint cannot be written to {folder} ({error.strerror or error}); "
            f"free some space or choose another folder."
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _skeleton(shape: GeneratorConfig) -> GreyFrames:
    """The generator without memory for its weights, and without random start values. Raises SettingsError."""
    with torch.device("meta"):
        generator = build_generator(shape)
    assert isinstance(generator, GreyFrames)
    return generator


def _loaded(shape: GeneratorConfig, weights: dict[str, Tensor]) -> torch.nn.Module:
    generator = _skeleton(shape)
    own = {name: value.float().contiguous() for name, value in weights.items()}
    generator.network.load_state_dict(own, assign=True)
    return generator


def _card(config: CheckpointConfig) -> str:
    sums = "\n".join(f"- `{side}`: {digest}" for side, digest in config.training["sha256"].items())
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
