"""The segmenter: a small U-Net that names the chambers in a grey frame, and its checkpoint folder.

It serves the anatomy loss, the choice of checkpoints and the trust maps. It is not the judge of `eval.segmentation`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import uuid
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echogan.errors import CheckpointNotFound, InvalidCheckpoint, OutputError, SettingsError
from echogan.model.checkpoint import BUNDLED, CONFIG_FILE, WEIGHTS_FILE, check_files, check_size
from echogan.model.checkpoint_config import NAME

MULTIPLE = 16
KIND = "segmenter"
WIDTHS = (1, 3, 6, 10, 14)  # of the five levels, in units of `channels`
GROUP = 4  # channels that share one mean and deviation


class Structure(IntEnum):
    """The classes of a segmentation. 1 to 3 are those of CAMUS, whose convention holds: papillary muscles and
    trabeculae belong to the cavity (Leclerc et al., IEEE TMI 38(9), 2019)."""

    OTHER = 0
    LV = 1
    MYOCARDIUM = 2
    LA = 3
    RV = 4
    RA = 5


@dataclass(frozen=True)
class SegmenterConfig:
    """How to build the segmenter, and what it is: config.json is this, as JSON, with "kind": "segmenter"."""

    name: str = field(default="segmenter", metadata={"help": "letters, digits, spaces and . _ - only"})
    channels: int = field(default=8, metadata={"help": "width of the first level", "min": 4, "max": 64})
    working_size: int = field(
        default=128, metadata={"help": "longer side at which frames are seen, pixels", "min": 64, "max": 512}
    )
    trained_on: dict[str, Any] = field(default_factory=dict, metadata={"help": "data it has seen"})
    training: dict[str, Any] = field(default_factory=dict, metadata={"help": "settings of the run"})
    license: str = field(default="MIT", metadata={"help": "of the weights"})

    def check(self) -> None:
        """Raise SettingsError, naming the field and its range, unless the network can be built."""
        for f in dataclasses.fields(self):
            if "min" not in f.metadata:
                continue
            value, low, high = getattr(self, f.name), f.metadata["min"], f.metadata["max"]
            if type(value) is not int or value % GROUP or not low <= value <= high:
                span = f"a multiple of {GROUP} from {low} to {high}"
                raise SettingsError(f"Segmenter {f.name} is {value!r}; give {span}.")


class Segmenter(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015) with group norm (Wu and He, ECCV 2018): a batch of one is fine.

    A frame of any size is seen at `working_size`, so that hearts have the size that they had in training.
    """

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        config.check()
        self.config = config
        widths = [config.channels * w for w in WIDTHS]
        self.stem = _conv(1, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b, stride=2), _conv(b, b)) for a, b in pairwise(widths)
        )
        self.narrow = nn.ModuleList(
            nn.Conv2d(b, a, 1) for a, b in pairwise(widths)
        )  # before going up, where it is cheap
        self.up = nn.ModuleList(_conv(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], len(Structure), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Grey (N, 1, h, w) in [-1, 1], h and w multiples of 16, to logits (N, 6, h, w) over `Structure`."""
        size = x.shape[-2:]
        assert not any(side % MULTIPLE for side in size), f"{size}: give multiples of {MULTIPLE}"
        small = self._to_working_size(x)
        bottom, right = (-side % MULTIPLE for side in small.shape[-2:])
        seen = F.pad(small, (0, right, 0, bottom), value=-1.0)
        logits = self._logits(seen)[..., : small.shape[-2], : small.shape[-1]]
        if logits.shape[-2:] == size:
            return logits
        return F.interpolate(logits, size, mode="bilinear", align_corners=False)

    def _to_working_size(self, x: Tensor) -> Tensor:
        longer, wanted = max(x.shape[-2:]), self.config.working_size
        if longer == wanted:
            return x
        size = tuple(max(1, round(side * wanted / longer)) for side in x.shape[-2:])
        if wanted < longer:
            return F.interpolate(x, size, mode="area")
        return F.interpolate(x, size, mode="bilinear", align_corners=False)

    def _logits(self, x: Tensor) -> Tensor:
        kept = [self.stem(x)]
        for level in self.down:
            kept.append(level(kept[-1]))
        coarse = kept.pop()
        for narrow, up in zip(reversed(self.narrow), reversed(self.up), strict=True):
            finer = F.interpolate(narrow(coarse), scale_factor=2, mode="bilinear", align_corners=False)
            coarse = up(torch.cat([kept.pop(), finer], 1))
        return self.head(coarse)


def _conv(before: int, after: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(after // GROUP, after), nn.ReLU(inplace=True))


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
        _replace(folder / WEIGHTS_FILE, safetensors.torch.save(weights, metadata={"format": "pt"}))
        _replace(folder / CONFIG_FILE, text.encode())
    except OSError as error:
        raise OutputError(
            f"The segmenter cannot be written to {folder} ({error.strerror or error});"
            f" free some space or choose another folder."
        ) from None


def load_segmenter(source: str | Path = "segmenter-phantom") -> SegmenterCheckpoint:
    """The segmenter in a folder, or bundled under that name. Raises CheckpointNotFound, InvalidCheckpoint."""
    folder = Path(source)
    if not folder.is_dir() and folder.parent == Path():
        folder = BUNDLED / folder
    where = str(source)
    if not folder.is_dir():
        raise CheckpointNotFound(f"There is no segmenter '{where}'; give a folder that holds one.")
    check_files({entry.name for entry in folder.iterdir()}, where)
    config = _parse(_read(folder / CONFIG_FILE, where), where)
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
    kinds = {"name": str, "license": str, "trained_on": dict, "training": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(raw[name], kind)]
    if wrong or not re.fullmatch(NAME, raw["name"]):
        raise InvalidCheckpoint(
            f"In config.json of {where}, '{(wrong or ['name'])[0]}' is not usable; save it again."
        )
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


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
