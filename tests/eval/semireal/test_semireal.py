"""The measurement from stills to JSON on drawn hearts: what is counted, and that nothing is written without CAMUS."""

import json

import numpy as np
import pytest
from drawn_heart import heart

from eval.semireal import semireal
from eval.semireal.semireal import SemirealSettings, drawn, first_that_fits
from eval.simulated.lesion_cases import make_case


def test_without_camus_it_says_so_and_writes_nothing(tmp_path, capsys):
    semireal.main(SemirealSettings(data=tmp_path, out=tmp_path / "out.json", sheet=tmp_path))
    assert "No CAMUS" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_heart_without_room_for_a_kind_gets_the_next():
    still = heart(left_atrium=False)
    clip = first_that_fits(still, "2CH", 2, seed=1)  # a vegetation's turn, which needs an atrium
    assert clip is not None
    assert clip.facts["kind"] == "thrombus"


def test_a_result_counts_kinds_and_names_every_method(tmp_path, monkeypatch):
    (tmp_path / "index.csv").touch()
    hearts = [heart(seed=seed) for seed in range(8)]
    monkeypatch.setattr(
        semireal,
        "held_out_stills",
        lambda data, view, grade, most: hearts if (view, grade) == ("4CH", "Good") else [],
    )
    out = tmp_path / "out.json"
    semireal.main(
        SemirealSettings(
            model=("echogan",), oracle=None, data=tmp_path, out=out, sheet=tmp_path / "sheets" / "sheet.png"
        )
    )
    result = json.loads(out.read_text())
    assert list(result["rows"]) == ["input", "echogan", "non-local means"]
    untouched = result["rows"]["input"]
    assert untouched["erased"]["count"] == untouched["invented"]["count"] == 0
    assert sum(kind["clips"] for kind in result["drawn"].values()) == 8
    assert result["flags"]["echogan"]["swapped"]["erased"]["amber"]["of"] == untouched["erased"]["of"]
    assert (tmp_path / "sheets" / "sheet.png").is_file()
    assert [one["name"] for one in result["models"]] == ["echogan"]


def test_visible_lesions_are_counted_with_their_patients():
    clips = [first_that_fits(heart(), "4CH", 1, seed) for seed in (1, 2)]
    assert clips[0] is not None
    assert clips[1] is not None
    case = make_case(clips[0])
    assert case is not None
    found = drawn([clips[0], clips[1]], [case])
    assert found == {"mass": {"clips": 2, "visible": 1, "patients": 1}}
    assert np.array_equal(case.clip.array("lesion"), clips[0].array("lesion"))


def test_no_visible_lesion_is_said(tmp_path, monkeypatch):
    (tmp_path / "index.csv").touch()
    monkeypatch.setattr(
        semireal, "semireal_clips", lambda data, most: iter([first_that_fits(heart(), "4CH", 1, 1)])
    )
    monkeypatch.setattr(semireal, "make_case", lambda clip: None)
    with pytest.raises(semireal.EchoGANError, match="give more --patients"):
        semireal.main(
            SemirealSettings(model=("echogan",), oracle=None, data=tmp_path, out=tmp_path / "o.json")
        )
