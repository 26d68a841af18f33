"""A .pth file of the CycleGAN authors' tool: read without running code, and recognised as one of their generators."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from echogan.core.errors import InvalidCheckpoint, SettingsError
from echogan.model.checkpoints.checkpoint_files import MAX_WEIGHTS_BYTES
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.model.networks.reference import GreyFrames

TOOL = "pytorch-CycleGAN-and-pix2pix"
BLOCKS = (6, 9)  # the ResNets that their tool trains
FIRST_LAYER = {"resnet": "model.1.weight", "unet256": "model.model.0.weight"}
# Instance norm kept these before PyTorch 0.4 and never used them since; their own loader drops them too.
LEFTOVERS = (".running_mean", ".running_var", ".num_batches_tracked")


def digest_of(path: Path) -> str:
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


def read_state_dict(path: Path) -> dict[str, Tensor]:
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


def recognise(weights: dict[str, Tensor], path: Path) -> GeneratorConfig:
    """What was trained, from the names and shapes of its weights. Raises InvalidCheckpoint."""
    if any(value.ndim == 1 and name.endswith(".weight") for name, value in weights.items()):
        raise InvalidCheckpoint(
            f"{path} has weights in its norm layers, so it was trained with batch norm; "
            f"only networks trained with --norm instance can be converted."
        )
    kind = next((kind for kind, name in FIRST_LAYER.items() if name in weights), None)
    if kind is None or weights[FIRST_LAYER[kind]].ndim != 4:
        raise _refused(path, "its first layer is another")
    width, image_channels = weights[FIRST_LAYER[kind]].shape[:2]
    blocks = sum(name.endswith(".conv_block.1.weight") for name in weights) if kind == "resnet" else 6
    if blocks not in BLOCKS:
        raise _refused(path, f"it has {blocks} residual blocks")
    if image_channels not in (1, 3):
        raise _refused(path, f"its first layer takes {image_channels} channels")
    shape = GeneratorConfig(kind, width, blocks, image_channels=image_channels)  # type: ignore[arg-type]
    try:
        wanted = skeleton(shape).network.state_dict()
    except SettingsError:
        raise _refused(path, f"its first layer is {width} wide") from None
    _check_fit(weights, wanted, path)
    return shape


def _check_fit(weights: dict[str, Tensor], wanted: dict[str, Tensor], path: Path) -> None:
    """Raise InvalidCheckpoint unless the weights are those wanted, and numbers throughout."""
    odd = [name for name in wanted if name not in weights or weights[name].shape != wanted[name].shape]
    odd = odd or [name for name in weights if name not in wanted]
    odd = odd or [name for name, value in weights.items() if not value.is_floating_point()]
    if odd:
        raise _refused(path, f"{ascii(odd[0][:60])[1:-1]} does not fit")
    if 2 * sum(4 * value.numel() for value in wanted.values()) > MAX_WEIGHTS_BYTES:
        raise _refused(path, f"two of them take more than {MAX_WEIGHTS_BYTES:,} bytes")
    if broken := [name for name in weights if not torch.isfinite(weights[name].float()).all()]:
        raise InvalidCheckpoint(
            f"{path} has weights that are not finite ({broken[0]}); take those of an earlier epoch."
        )


def _refused(path: Path, why: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"{path} is not a ResNet-9, ResNet-6 or U-Net-256 of {TOOL} with 1 or 3 channels in and out ({why}); "
        f"other networks cannot be converted."
    )


def skeleton(shape: GeneratorConfig) -> GreyFrames:
    """The generator without memory for its weights, and without random start values. Raises SettingsError."""
    with torch.device("meta"):
        generator = build_generator(shape)
    assert isinstance(generator, GreyFrames)
    return generator
