"""Results that were measured with other weights, settings or splits than today's."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from echogan.model.checkpoints.checkpoint import bundled_checkpoints, describe_checkpoint
from echogan.model.checkpoints.segmenter_checkpoint import WALLS, load_segmenter
from echogan.phantom import PHANTOM_VERSION
from echogan.trust.fusion import fusion_sha256
from eval.camus.splits import split_hash
from eval.camus.two_chamber import list_hash
from eval.measures import classical
from eval.measures.provenance import enhancement_hash
from eval.paths import ORACLE, RESULTS, ROOT

DATED = ("ablations", "classical", "realism", "realism_blind")
"""Results that may be of an older phantom, which their table names: they take hours, or a reader."""
COMMANDS = {
    "segmenter": "segmentation --segmenter segmenter-phantom",
    "realism_blind": "realism blind",
    "retrained_segmenter": "segmentation --retrain",
}
"""Result -> command that measures it, where that is not its name."""


def stale_results() -> list[str]:
    """A sentence for each result and each thing that has changed since it was measured."""
    bundled = {folder.name: describe_checkpoint(folder).sha256 for folder in bundled_checkpoints()}
    now = bundled | {
        "segmenter": load_segmenter(ROOT / "checkpoints" / "segmenter-phantom").sha256,
        "walls": load_segmenter(ROOT / "checkpoints" / WALLS, "walls").sha256,
        "phantom": phantom_kind(PHANTOM_VERSION),
        "oracle": describe_checkpoint(ORACLE).sha256,
        "classical": hashlib.sha256(classical.RESULT.read_bytes()).hexdigest(),
        "split": split_hash(),
        "views": list_hash(),
        "fusion": fusion_sha256(),
    }
    stale = []
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        strangers = _named(result | {"others": ()}) - set(bundled)
        stale += [
            f"{path.name} was measured with {name}, which is not bundled." for name in sorted(strangers)
        ]
        now["enhancing"] = enhancement_hash(_named(result))
        stale += [
            f"{path.name} was measured with another {what} ({value[:12]}, now {now[what][:12]}): "
            f"run python -m eval {COMMANDS.get(path.stem, path.stem)}."
            for what, value in _used(result, set(bundled)).items()
            if value is not None and value != now[what] and not (what == "phantom" and path.stem in DATED)
        ]
    return stale


def _named(result: dict[str, Any]) -> set[str]:
    """The names of the checkpoints that a result was measured with."""
    return {model["name"] for model in _models(result)}


def _models(result: dict[str, Any]) -> list[dict[str, str]]:
    models = (result.get("model"), *result.get("models", ()), *result.get("others", ()))
    return [model for model in models if model]


def _used(result: dict[str, Any], bundled: set[str]) -> dict[str, str | None]:
    """Hashes and versions that a result was measured with, by name; None for what it does not state."""
    return {
        **{model["name"]: model["sha256"] for model in _models(result) if model["name"] in bundled},
        "segmenter": result.get("segmenter", {}).get("sha256"),
        "walls": result.get("walls", {}).get("sha256"),
        "phantom": phantom_kind(result["phantom"]) if "phantom" in result else None,
        "oracle": result.get("oracle", {}).get("sha256"),
        "classical": result.get("classical"),
        "split": result.get("split_sha256"),
        "views": result.get("views_sha256"),
        "enhancing": result.get("enhancing"),
        "fusion": result.get("fusion"),
    }


def phantom_kind(version: str) -> str:
    """The first two numbers of a phantom's version. Versions that share them render clips of the same kind."""
    return ".".join(version.split(".")[:2])
