"""Check a settings dataclass against the ranges and choices in its fields' metadata."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from echogan.core.errors import SettingsError


def check_settings(settings: Any, of: str) -> None:
    """Raise SettingsError, naming `of`, the field and its range, unless every value can be used.

    The fields need defaults, which tell their types, and metadata "choices" or "min" and "max" (bool: neither).
    """
    for f in fields(settings):
        value, rules = getattr(settings, f.name), f.metadata
        assert f.default is not MISSING
        kind = type(f.default)
        if "choices" in rules:
            if value not in rules["choices"]:
                choices = ", ".join(map(str, rules["choices"]))
                raise SettingsError(f"{of} {f.name} is {value!r}; choose one of {choices}.")
        elif kind is bool:
            if type(value) is not bool:
                raise SettingsError(f"{of} {f.name} is {value!r}; give True or False.")
        elif type(value) not in ((int, float) if kind is float else (int,)) or not (
            rules["min"] <= value <= rules["max"]
        ):
            number = "a number" if kind is float else "an integer"
            span = f"from {rules['min']:g} to {rules['max']:g}"
            raise SettingsError(f"{of} {f.name} is {value!r}; give {number} {span}.")
