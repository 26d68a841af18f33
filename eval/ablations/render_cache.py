"""Cache of rendered training clips on disk, so that runs on the same hearts render them once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from echogan.core.atomic import replacing
from echogan.phantom import PHANTOM_VERSION
from echogan.training.data.loader import TrainingData
from echogan.training.data.sources import Source, TrainingClip


@dataclass(frozen=True)
class CachedSource:
    """A source of training clips with a cache. A clip is rendered when it is first asked for.

    The folder of the cache is named after everything that the clips depend on. The clips equal those of the source bit
    for bit, so that a run is the same with and without the cache.
    """

    source: Source
    folder: Path

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """See Source."""
        path = self.cache_folder() / f"{seed}-{frames}.safetensors"
        if not path.exists():
            self._keep(self.source(seed, frames), path)
        parts = load_file(path)
        return TrainingClip(frame_ms=float(parts.pop("frame_ms")), **parts)

    def facts(self) -> dict[str, Any]:
        """The facts of the source."""
        return self.source.facts()

    def cache_folder(self) -> Path:
        """The folder of this source's clips."""
        about = json.dumps(self.facts(), sort_keys=True) + repr(self.source) + PHANTOM_VERSION
        about += repr([part.name for part in fields(TrainingClip)])
        return self.folder / hashlib.sha256(about.encode()).hexdigest()[:12]

    def _keep(self, clip: TrainingClip, path: Path) -> None:
        parts = {name: value for name, value in vars(clip).items() if torch.is_tensor(value)}
        parts["frame_ms"] = torch.tensor(clip.frame_ms, dtype=torch.float64)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Another run may want the same clip at the same time: it finds all of it or nothing.
        with replacing(path) as part:
            save_file({name: value.contiguous() for name, value in parts.items()}, part)


def with_cache(data: TrainingData, folder: Path) -> TrainingData:
    """The same data, with the clips of both domains cached in a folder."""
    return replace(data, low=CachedSource(data.low, folder), high=CachedSource(data.high, folder))
