"""The table of one result for the model card of a published checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from echogan.core.errors import SettingsError
from eval.reporting.tables import MAKERS


def card_table(path: Path, sha256: str) -> str:
    """A heading and the table of a result, as Markdown; `sha256` is that of the checkpoint's weights, 64 hex digits.

    The file is called as its measurement, such as image_quality.json. Raises SettingsError where it is none, or where
    it was measured with other weights.
    """
    maker = MAKERS.get(path.stem)
    if maker is None:
        raise SettingsError(
            f"{path.name} is no result: call it as its measurement, one of {', '.join(MAKERS)}."
        )
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        table = maker(result)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"{path} is not a result of python -m eval {path.stem}.") from None
    if sha256 not in _weights(result):
        raise SettingsError(f"{path} was not measured with these weights ({sha256[:12]}).")
    return f"### {path.stem.replace('_', ' ').capitalize()}\n\n{table}"


def _weights(result: dict[str, Any]) -> set[str]:
    """The hashes of all checkpoints that a result names."""
    models = [result.get("model"), *result.get("models", ()), *result.get("others", ())]
    return {model["sha256"] for model in models if model}
