"""The methods that evaluations compare: the untouched input, the checkpoints and the classical filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core.errors import EchoGANError
from echogan.core.geometry import Sector
from echogan.enhance.calibrated import calibration_of, flagger_for
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.flags import original_kept
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.trust.map_styles import unit
from eval.measures import classical

Method = Callable[[np.ndarray, Sector], np.ndarray]
"""(frames uint8 (T, h, w), their sector) to frames of the same shape."""
BUNDLED = ("echogan", "echogan-camus", "echogan-unpaired")
NETWORKS = tuple(dict.fromkeys((DEFAULT, *BUNDLED)))
"""The bundled checkpoints, the default one first."""


def make_methods(
    models: Sequence[str], filters: bool = True, kept: bool = False
) -> tuple[dict[str, Method], list[dict[str, str]]]:
    """Every method by name, and the name and sha256 of each checkpoint.

    filters   with the classical filters too
    kept      with `kept_method` of the checkpoints that have a calibration too

    Raises EchoGANError where two checkpoints have one name.
    """
    enhancers = open_enhancers(models)
    methods: dict[str, Method] = {"input": untouched}
    methods |= {name: enhancer_method(enhancer) for name, enhancer in enhancers.items()}
    for name, enhancer in enhancers.items() if kept else ():
        if calibration_of(enhancer.checkpoint) is not None:
            methods[f"{name}, original kept where flagged"] = kept_method(enhancer)
    for name, apply in classical.classical_filters().items() if filters else ():
        methods[name] = filter_method(apply)
    return methods, [checkpoint_facts(enhancer) for enhancer in enhancers.values()]


def untouched(frames: np.ndarray, sector: Sector) -> np.ndarray:
    """The frames as they are."""
    return frames


def filter_method(apply: classical.Filter) -> Method:
    """A classical filter, applied to the tissue, as a method."""
    return lambda frames, sector: apply(frames, sector.tissue_mask)


def open_enhancer(model: str) -> Enhancer:
    """The enhancer of a checkpoint, by name or folder, with the default settings.

    By torch, so that a result does not depend on which other backend is installed.
    """
    return Enhancer(load_checkpoint(model), EnhanceSettings(device="auto", backend="torch"))


def open_enhancers(models: Sequence[str]) -> dict[str, Enhancer]:
    """The enhancer of each checkpoint by its name. Raises EchoGANError where two checkpoints have one name."""
    enhancers = [open_enhancer(model) for model in models]
    names = [enhancer.checkpoint.name for enhancer in enhancers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise EchoGANError(f"Two checkpoints are named {', '.join(twice)}: measure one of them at a time.")
    return dict(zip(names, enhancers, strict=True))


def checkpoint_facts(enhancer: Enhancer) -> dict[str, str]:
    """The name and sha256 of an enhancer's checkpoint."""
    return {"name": enhancer.checkpoint.name, "sha256": enhancer.checkpoint.sha256}


def enhancer_method(enhancer: Enhancer) -> Method:
    """The enhancer, as it treats a clip, as a method."""

    def enhance(frames: np.ndarray, sector: Sector) -> np.ndarray:
        return np.concatenate([chunk.enhanced for chunk in chunks(enhancer, frames, sector)])

    return enhance


def kept_method(enhancer: Enhancer) -> Method:
    """The enhancer with the original kept where its calibration flags the result amber, as a method."""

    def enhance(frames: np.ndarray, sector: Sector) -> np.ndarray:
        prepared = prepare(enhancer, frames, sector)
        flagger, kept = flagger_for(enhancer, prepared), []
        assert flagger is not None, "the checkpoint is calibrated"
        for chunk in enhancer.run(prepared):
            found = flagger(unit(chunk.x), unit(chunk.g))
            kept.append(original_kept(chunk, found, flagger.amber).enhanced)
        return np.concatenate(kept)

    return enhance


def chunks(enhancer: Enhancer, frames: np.ndarray, sector: Sector) -> Iterator[Chunk]:
    """The enhancer's chunks for frames uint8 (T, h, w)."""
    return enhancer.run(prepare(enhancer, frames, sector))


def prepare(enhancer: Enhancer, frames: np.ndarray, sector: Sector) -> PreparedClip:
    """Frames uint8 (T, h, w) as a clip of 30 frames per second that the enhancer has prepared."""
    count, height, width = frames.shape
    source = ClipFile(Path("frames"), "video", count, height, width, 30.0, False, lambda: iter(frames))
    return enhancer.prepare(source, sector)
