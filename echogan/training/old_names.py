"""Names of earlier versions: a config.json, saved state, metrics or flags with the old names still load."""

from __future__ import annotations

import re
from typing import Any

RENAMED = {
    "judge": "discriminator",
    "judges": "discriminators",
    "worse": "evaluations_without_improvement",
}
"""Old part of a name (between dots, slashes, dashes and underscores) -> the part now."""


def current_name(name: str) -> str:
    """The current name: discriminator.norm for judge.norm, --discriminators-first for --judges-first."""
    return re.sub(r"[A-Za-z]+", lambda part: RENAMED.get(part[0], part[0]), name)


def current_names(values: dict[str, Any]) -> dict[str, Any]:
    """The same dictionary with current names, in nested dictionaries too."""
    return {
        current_name(name): current_names(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def current_flags(arguments: list[str]) -> list[str]:
    """A command line with current flags; values stay as they are."""
    return [_flag(argument) if argument.startswith("--") else argument for argument in arguments]


def _flag(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return current_name(name) + equals + value
