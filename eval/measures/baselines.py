"""The rows that evaluations compare: the input, our checkpoints, and the classical methods."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core.errors import EchoGANError
from echogan.core.geometry import Sector
from echogan.core.version import __version__
from echogan.enhance.enhancer import Chunk, Enhancer, EnhanceSettings
from echogan.enhance.put_back import BLACK_LEVEL, BLACK_SIGMA
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.phantom import PHANTOM_VERSION
from eval.measures import classical
from eval.measures.metrics import bootstrap_interval

Row = Callable[[np.ndarray, Sector], np.ndarray]
"""(frames uint8 (T, h, w), their sector) to frames of the same shape."""
NETWORKS = (DEFAULT, "echogan-camus", "echogan-unpaired")  # the bundled ones
LIBRARIES = ("torch", "numpy", "opencv-python", "scikit-image", "PyWavelets")


def make_rows(models: Sequence[str], device: str = "auto") -> tuple[dict[str, Row], list[dict[str, str]]]:
    """Every row by name, and the name and hash of each checkpoint among them. Raises EchoGANError where two have one
    name: a table has a row for each."""
    rows: dict[str, Row] = {"input": lambda frames, sector: frames}
    told: list[dict[str, str]] = []
    for model in models:
        enhancer = Enhancer(load_checkpoint(model), EnhanceSettings(device=device))  # type: ignore[arg-type]
        name = enhancer.checkpoint.name
        rows[name] = row_of(enhancer)
        told.append({"name": name, "sha256": enhancer.checkpoint.sha256})
    apart([one["name"] for one in told])
    for name, method in classical.classical_methods().items():
        rows[name] = lambda frames, sector, method=method: method(frames, sector.tissue_mask)
    return rows, told


def apart(names: Sequence[str]) -> None:
    """Raise EchoGANError where two of the checkpoints have one name."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise EchoGANError(f"Two checkpoints are named {', '.join(twice)}: measure one of them at a time.")


def row_of(enhancer: Enhancer) -> Row:
    """The whole enhancer as a row."""

    def enhance(frames: np.ndarray, sector: Sector) -> np.ndarray:
        return np.concatenate([chunk.enhanced for chunk in chunks(enhancer, frames, sector)])

    return enhance


def chunks(enhancer: Enhancer, frames: np.ndarray, sector: Sector) -> Iterator[Chunk]:
    """Frames uint8 (T, h, w) through the whole enhancer."""
    count, height, width = frames.shape
    source = ClipFile(Path("frames"), "video", count, height, width, 30.0, False, lambda: iter(frames))
    return enhancer.stream(source, sector)


def interval(values: Sequence[float] | np.ndarray, groups: Sequence[str] | None = None) -> dict[str, float]:
    """Mean and 95 % bootstrap interval over groups (patients or clips), each counting once; NaN is left out."""
    values = np.asarray(values, float)
    if groups is not None:
        names = np.asarray(groups)
        means = [np.nanmean(values[names == name]) if np.isfinite(values[names == name]).any() else np.nan
                 for name in sorted(set(groups))]  # fmt: skip
        values = np.array(means)
    values = values[np.isfinite(values)]
    low, high = bootstrap_interval(values)
    return {"mean": float(values.mean()), "low": low, "high": high, "groups": len(values)}


def enhancing() -> str:
    """A hash of the usual settings and constants on the way from a clip to the enhanced one."""
    told = {"settings": asdict(EnhanceSettings()), "black": (BLACK_LEVEL, BLACK_SIGMA)}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def provenance(told: list[dict[str, str]]) -> dict[str, Any]:
    """What a result was made with: checkpoints, phantom, the classical settings, versions of libraries."""
    versions = {"echogan": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    return {
        "phantom": PHANTOM_VERSION,
        "models": told,
        "enhancing": enhancing(),
        "classical": hashlib.sha256(classical.RESULT.read_bytes()).hexdigest(),
        "versions": versions,
    }
