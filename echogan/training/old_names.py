"""Names of earlier versions: config.json, saved state, metrics and flags written with them still load."""

from __future__ import annotations

import re
from typing import Any

RENAMED = {
    "judge": "discriminator",
    "judges": "discriminators",
    "worse": "evaluations_without_improvement",
}
"""Part of a name, between its dots, slashes, dashes and underscores -> what it is called now."""


def current_name(name: str) -> str:
    """The name as it is now: discriminator.norm for judge.norm, --discriminators-first for --judges-first."""
    return re.sub(r"[A-Za-z]+", lambda part: RENAMED.get(part[0], part[0]), name)


def current_names(values: dict[str, Any]) -> dict[str, Any]:
    """The same dictionary under the names of now, those of the dictionaries inside it included."""
    return {
        current_name(name): current_names(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def current_flags(arguments: list[str]) -> list[str]:
    """A command line with the flags of now; values are left alone."""
    return [_flag(argument) if argument.startswith("--") else argument for argument in arguments]


def _flag(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return current_name(name) + equals + value
