"""An incomplete result does not replace a full one, and a user's mistake is one sentence."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from echogan.core.errors import EchoGANError
from eval import command
from eval.camus import frozen_segmenter, splits
from eval.command import begin, changed, write


@dataclass(frozen=True)
class SomeSettings:
    """SomeSettings of a measurement."""

    clips: int = 200
    rows: tuple[str, ...] = ("a",)
    data: Path = Path("data")


FULL = {"rows": {"input": 1.0, "reference": 2.0}}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A result in the project's folder of results."""
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    path = tmp_path / "quality.json"
    assert write(FULL, path, SomeSettings(), rows)
    return path


def rows(result):
    return result["rows"]


def test_a_result_that_lacks_rows_does_not_replace_a_fuller_one(kept, capsys):
    assert not write({"rows": {"input": 3.0}}, kept, SomeSettings(), rows)
    assert json.loads(kept.read_text()) == FULL
    assert "lacks reference" in capsys.readouterr().out
    assert write({"rows": {"input": 3.0}}, kept.parent / "elsewhere" / "q.json", SomeSettings(), rows)


def test_a_short_run_does_not_replace_a_full_result(kept, capsys):
    new = {"rows": {"input": 3.0, "reference": 4.0}}
    assert not write(new, kept, SomeSettings(clips=2), rows)
    assert "other settings (clips): give --out" in capsys.readouterr().out
    assert write(new, kept, SomeSettings(clips=2), rows, but=("clips",))
    assert write(FULL, kept, SomeSettings(data=Path("other")), rows)
    assert json.loads(kept.read_text()) == FULL


def test_nan_is_not_written(kept):
    with pytest.raises(ValueError, match="JSON"):
        write({"rows": {"input": float("nan"), "reference": 1.0}}, kept, SomeSettings(), rows)
    assert json.loads(kept.read_text()) == FULL


def test_changed_settings_are_listed():
    assert changed(SomeSettings(clips=3, rows=("b",), data=Path("x"))) == ["clips", "rows"]


def test_a_mistake_is_one_sentence_and_exit_code_2(monkeypatch, capsys):
    def main(settings):
        raise EchoGANError("There is nothing to measure.")

    monkeypatch.setattr(sys, "argv", ["eval.nothing"])
    with pytest.raises(SystemExit) as leaving:
        begin(main, SomeSettings)
    assert leaving.value.code == 2
    assert capsys.readouterr().err == "There is nothing to measure.\n"


@pytest.mark.parametrize(
    ("main", "settings"),
    [(splits.main, splits.SplitsSettings), (frozen_segmenter.main, frozen_segmenter.FrozenSegmenterCommand)],
)
def test_without_camus_it_says_so(main, settings, tmp_path):
    with pytest.raises(EchoGANError, match="--data"):
        main(settings(data=tmp_path))
