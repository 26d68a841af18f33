"""The summary of image quality over clips: means, paired gains, shares of the oracle's gain, and KID."""

from __future__ import annotations

from typing import Any

import numpy as np

from echogan.enhance.enhancer import Enhancer
from echogan.phantom import PHANTOM_VERSION
from eval.measures.intervals import interval
from eval.measures.kid import kid_interval
from eval.measures.metrics import ratio_of_means
from eval.simulated.clip_quality import METRICS, SHARED_METRICS


def summarise(
    rows: list[dict[str, Any]], enhancer: Enhancer, oracle: Enhancer | None, settings: dict[str, Any]
) -> dict[str, Any]:
    """The result as JSON, of one row per clip by `clip_quality.measure`.

    Means have 95 % intervals over clips. The gain is the paired difference of the network and each other method.
    """
    names = [name for name in rows[0] if name not in ("change", "features", "supported")]
    values = {name: {m: np.array([row[name][m] for row in rows]) for m in METRICS} for name in names}
    result: dict[str, Any] = {
        "rows": {name: {m: _summary(values[name][m]) for m in METRICS} for name in names},
        "gain": {
            name: {m: _summary(values["enhanced"][m] - values[name][m]) for m in METRICS}
            for name in names if name != "enhanced"
        },
        "share_of_oracle": {},
    }  # fmt: skip
    if oracle is not None:
        result["share_of_oracle"] = {
            name: share_of_oracle(values, name) for name in names if name not in ("input", "oracle")
        }
        result["oracle"] = network_facts(oracle)
    poor, clear = (np.array([row["change"][kind] for row in rows]) for kind in ("poor", "clear"))
    result["change"] = {
        "poor": _summary(poor), "clear": _summary(clear), "clear_to_poor": float(clear.mean() / poor.mean()),
    }  # fmt: skip
    return result | {
        "supported": _summary(np.array([row["supported"] for row in rows])),
        "data": "simulated clips (phantom), hearts never trained on",
        "phantom": PHANTOM_VERSION,
        "model": network_facts(enhancer),
        "device": enhancer.device.type,
        "settings": settings,
    }


def share_of_oracle(values: dict[str, dict[str, np.ndarray]], name: str) -> dict[str, dict[str, float]]:
    """A method's mean gain over the input as a share of the oracle's mean gain, with an interval over clips."""
    shares = {}
    for metric in SHARED_METRICS:
        measured = np.stack([values[each][metric] for each in ("input", name, "oracle")])
        start, own, best = measured[:, np.isfinite(measured).all(0)]
        shares[metric] = ratio_of_means(own - start, best - start)
    return shares


def kid_rows(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """KID of each method's frames of every second clip against the clear frames of the other clips.

    The entry "clear" is that of clear frames against clear frames: the value of a perfect method.
    """

    def features(name: str, first: int) -> np.ndarray:
        return np.stack([row["features"][name] for row in rows[first::2]])

    return {name: kid_interval(features(name, 0), features("clear", 1)) for name in rows[0]["features"]}


def network_facts(enhancer: Enhancer) -> dict[str, object]:
    """A network's name, hash and kind, and how many frames of each domain its last training stage saw."""
    config = enhancer.checkpoint.config
    steps = config.training.get("finished_steps")
    return {
        "name": enhancer.checkpoint.name,
        "sha256": enhancer.checkpoint.sha256,
        "kind": config.generator.kind,
        "steps": steps,
        "frames": steps and steps * config.training.get("batch_size", 1),
        "paired_steps": paired_steps(config.training),
    }


def paired_steps(training: dict[str, Any]) -> int:
    """The number of steps, over all training stages, that had a paired loss."""
    stages = [*training.get("earlier_stages", ()), training]
    return sum(stage["finished_steps"] for stage in stages if stage.get("loss", {}).get("paired"))


def _summary(values: np.ndarray) -> dict[str, float]:
    found = interval(values)
    return {key: found[key] for key in ("mean", "low", "high")}
