"""Command lines of a bare machine, by the standard library alone: a flag for every setting, and how a run ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from echogan.core.errors import EchoGANError
from echogan.core.settings import flatten_settings


def add_flags(parser: argparse.ArgumentParser, settings: Any) -> None:
    """A flag per setting of a dataclass, those of a part dotted (--loss.cycle); its values are the defaults."""
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
    """Run and print what it says; 0 when done, 2 after a user's mistake, whose sentence goes to standard error."""
    try:
        print(run())
    except EchoGANError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
