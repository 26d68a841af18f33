"""What the page may send, checked value by value. Each raises SettingsError."""

from __future__ import annotations

from typing import Any

from echogan.core.errors import SettingsError

LONGEST = {
    "id": 64,
    "path": 4096,
    "name": 400,
    "model": 200,
    "fan": 200,
    "kind": 32,
    "visit": 64,
    "example": 100,
    "seen": 32,
}
UNCLEAR = "The page sent something that the server does not understand. Reload the page."


def as_dict(data: Any) -> dict[str, Any]:
    """A dictionary."""
    if not isinstance(data, dict):
        raise SettingsError(UNCLEAR)
    return data


def text(data: dict[str, Any], name: str, like: str | None = None) -> str:
    """The text of that name, no longer than one of its kind, which is its name where `like` does not say another."""
    value = data.get(name)
    if not isinstance(value, str) or len(value) > LONGEST[like or name]:
        raise SettingsError(UNCLEAR)
    return value


def as_list(data: dict[str, Any], name: str, most: int) -> list[Any]:
    """The list of that name, of at most `most` values."""
    value = data.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise SettingsError(UNCLEAR)
    return value


def ids(data: dict[str, Any]) -> list[str]:
    """The clips' ids."""
    return [text({"id": value}, "id") for value in as_list(data, "ids", 1000)]


def flag(data: dict[str, Any], name: str) -> bool:
    """True or False."""
    if not isinstance(data.get(name), bool):
        raise SettingsError(UNCLEAR)
    return data[name]


def strengths(value: Any) -> dict[str, float]:
    """Strengths by the clips' ids; a clip that is not named has full strength."""
    sent = as_dict({} if value is None else value)
    for strength in sent.values():
        plain = isinstance(strength, int | float) and not isinstance(strength, bool)
        # Neither holds of what is no number, nor of what is too large for one.
        if not plain or not 0 <= strength <= 1:
            raise SettingsError("The strength is not a number from 0 to 1. Move its slider.")
    return {str(clip): float(strength) for clip, strength in sent.items()}


def shown_name(value: Any) -> str:
    """A file's name without characters that cannot be shown; its end, where it is very long."""
    if not isinstance(value, str):
        raise SettingsError(UNCLEAR)
    return "".join(c if c.isprintable() else " " for c in value)[-LONGEST["name"] :].strip()
