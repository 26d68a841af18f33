"""Checkpoints: config.json and model.safetensors in one folder, written atomically and read strictly."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from echogan.core.atomic import replace_files
from echogan.core.errors import InvalidCheckpoint, OutputError
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig, config_json, parse_config
from echogan.model.checkpoints.checkpoint_files import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    check_files,
    check_size,
    entries,
    first_few,
    read_file,
    unreadable,
)
from echogan.model.networks.generators import build_generators

HEADER_BYTES = 1_000_000  # at most, of the names and places before the weights
GENERATORS = ("to_high", "to_low")
DEFAULT = "echogan"  # used where no model is named, and first wherever models are listed
BUNDLED = Path(__file__).resolve().parents[3] / "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """Two generators ready to use: float32, on the CPU, eval mode, no gradients."""

    name: str
    source: str  # the folder, or user/model[@revision]
    revision: str | None  # commit on the Hub, 40 hex digits; None for a folder
    sha256: str  # of model.safetensors, 64 hex digits
    config: CheckpointConfig
    to_high: nn.Module
    to_low: nn.Module
    notes: tuple[str, ...] = ()  # sentences the user should see, such as that a cached copy was used
    folder: Path | None = None  # where it was read from

    def without_weights(self) -> Checkpoint:
        """The same facts without generators that work, for what outlives the use of them."""
        return replace(self, to_high=nn.Identity(), to_low=nn.Identity())


@dataclass(frozen=True)
class CheckpointInfo:
    """What a list of models shows, read without building a generator."""

    name: str
    folder: Path
    sha256: str
    parameters: int  # of both generators together
    config: CheckpointConfig


def read_checkpoint(
    folder: str | Path,
    *,
    source: str | None = None,
    revision: str | None = None,
    notes: tuple[str, ...] = (),
    fresh: str = "copy or save it again",
) -> Checkpoint:
    """Read a checkpoint folder: config first, then weights that must match it exactly.

    `source`, `revision` and `notes` are carried into the result; `fresh` is the remedy for damaged weights.
    Raises CheckpointNotFound (no folder, no file) and InvalidCheckpoint (anything in them that does not fit).
    """
    folder, where = Path(folder), source or str(folder)
    config = read_config(folder, where)
    data = read_file(folder / WEIGHTS_FILE, where)
    try:
        weights = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError):
        raise _damaged(where, fresh) from None
    _check_weights(weights, config, where)
    to_high, to_low = _build(config, weights)
    sha256 = hashlib.sha256(data).hexdigest()
    return Checkpoint(config.name, where, revision, sha256, config, to_high, to_low, notes, folder)


def read_config(folder: Path, where: str) -> CheckpointConfig:
    """The validated config.json of a folder that has both files. Raises as read_checkpoint does."""
    check_files({entry.name for entry in entries(folder)}, where)
    return parse_config(read_file(folder / CONFIG_FILE, where), where)


def save_checkpoint(
    folder: str | Path, config: CheckpointConfig, to_high: nn.Module, to_low: nn.Module
) -> None:
    """Write config.json and model.safetensors, each whole or not at all; same input, same bytes.

    The pyramid's weights are kept in float16, those of the authors' generators in float32, so that a converted
    network computes what it did. Raises InvalidCheckpoint when the generators are not what the config says or
    hold a value that their type cannot, and OutputError when the folder cannot be written.
    """
    folder = Path(folder)
    weights = {
        f"{generator}.{name}": _stored(tensor, config)
        for generator, net in zip(GENERATORS, (to_high, to_low), strict=True)
        for name, tensor in net.state_dict().items()
    }
    text = config_json(config)
    check_size(CONFIG_FILE, len(text), f"'{config.name}'")
    _check_weights(weights, config, f"'{config.name}'")
    data = safetensors.torch.save(weights, metadata={"format": "pt"})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_files({folder / WEIGHTS_FILE: data, folder / CONFIG_FILE: text})
    except OSError as error:
        raise OutputError(
            f"The checkpoint cannot be written to {folder} ({error.strerror or error});"
            f" free some space or choose another folder."
        ) from None


def bundled_checkpoints() -> list[Path]:
    """The checkpoint folders that come with the project, the default first; none when it was installed without.

    Folders called segmenter-* hold no generators (see echogan.model.networks.segmenter) and are not among them.
    """
    folders = (path.parent for path in BUNDLED.glob(f"*/{CONFIG_FILE}"))
    kept = (folder for folder in folders if not folder.name.startswith("segmenter-"))
    return sorted(kept, key=lambda folder: (folder.name != DEFAULT, folder.name))


def describe_checkpoint(folder: str | Path) -> CheckpointInfo:
    """Facts for a list of models, from the config and the weights' header. Raises as read_checkpoint does."""
    folder = Path(folder)
    config = read_config(folder, str(folder))
    path = folder / WEIGHTS_FILE
    try:
        check_size(WEIGHTS_FILE, path.stat().st_size, str(folder))
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with safetensors.safe_open(path, framework="pt") as header:
            names = header.keys()
            parameters = sum(math.prod(header.get_slice(name).get_shape()) for name in names)
    except safetensors.SafetensorError:
        raise _damaged(str(folder)) from None
    except OSError as error:
        raise unreadable(folder, error) from None
    return CheckpointInfo(config.name, folder, sha256, parameters, config)


def check_weights_size(size: int, config: CheckpointConfig, where: str) -> None:
    """Raise InvalidCheckpoint where a file of `size` bytes is more than the weights that the config describes."""
    with torch.device("meta"):
        tensors = [t for net in build_generators(config.generator) for t in net.state_dict().values()]
    expected = sum(t.numel() * _stored_type(t, config).itemsize for t in tensors)
    if size > expected + HEADER_BYTES:
        raise InvalidCheckpoint(
            f"{WEIGHTS_FILE} of {where} has {size:,} bytes, and the network of its {CONFIG_FILE} has {expected:,};"
            f" use the two files that were saved together."
        )


def _damaged(where: str, fresh: str = "copy or save it again") -> InvalidCheckpoint:
    return InvalidCheckpoint(f"{WEIGHTS_FILE} of {where} is damaged or not safetensors; {fresh}.")


def _check_weights(weights: Mapping[str, Tensor], config: CheckpointConfig, where: str) -> None:
    """Raise InvalidCheckpoint unless names, shapes, types and finiteness are what the config promises."""
    with torch.device("meta"):  # no memory: an oversized config is found out before anything is allocated
        skeletons = zip(GENERATORS, build_generators(config.generator), strict=True)
        wanted = {f"{which}.{name}": t for which, net in skeletons for name, t in net.state_dict().items()}
    shared = wanted.keys() & weights.keys()
    faults = {
        "lacks": wanted.keys() - weights.keys(),
        "has unexpected": weights.keys() - wanted.keys(),
        "has wrongly shaped": {k for k in shared if weights[k].shape != wanted[k].shape},
        "has wrongly typed": {k for k in shared if weights[k].dtype != _stored_type(wanted[k], config)},
    }
    for fault, names in faults.items():
        if names:
            raise InvalidCheckpoint(
                f"{WEIGHTS_FILE} of {where} {fault} weights ({first_few(sorted(names))}) for its {CONFIG_FILE};"
                f" use the two files that were saved together."
            )
    if broken := sorted(k for k in weights if not torch.isfinite(weights[k]).all()):
        raise InvalidCheckpoint(
            f"{where} has weights that are not finite in {_float_name(config)} ({first_few(broken)});"
            f" take an earlier checkpoint or train it again."
        )


def _build(config: CheckpointConfig, weights: Mapping[str, Tensor]) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):  # loading must not shift the random numbers of a training run
        built = build_generators(config.generator)
    for generator, net in zip(GENERATORS, built, strict=True):
        start = f"{generator}."
        net.load_state_dict({k.removeprefix(start): t for k, t in weights.items() if k.startswith(start)})
        net.float().eval().requires_grad_(False)
    return built


def _float_name(config: CheckpointConfig) -> str:
    return "float32" if config.generator.exact else "float16"


def _stored_type(tensor: Tensor, config: CheckpointConfig) -> torch.dtype:
    return getattr(torch, _float_name(config)) if tensor.is_floating_point() else tensor.dtype


def _stored(tensor: Tensor, config: CheckpointConfig) -> Tensor:
    return tensor.detach().to("cpu", _stored_type(tensor, config), copy=True).contiguous()
