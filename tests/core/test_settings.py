"""The one check of settings: what fits, what is refused, and in which words."""

import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echogan.core.errors import SettingsError
from echogan.core.settings import (
    NAME,
    NAME_WANTED,
    check_setting,
    check_settings,
    choice,
    flatten_settings,
    number,
    switch,
    text,
)


@dataclass(frozen=True)
class Part:
    weight: float = number(0.5, "weight", 0.0, 1.0)


@dataclass(frozen=True)
class Whole:
    count: int = number(3, "count", -5, 200)
    side: int | None = number(None, "side", 32, 1024, 16)
    rate: float = number(2e-4, "rate", 1e-7, 0.1)
    most: int = number(20_000, "most", 1)
    kind: Literal["a", "b"] = choice("a", "kind", "a", "b")
    frames: Literal[1, 3] = 1
    view: Literal["x"] | Literal["all"] = "all"
    on: bool = switch(True, "on")
    name: str = text("run", "name", NAME, NAME_WANTED)
    note: str = text("", "note")
    told: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    part: Part = field(default_factory=Part)


def is_whole(value: Any) -> bool:
    return type(value) is int


ALLOWED = {
    "count": lambda v: is_whole(v) and v in range(-5, 201),
    "side": lambda v: v is None or (is_whole(v) and v in range(32, 1025, 16)),
    "rate": lambda v: type(v) in (int, float) and not math.isnan(v) and 1e-7 <= v <= 0.1,
    "most": lambda v: is_whole(v) and v > 0,
    "kind": lambda v: type(v) is str and v in ("a", "b"),
    "frames": lambda v: is_whole(v) and v in (1, 3),
    "view": lambda v: type(v) is str and v in ("x", "all"),
    "on": lambda v: v is True or v is False,
    "name": lambda v: (
        type(v) is str and 1 <= len(v) <= 96 and v[0].isalnum() and v.isascii()
        and all(c.isalnum() or c in " ._-" for c in v)
    ),
    "note": lambda v: type(v) is str,
    "told": lambda v: type(v) is dict,
    "part": lambda v: isinstance(v, Part) and type(v.weight) in (int, float) and 0 <= v.weight <= 1,
}  # fmt: skip

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 250),
    st.integers(0, 70).map(lambda k: 16 * k),
    st.integers(),
    st.floats(),
    st.floats(0, 0.2),
    st.sampled_from(["a", "b", "x", "all", "", "../up", "run 1", "a" * 97, "two\nlines"]),
    st.text(max_size=5),
    st.just({}),
    st.lists(st.integers(), max_size=2),
    st.floats().map(Part),
)


@pytest.mark.parametrize("name", ALLOWED)
@settings(deadline=None)
@given(value=anything)
def test_a_value_is_refused_by_name_unless_it_fits(name: str, value: Any):
    settings = replace(Whole(), **{name: value})
    if ALLOWED[name](value):
        check_settings(settings)
        check_setting(Whole, name, value)
        return
    with pytest.raises(SettingsError) as caught:
        check_settings(settings)
    said = str(caught.value)
    assert re.match(rf"{name}(\.weight)? is .*; (give|choose) .*\.$", said, re.S), said
    assert "\n" not in said
    assert len(said) < 200


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"count": 201}, "count is 201; give a whole number from -5 to 200."),
        ({"side": 250}, "side is 250; give a multiple of 16 from 32 to 1024."),
        ({"rate": math.nan}, "rate is nan; give a number from 1e-07 to 0.1."),
        ({"most": 0}, "most is 0; give a whole number from 1 up."),
        ({"kind": "c"}, "kind is 'c'; choose one of a, b."),
        ({"frames": True}, "frames is True; choose one of 1, 3."),
        ({"view": None}, "view is None; choose one of x, all."),
        ({"on": 1}, "on is 1; give true or false."),
        ({"name": "../up"}, f"name is '../up'; give {NAME_WANTED}."),
        ({"note": 5}, "note is 5; give text."),
        ({"told": []}, "told is []; give a dictionary."),
        ({"part": Part(2)}, "part.weight is 2; give a number from 0 to 1."),
        ({"part": {"weight": 1}}, "part is {'weight': 1}; give a Part."),
        ({"kind": "long" * 50}, f"kind is '{('long' * 50)[:36]}...; choose one of a, b."),
    ],
)
def test_the_sentence_says_what_is_wrong_and_what_to_give(wrong: dict[str, Any], sentence: str):
    with pytest.raises(SettingsError) as caught:
        check_settings(replace(Whole(), **wrong))
    assert str(caught.value) == sentence


def test_numbers_of_five_digits_and_more_are_grouped():
    @dataclass
    class Large:
        seed: int = number(0, "seed", 0, 10**12)

    with pytest.raises(SettingsError, match=r"from 0 to 1,000,000,000,000\.$"):
        check_settings(Large(-1))


def test_what_stands_before_the_names():
    with pytest.raises(SettingsError, match=r"^Loss weight is -1; give a number from 0 to 1\.$"):
        check_settings(Part(-1), "Loss")


def test_one_setting_is_checked_without_the_others():
    check_setting(Whole, "side", None)
    with pytest.raises(SettingsError, match="side is 8; give a multiple of 16"):
        check_setting(Whole, "side", 8)


def test_settings_are_flattened_with_dotted_names():
    flat = {name: (value, f.metadata.get("help")) for name, value, f in flatten_settings(Whole(count=7))}
    assert flat["count"] == (7, "count")
    assert flat["part.weight"] == (0.5, "weight")
    assert "part" not in flat
    assert next(iter(flat)) == "count"
