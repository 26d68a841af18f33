"""What a result was made with: checkpoints, phantom, settings and versions of libraries."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Set
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from echogan.core.version import __version__
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.keep_walls import SOFT
from echogan.enhance.put_back import BLACK_LEVEL, BLACK_SIGMA, CLEAR, HAZY
from echogan.model.checkpoints.checkpoint import bundled_checkpoints, describe_checkpoint
from echogan.phantom import PHANTOM_VERSION
from eval.measures import classical

LIBRARIES = ("torch", "numpy", "opencv-python", "scikit-image", "PyWavelets")


def provenance(checkpoints: list[dict[str, str]], others: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """What a result was made with, as JSON.

    checkpoints   name and sha256 of each
    others        of those that the result names elsewhere
    """
    versions = {"echogan": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    return {
        "phantom": PHANTOM_VERSION,
        "models": checkpoints,
        "enhancing": enhancement_hash({one["name"] for one in (*checkpoints, *others)}),
        "classical": hashlib.sha256(classical.RESULT.read_bytes()).hexdigest(),
        "versions": versions,
    }


def enhancement_hash(names: Set[str]) -> str:
    """SHA-256 of the enhancer's default settings and constants, and of what these bundled checkpoints ask for.

    Names of other checkpoints do not count. Neither do settings that change no pixel of a result, or only its rounding.
    """
    # The size of a batch changes no pixel: it stands as what it was when the results were measured.
    settings = asdict(EnhanceSettings(batch_size=8))
    del settings["trust"], settings["backend"]
    applied = {
        config.name: config.applied
        for config in (describe_checkpoint(folder).config for folder in bundled_checkpoints())
        if config.name in names
    }
    used: dict[str, Any] = {"settings": settings, "black": (BLACK_LEVEL, BLACK_SIGMA), "applied": applied}
    if any(one["haze_gain"] for one in applied.values()):
        used["hazy"] = (CLEAR, HAZY)
    if any(one["keep_walls"] for one in applied.values()):
        used["soft"] = SOFT
    return hashlib.sha256(json.dumps(used, sort_keys=True, default=str).encode()).hexdigest()
