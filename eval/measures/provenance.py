"""What a result was made with: checkpoints, phantom, settings and versions of libraries."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from echogan.core.version import __version__
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.put_back import BLACK_LEVEL, BLACK_SIGMA
from echogan.model.checkpoints.checkpoint import bundled_checkpoints, describe_checkpoint
from echogan.phantom import PHANTOM_VERSION
from eval.measures import classical

LIBRARIES = ("torch", "numpy", "opencv-python", "scikit-image", "PyWavelets")


def provenance(checkpoints: list[dict[str, str]]) -> dict[str, Any]:
    """What a result was made with, as JSON. `checkpoints` holds the name and sha256 of each."""
    versions = {"echogan": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    return {
        "phantom": PHANTOM_VERSION,
        "models": checkpoints,
        "enhancing": enhancement_hash(),
        "classical": hashlib.sha256(classical.RESULT.read_bytes()).hexdigest(),
        "versions": versions,
    }


def enhancement_hash() -> str:
    """SHA-256 of the enhancer's default settings and constants, and of what checkpoints say beside their weights.

    Settings that change no pixel of a result, or only its rounding, do not count.
    """
    # The size of a batch changes no pixel: it stands as what it was when the results were measured.
    settings = asdict(EnhanceSettings(batch_size=8))
    del settings["trust"], settings["backend"]
    if not settings["keep_original"]:  # newer than the results; off, it changes no pixel
        del settings["keep_original"]
    bundled = [describe_checkpoint(folder).config for folder in bundled_checkpoints()]
    used = {
        "settings": settings,
        "black": (BLACK_LEVEL, BLACK_SIGMA),
        "gain": {config.name: config.gain for config in bundled},
    }
    if any(config.caution for config in bundled):  # newer than the results, as above
        used["caution"] = {config.name: config.caution for config in bundled}
    if any(config.dark_level for config in bundled):
        used["dark_level"] = {config.name: config.dark_level for config in bundled}
    if any(config.keep_walls for config in bundled):
        used["keep_walls"] = {config.name: config.keep_walls for config in bundled}
    return hashlib.sha256(json.dumps(used, sort_keys=True, default=str).encode()).hexdigest()
