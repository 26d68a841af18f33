"""The segmenter's checkpoint: config.json and model.safetensors in one folder, read strictly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from echogan.core.atomic import replace_files
from echogan.core.errors import CheckpointNotFound, InvalidCheckpoint, OutputError, SettingsError
from echogan.model.checkpoints.checkpoint import BUNDLED
from echogan.model.checkpoints.checkpoint_files import CONFIG_FILE, WEIGHTS_FILE, check_files, check_size
from echogan.model.networks.segmenter import Segmenter, SegmenterConfig

KIND = "segmenter"
STRUCTURES, WALLS = "segmenter-phantom", "segmenter-walls"  # bundled, by what they find


@dataclass(frozen=True)
class SegmenterCheckpoint:
    """A segmenter ready to use: float32, on the CPU, eval mode, no gradients into its weights."""

    folder: Path
    sha256: str  # of model.safetensors, 64 hex digits
    config: SegmenterConfig
    network: Segmenter


def save_segmenter(folder: str | Path, network: Segmenter, config: SegmenterConfig | None = None) -> None:
    """Write config.json and model.safetensors (float16), each whole or not at all; same input, same bytes.

    `config` may tell more than the network's own, but builds the same. Raises InvalidCheckpoint for weights that
    float16 cannot hold, OutputError where the folder cannot be written.
    """
    folder, config = Path(folder), config or network.config
    weights = {k: t.detach().to("cpu", torch.float16).contiguous() for k, t in network.state_dict().items()}
    _check_weights(weights, config, f"'{config.name}'")
    text = json.dumps({"kind": KIND, **dataclasses.asdict(config)}, indent=2, sort_keys=True) + "\n"
    _parse(text.encode(), f"'{config.name}'")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        data = safetensors.torch.save(weights, metadata={"format": "pt"})
        replace_files({folder / WEIGHTS_FILE: data, folder / CONFIG_FILE: text.encode()})
    except OSError as error:
        raise OutputError(
            f"The segmenter cannot be written to {folder} ({error.strerror or error});"
            f" free some space or choose another folder."
        ) from None


def load_segmenter(source: str | Path = STRUCTURES, finds: str = "structures") -> SegmenterCheckpoint:
    """The segmenter in a folder, or bundled under that name. Raises CheckpointNotFound, InvalidCheckpoint.

    `finds` is what it has to find.
    """
    folder = Path(source)
    if not folder.is_dir() and folder.parent == Path():
        folder = BUNDLED / folder
    where = str(source)
    if not folder.is_dir():
        raise CheckpointNotFound(f"There is no segmenter '{where}'; give a folder that holds one.")
    check_files({entry.name for entry in folder.iterdir()}, where)
    config = _parse(_read(folder / CONFIG_FILE, where), where)
    if config.finds != finds:
        raise InvalidCheckpoint(f"{where} finds {config.finds}; give a segmenter that finds {finds}.")
    data = _read(folder / WEIGHTS_FILE, where)
    try:
        weights = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError):
        raise InvalidCheckpoint(
            f"{WEIGHTS_FILE} of {where} is damaged or not safetensors; copy it again."
        ) from None
    _check_weights(weights, config, where)
    with torch.random.fork_rng(devices=[]):  # loading must not shift the random numbers of a training run
        network = Segmenter(config)
    network.load_state_dict(weights)
    network.float().eval().requires_grad_(False)
    return SegmenterCheckpoint(folder, hashlib.sha256(data).hexdigest(), config, network)


def _parse(data: bytes, where: str) -> SegmenterConfig:
    """The settings in a config.json. Raises InvalidCheckpoint unless every field is there and can be used."""
    try:
        raw = json.loads(data.decode())
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise InvalidCheckpoint(f"config.json of {where} is not a JSON object; save it again.")
    if raw.pop("kind", None) != KIND:
        raise InvalidCheckpoint(f"{where} is not a segmenter; give the folder of one.")
    known = {f.name: f for f in dataclasses.fields(SegmenterConfig)}
    if raw.keys() != known.keys():
        odd = ", ".join(ascii(name)[:60] for name in sorted(raw.keys() ^ known.keys()))
        raise InvalidCheckpoint(f"config.json of {where} lacks or does not know {odd}; save it again.")
    config = SegmenterConfig(**raw)
    try:
        config.check()
    except SettingsError as error:
        raise InvalidCheckpoint(f"config.json of {where}: {error}") from None
    return config


def _check_weights(weights: dict[str, Tensor], config: SegmenterConfig, where: str) -> None:
    """Raise InvalidCheckpoint unless names, shapes, type and finiteness are what the config promises."""
    with torch.device("meta"):
        wanted = {k: t.shape for k, t in Segmenter(config).state_dict().items()}
    if {k: t.shape for k, t in weights.items()} != wanted:
        raise InvalidCheckpoint(
            f"The weights of {where} are not those of its {CONFIG_FILE}; use the two files saved together."
        )
    if not all(t.dtype == torch.float16 and bool(torch.isfinite(t).all()) for t in weights.values()):
        raise InvalidCheckpoint(f"{where} has weights that are not finite float16; train it again.")


def _read(path: Path, where: str) -> bytes:
    try:
        check_size(path.name, path.stat().st_size, where)
        return path.read_bytes()
    except OSError as error:
        raise CheckpointNotFound(
            f"{path} cannot be read ({error.strerror}); check that it is yours."
        ) from None
