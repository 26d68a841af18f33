"""The frontier has one point per run, with the Dice of selection patients, and a figure."""

import json

import pytest
from PIL import Image

from echogan.core.errors import EchoGANError
from eval import frontier
from eval.haze import haze

MEANS = {"gcnr": 0.8, "wall_db": 0.5, "structure": 0.95, "greatest_flicker": 1.0, "change": 5.0}


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A folder in place of the hazy clips, with given measures."""
    (tmp_path / "regions.json").write_text("{}")
    rows = {"input": {"found": MEANS | {"gcnr": 0.6}}, "net": {"found": MEANS}}
    monkeypatch.setattr(haze, "haze_methods", lambda settings: ({}, [{"name": "net", "sha256": "1" * 64}]))
    monkeypatch.setattr(frontier, "hazy_clips", lambda folder, quick: iter(()))
    monkeypatch.setattr(haze, "means", lambda clips: rows)
    return tmp_path


@pytest.fixture(autouse=True)
def gains(tmp_path, monkeypatch):
    """Given gains in Dice on the selection patients."""
    found = {"net": {grade: {"Dice": {"mean": gain}} for grade, gain in (("Poor", 1.2), ("Good", -0.1))}}
    monkeypatch.setattr(frontier, "CAMUS", tmp_path)
    monkeypatch.setattr(frontier, "measure_selection", lambda data, models: found)


def settings(folder, **more):
    return frontier.FrontierSettings(
        data=folder, out=folder / "points.json", figure=folder / "figure.png", **more
    )


def test_there_is_one_point_per_run(clips):
    frontier.main(settings(clips, add="net", recipe="first"))
    frontier.main(settings(clips, add="net", name="other", recipe="second"))
    frontier.main(settings(clips, add="net", recipe="third"))
    kept = json.loads((clips / "points.json").read_text())
    assert kept["input_gcnr"] == 0.6
    assert [(point["name"], point["recipe"]) for point in kept["points"]] == [
        ("other", "second"), ("net", "third"),
    ]  # fmt: skip
    assert kept["points"][1]["dice"] == {"Poor": None, "Good": None}
    assert kept["points"][1]["gcnr"] == 0.8


def test_dice_is_of_the_selection_patients_or_not_measured(clips):
    assert frontier.dice_gains("net", "net") == {"Poor": None, "Good": None}
    (clips / "index.csv").write_text("")
    assert frontier.dice_gains("net", "net") == {"Poor": 0.012, "Good": -0.001}


def test_the_figure_is_drawn_from_the_kept_points(clips):
    frontier.main(settings(clips, add="net"))
    first = Image.open(clips / "figure.png").tobytes()
    frontier.main(settings(clips))
    assert Image.open(clips / "figure.png").tobytes() == first
    frontier.main(settings(clips, add="net", name="other"))
    assert Image.open(clips / "figure.png").tobytes() != first


def test_nothing_to_draw_or_to_measure_is_an_error(tmp_path):
    with pytest.raises(EchoGANError, match="--add"):
        frontier.main(settings(tmp_path))
    with pytest.raises(EchoGANError, match="no hazy clips"):
        frontier.main(settings(tmp_path, add="echogan"))
