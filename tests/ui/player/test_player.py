"""The player's value: what reaches the page, and the promises of its static files."""

import re
from pathlib import Path

import pytest

from echogan.core.geometry import Fan
from echogan.trust.map_styles import MAP_STYLES
from echogan.ui.player import player
from echogan.ui.player.player import CurveView, Download, MapView, PlayerValue, as_json, build_player

STATIC = sorted(Path(player.__file__).parent.glob("*.*s*")) + sorted(
    Path(player.__file__).parent.glob("*.html")
)


@pytest.fixture
def value(tmp_path) -> PlayerValue:
    for name in ("still.png", "a.webm", "b.webm", "map.webm", "enhanced.mp4"):
        (tmp_path / name).write_bytes(b"x" * 1_234_567)
    return PlayerValue(
        mode="result",
        still=tmp_path / "still.png",
        frames=3,
        width=320,
        height=240,
        fps=30.0,
        sector_note="Sector found.",
        unsure=False,
        fan=Fan((160.0, 10.0), -38.0, 40.0, 5.0, 220.0),
        media={"original": tmp_path / "a.webm", "enhanced": tmp_path / "b.webm"},
        maps=[
            MapView(
                tmp_path / "map.webm",
                "Difference",
                "Enhanced",
                "Where it changed",
                "grey levels",
                -64,
                64,
                ["#0000ff", "#ff0000"],
            )
        ],
        curves=[CurveView("Difference", [1.0, 2.0, 3.00049], "#6cb8bd")],
        badge=[("Hash", "0123456789ab", "0123456789ab" * 5)],
        downloads=[Download(tmp_path / "enhanced.mp4", "MP4", "video")],
    )


def test_every_file_is_one_that_gradio_turns_into_a_link(value):
    shown = as_json(value)
    files = [
        shown["still"],
        *shown["media"].values(),
        shown["maps"][0]["file"],
        shown["downloads"][0]["file"],
    ]
    assert all(f["meta"] == {"_type": "gradio.FileData"} for f in files)
    assert {Path(f["path"]).name for f in files} == {
        "still.png",
        "a.webm",
        "b.webm",
        "map.webm",
        "enhanced.mp4",
    }


def test_numbers_reach_the_page_unchanged(value):
    shown = as_json(value)
    assert shown["sector"]["fan"] == [160.0, 10.0, -38.0, 40.0, 5.0, 220.0, 1.0]
    (curve,) = shown["curves"]
    assert curve == {"label": "Difference", "values": [1.0, 2.0, 3.0], "color": "#6cb8bd", "dashed": False}
    assert (shown["maps"][0]["min"], shown["maps"][0]["max"]) == (-64, 64)
    assert shown["downloads"][0]["size"] == "1.2 MB"


def test_gradio_passes_the_value_on_as_it_is(value):
    built = build_player("player")
    assert built.value is None
    assert built.postprocess(as_json(value)) == as_json(value)  # type: ignore[arg-type]


def test_the_template_has_nothing_that_gradio_would_evaluate():
    template = (player.HERE / "player.html").read_text()
    assert not re.search(r"\$\{|\{\{|`|\\|@children", template)


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_no_static_file_names_another_machine(path):
    addresses = re.findall(r"https?://[^\s\"')]+", path.read_text())
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_no_static_file_has_a_word_or_a_colour_of_a_map(path):
    text = path.read_text().lower()
    for style in MAP_STYLES.values():
        assert style.label.lower() not in text
        assert style.title not in text
    # The colour of a curve may be the page's accent by chance; the classes that chose it by number are gone.
    assert "eg-line-0" not in text


def test_the_player_offers_the_sector_event():
    assert callable(build_player("player").sector)
