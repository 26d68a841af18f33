"""Markdown tables, and values with their intervals as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

NOT_MEASURED_YET = "Not measured yet."


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with these column heads and rows of cells."""
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)])


def with_interval(found: dict[str, float], digits: int, sign: str = "", factor: float = 1) -> str:
    """`mean [low, high]`, each times `factor`. `sign` "+" shows the sign of positive values too."""
    mean, low, high = (f"{factor * found[key]:{sign}.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def percent_interval(found: dict[str, float], digits: int = 0, sign: str = "") -> str:
    """`mean% [low%, high%]` of shares."""
    mean, low, high = (f"{found[key]:{sign}.{digits}%}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def count_and_share(found: dict[str, float]) -> str:
    """`count/of, mean% [low%, high%]` of a share with its interval."""
    return f"{found['count']:.0f}/{found['of']:.0f}, {percent_interval(found, 1)}"


def checkpoint_names(models: Iterable[dict[str, str]]) -> str:
    """The names of checkpoints with the first digits of their hashes."""
    return ", ".join(f"{model['name']} `{model['sha256'][:12]}`" for model in models)


def made_with(result: dict[str, Any]) -> str:
    """The checkpoints and the phantom of a result, as sentences."""
    return f"Checkpoints: {checkpoint_names(result['models'])}. Phantom {result['phantom']}."
