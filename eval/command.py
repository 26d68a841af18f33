"""How every evaluation begins and ends: mistakes in a sentence, and no full result lost to a lesser one."""

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
    """Read the settings (a class for tyro) from the command line and do `main`; an EchoGANError is its sentence."""
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
    """Write a result as JSON; one of the project's own is kept where the new one is less. True where it was written.

    Less is what lacks some of the old one's `rows`, or was measured with other settings than the usual ones, `but`
    those named (paths never count): a quick look, or a machine without the real data. A sentence says so.
    """
    why = _less(result, out, settings, rows, but) if out.parent == RESULTS and out.is_file() else []
    if why:
        print(f"{out.name} is left as it is, for the new one {' and '.join(why)}: give --out to keep it.")
        return False
    text = json.dumps(result, indent=1, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n")
    return True


def _less(
    result: dict[str, Any],
    out: Path,
    settings: Any,
    rows: Callable[[dict[str, Any]], Iterable[str]],
    but: Sequence[str],
) -> list[str]:
    lost = sorted(set(rows(json.loads(out.read_text()))) - set(rows(result)))
    other = [name for name in changed(settings) if name not in but]
    return [f"lacks {', '.join(lost)}"] * bool(lost) + [f"has another {', '.join(other)}"] * bool(other)


def changed(settings: Any) -> list[str]:
    """The names of a dataclass' fields that have not their default, paths left out."""
    values = ((field, getattr(settings, field.name)) for field in fields(settings))
    return [f.name for f, value in values if not isinstance(value, Path) and value != f.default]
