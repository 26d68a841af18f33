"""Command lines with the standard library alone: a flag for every setting, and the exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from echogan.core.errors import EchoGANError
from echogan.core.settings import flatten_settings


def add_flags(parser: argparse.ArgumentParser, settings: Any) -> None:
    """Add a flag per setting of a dataclass, dotted for its parts (--loss.cycle); its values are the defaults."""
    for name, default, f in flatten_settings(settings):
        flag, kind, help = "--" + name.replace("_", "-"), type(default), f.metadata["help"]
        if kind is bool:
            parser.add_argument(
                flag, dest=name, action=argparse.BooleanOptionalAction, default=default, help=help
            )
        else:
            choices = f.metadata.get("choices")
            text = f"{help} (default: %(default)s)"
            parser.add_argument(flag, dest=name, type=kind, default=default, choices=choices, help=text)


def ended(run: Callable[[], str]) -> int:
    """Run and print the result; 0 when done, 2 after an EchoGANError, whose message goes to standard error."""
    try:
        print(run())
    except EchoGANError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
