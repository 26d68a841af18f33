"""A field of the page for every setting of a run, made from the settings' own metadata."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from gradio.components import Component

from echogan.core.errors import SettingsError
from echogan.core.settings import flatten_settings
from echogan.training.config import TrainingConfig

# The tab has fields of its own for these, or decides them itself.
ELSEWHERE = frozenset({"name", "folder", "resume", "low", "high", "steps", "size", "batch_size"})
SLIDER_STEPS = 1000  # a slider with more positions than this cannot be set with a mouse
GROUPS = {"": "The run", "generator": "Generators", "discriminator": "Discriminators", "loss": "Losses"}


@dataclass(frozen=True)
class Setting:
    """One setting: its dotted name, its usual value, and what its field's metadata says."""

    name: str
    usual: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()

    @property
    def label(self) -> str:
        """Its name as words."""
        words = self.name.rpartition(".")[2].replace("_", " ")
        return words[:1].upper() + words[1:]

    def parse(self, value: Any) -> Any:
        """What the page sent, in the setting's own type. Raises SettingsError for an empty field."""
        if isinstance(self.usual, bool):
            return bool(value)
        if isinstance(self.usual, str):
            return str(value or "").strip()
        if value is None:
            raise SettingsError(f"'{self.label}' is empty. Give a number{self._span()}.")
        whole = isinstance(self.usual, int)
        if whole and float(value) != int(value):
            raise SettingsError(f"'{self.label}' is {value}. Give a whole number{self._span()}.")
        return int(value) if whole else float(value)

    def _span(self) -> str:
        return "" if self.low is None or self.high is None else f" from {self.low:g} to {self.high:g}"


def all_settings() -> dict[str, Setting]:
    """Every setting of a run, by dotted name, in the order of the dataclasses."""
    found = {}
    for name, usual, f in flatten_settings(TrainingConfig()):
        say = f.metadata.get
        found[name] = Setting(name, usual, say("help", ""), say("min"), say("max"), tuple(say("choices", ())))
    return found


def build_settings(paths: bool) -> dict[str, Component]:
    """The fields of all settings that have none elsewhere, by dotted name, in an accordion per group.

    `paths` says whether settings that are text, folders of the server above all, may be set. Call inside gr.Blocks.
    """
    groups: dict[str, list[Setting]] = {}
    for setting in all_settings().values():
        text = isinstance(setting.usual, str) and not setting.choices
        if setting.name not in ELSEWHERE and (paths or not text):
            groups.setdefault(setting.name.rpartition(".")[0], []).append(setting)
    built: dict[str, Component] = {}
    for group, found in groups.items():
        with gr.Accordion(heading(group), open=False, elem_classes="tr-group"):
            built |= {setting.name: component(setting) for setting in found}
    return built


def heading(group: str) -> str:
    """What a group of settings is called."""
    about = {f.name: f.metadata.get("help", f.name) for f in fields(TrainingConfig)}
    return GROUPS.get(group) or about.get(group, group).capitalize()


def component(setting: Setting) -> Component:
    """A checkbox, a choice, a slider, a number or a line of text, as the setting's type and range ask for."""
    words: dict[str, Any] = {
        "value": setting.usual,
        "label": setting.label,
        "info": sentence(setting.help),
        "elem_id": f"tr-set-{setting.name.replace('.', '-')}",
    }
    if isinstance(setting.usual, bool):
        return gr.Checkbox(**words)
    if setting.choices:
        return gr.Dropdown(list(setting.choices), **words)
    if isinstance(setting.usual, str):
        return gr.Textbox(**words, max_lines=1)
    span: dict[str, Any] = {"minimum": setting.low, "maximum": setting.high}
    step = slider_step(setting)
    if step is None:
        return gr.Number(**words, **span, precision=0 if isinstance(setting.usual, int) else None)
    return gr.Slider(**words, **span, step=step)


def slider_step(setting: Setting) -> float | None:
    """How far one position of a slider moves; None where a number typed in serves better."""
    low, high, usual = setting.low, setting.high, setting.usual
    if low is None or high is None or high <= low:
        return None
    if isinstance(usual, int):
        return 1 if high - low <= SLIDER_STEPS else None
    step = 10.0 ** (math.ceil(math.log10(high - low)) - 3)
    fits = math.isclose(usual / step, round(usual / step), abs_tol=1e-6) and usual - low >= 0
    return step if fits and (low == 0 or low >= step) else None


def sentence(help: str) -> str:
    """A help text, beginning with a capital."""
    return help[:1].upper() + help[1:]


def parse_all(names: list[str], values: list[Any]) -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of what the page sent. Raises SettingsError."""
    known = all_settings()
    for name, value in zip(names, values, strict=True):
        yield name, known[name].parse(value)
