"""The player: one component whose scripts and calls reach the page, and the promises of its static files."""

import re
from pathlib import Path

import gradio as gr
import pytest

from echogan.trust.map_styles import MAP_STYLES
from echogan.ui.player import player
from echogan.ui.player.player import build_player, scripts

STATIC = sorted(path for path in player.HERE.iterdir() if path.suffix in (".html", ".css", ".js"))


def test_its_calls_can_be_made_and_nothing_else():
    def poll(data):
        return {}

    built = build_player("player", [poll])
    config = built.get_config()
    assert config["server_fns"] == ["poll"]
    assert built.elem_id == "player"


def test_what_is_built_inside_it_is_its_child():
    with gr.Blocks(), build_player("player", []) as built:
        dropdown = gr.Dropdown(["a"])
    above = [parent := dropdown.parent]
    while parent is not None and (parent := parent.parent) is not None:
        above.append(parent)
    assert built in above


def test_every_script_is_there_once():
    text = scripts()
    for path in player.HERE.glob("*.js"):
        assert text.count(path.read_text(encoding="utf-8")) == 1


def test_the_template_has_nothing_that_gradio_would_evaluate():
    template = (player.HERE / "player.html").read_text(encoding="utf-8")
    assert not re.search(r"\$\{|\{\{|`|\\", template)
    assert template.count("@children") == 1


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_no_static_file_names_another_machine(path: Path):
    addresses = re.findall(r"https?://[^\s\"')]+", path.read_text(encoding="utf-8"))
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_no_static_file_has_a_word_of_a_map(path: Path):
    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8")).lower()  # comments may explain
    for style in MAP_STYLES.values():
        assert style.label.lower() not in text
        assert style.title not in text
