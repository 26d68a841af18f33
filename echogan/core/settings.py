"""Settings dataclasses: makers of their fields, whose metadata holds the rules, and the one check of their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import Field, field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from echogan.core.errors import SettingsError

NAME = r"[A-Za-z0-9][A-Za-z0-9._ -]{0,95}"
NAME_WANTED = "text of letters, digits, spaces and . _ -, a letter or digit first, at most 96 characters"
"""The name of a run or a checkpoint, which is that of its folder too: as a pattern, and in words."""
SHOWN_CHARACTERS = 40  # of a wrong value, in a message


def number(
    default: Any, help: str, low: float | None = None, high: float | None = None, multiple: int = 1
) -> Any:
    """A field annotated int or float: from `low` to `high`, both included, and a multiple of `multiple`."""
    rules = {"min": low, "max": high, "multiple": None if multiple == 1 else multiple}
    return field(default=default, metadata={"help": help} | {k: v for k, v in rules.items() if v is not None})


def choice(default: Any, help: str, *choices: Any) -> Any:
    """A field that takes one of `choices`."""
    return field(default=default, metadata={"help": help, "choices": choices})


def switch(default: bool, help: str) -> Any:
    """A field annotated bool."""
    return field(default=default, metadata={"help": help})


def text(default: str, help: str, pattern: str = "", wanted: str = "") -> Any:
    """A field annotated str; the whole of it matches `pattern`, which `wanted` says in words."""
    rules = {"pattern": pattern, "wanted": wanted} if pattern else {}
    return field(default=default, metadata={"help": help, **rules})


def flatten_settings(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any, Field[Any]]]:
    """(dotted name, value, field) of every setting, those of the parts included: loss.cycle, discriminator.norm."""
    for f in fields(settings):
        value = getattr(settings, f.name)
        if is_dataclass(value):
            yield from flatten_settings(value, f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, value, f


def check_settings(settings: Any, of: str = "") -> None:
    """Raise SettingsError, naming the first wrong field and what it may be, unless every value can be used.

    Each value must have the type of its annotation (a whole number serves as a float, None only where it is
    allowed) and keep its field's rules; dataclasses inside are checked too. `of` stands before the names: Loss.
    Rules that tie several fields are for the dataclass itself to check.
    """
    _check(settings, f"{of} " if of else "")


def _check(settings: Any, prefix: str) -> None:
    hints = _hints(type(settings))
    for f in fields(settings):
        value = getattr(settings, f.name)
        _check_value(prefix + f.name, value, hints[f.name], f.metadata)
        if is_dataclass(value):
            _check(value, f"{prefix}{f.name}.")


def check_setting(owner: type, name: str, value: Any) -> None:
    """Raise SettingsError unless `value` could be that of one field of a settings dataclass."""
    rules = next(f.metadata for f in fields(owner) if f.name == name)
    _check_value(name, value, _hints(owner)[name], rules)


def _check_value(name: str, value: Any, hint: Any, rules: Mapping[str, Any]) -> None:
    if not fits(value, hint, rules):
        verb = "choose" if _choices(hint, rules) else "give"
        raise SettingsError(f"{name} is {shown(value)}; {verb} {wanted(hint, rules)}.")


@cache
def _hints(owner: type) -> dict[str, Any]:
    return get_type_hints(owner)


def fits(value: Any, hint: Any, rules: Mapping[str, Any]) -> bool:
    """Whether a value has the type of its annotation and keeps the rules in its field's metadata.

    Paths and tuples are not looked into.
    """
    if value is None:
        return NoneType in _members(hint)
    if choices := _choices(hint, rules):
        return any(type(value) is type(allowed) and value == allowed for allowed in choices)
    kind = _kind(hint)
    if kind in (int, float):
        whole = isinstance(value, int) and not isinstance(value, bool)  # True is an int to Python
        if not (whole or (kind is float and isinstance(value, float))):
            return False
        low, high = rules.get("min", float("-inf")), rules.get("max", float("inf"))
        return low <= value <= high and ("multiple" not in rules or value % rules["multiple"] == 0)
    if kind is str:
        return isinstance(value, str) and (
            "pattern" not in rules or bool(re.fullmatch(rules["pattern"], value))
        )
    checked = isinstance(kind, type) and (kind in (bool, dict) or is_dataclass(kind))
    return not checked or isinstance(value, kind)


def wanted(hint: Any, rules: Mapping[str, Any]) -> str:
    """What a value must be, in words: a whole number from 1 to 256."""
    if choices := _choices(hint, rules):
        return "one of " * (len(choices) > 1) + ", ".join(map(str, choices))
    kind = _kind(hint)
    if kind in (int, float):
        what = "a whole number" if kind is int else "a number"
        return (f"a multiple of {rules['multiple']}" if "multiple" in rules else what) + span(rules)
    words = {bool: "true or false", str: "text", dict: "a dictionary"}
    return rules.get("wanted") or words.get(kind) or f"a {kind.__name__}"


def span(rules: Mapping[str, Any]) -> str:
    """The range of a number in words, with a space before it; empty where it has none."""
    low, high = rules.get("min"), rules.get("max")
    if low is None:
        return "" if high is None else f" up to {_digits(high)}"
    return f" from {_digits(low)} up" if high is None else f" from {_digits(low)} to {_digits(high)}"


def shown(value: Any) -> str:
    """A wrong value as a message shows it: no longer than SHOWN_CHARACTERS."""
    whole = repr(value)
    return whole if len(whole) <= SHOWN_CHARACTERS else whole[: SHOWN_CHARACTERS - 3] + "..."


def _digits(value: float) -> str:
    form = "," if abs(value) >= 10_000 else ""
    return f"{value:{form}}" if isinstance(value, int) else f"{value:{form}.10g}"


def _members(hint: Any) -> tuple[Any, ...]:
    """The parts of a union; an annotation that is none, alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _choices(hint: Any, rules: Mapping[str, Any]) -> tuple[Any, ...]:
    """What may be chosen from: the field's choices, else those of Literal; empty where anything may be given."""
    literals = (get_args(member) for member in _members(hint) if get_origin(member) is Literal)
    return tuple(rules.get("choices", ())) or tuple(value for values in literals for value in values)


def _kind(hint: Any) -> Any:
    """The plain type behind an annotation: int for int | None, dict for dict[str, int]; object for several."""
    kinds = [get_origin(member) or member for member in _members(hint) if member is not NoneType]
    return kinds[0] if len(kinds) == 1 else object
