"""The start and end of every evaluation: read the settings from the command line, write the result as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import tyro

from echogan.core.errors import EchoGANError
from eval.paths import RESULTS

MISTAKE = 2  # exit code, as of `python -m echogan`


def begin(main: Callable[[Any], None], settings: Any, **options: Any) -> None:
    """Read the settings from the command line by tyro and run `main`.

    An EchoGANError prints its message and exits with code 2. `options` are those of `tyro.cli`.
    """
    try:
        main(tyro.cli(settings, **options))
    except EchoGANError as error:
        print(error, file=sys.stderr)
        sys.exit(MISTAKE)


def write(
    result: dict[str, Any],
    out: Path,
    settings: Any,
    rows: Callable[[dict[str, Any]], Iterable[str]],
    but: Sequence[str] = (),
) -> bool:
    """Write a result as JSON. An incomplete one does not replace a file in eval/results. True if it was written.

    A result is incomplete if it lacks some of the old file's `rows`, or if a setting differs from its default. So a
    short run, or one without the real data, replaces nothing; a message says why. Settings named in `but`, and paths,
    may differ.
    """
    why = _incomplete(result, out, settings, rows, but) if out.parent == RESULTS and out.is_file() else []
    if why:
        print(
            f"{out.name} is not replaced, because the new result {' and '.join(why)}: give --out to keep it."
        )
        return False
    text = json.dumps(result, indent=1, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n")
    return True


def _incomplete(
    result: dict[str, Any],
    out: Path,
    settings: Any,
    rows: Callable[[dict[str, Any]], Iterable[str]],
    but: Sequence[str],
) -> list[str]:
    lost = sorted(set(rows(json.loads(out.read_text()))) - set(rows(result)))
    other = [name for name in changed(settings) if name not in but]
    return [f"lacks {', '.join(lost)}"] * bool(lost) + [f"has other settings ({', '.join(other)})"] * bool(
        other
    )


def changed(settings: Any) -> list[str]:
    """The names of a dataclass' fields whose value is not the default; paths are left out."""
    values = ((field, getattr(settings, field.name)) for field in fields(settings))
    return [f.name for f, value in values if not isinstance(value, Path) and value != f.default]
