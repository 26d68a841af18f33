"""Thirty readers rate at once and the server is killed meanwhile: no acknowledged rating is lost, none is doubled.

The long run that docs/study.md reports: ECHOGAN_LOAD_SECONDS=120 ECHOGAN_LOAD_KILLS=5, which takes two minutes.
"""

import os
import sys
from pathlib import Path

import pytest
from reading_load import run_load

SUPPORT = str(Path(__file__).parents[1] / "support")


def test_no_rating_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((SUPPORT, *sys.path)))
    seconds = float(os.environ.get("ECHOGAN_LOAD_SECONDS", "12"))
    kills = int(os.environ.get("ECHOGAN_LOAD_KILLS", "1"))
    found = run_load(tmp_path, seconds=seconds, kills=kills, think=0.5)
    print(found.to_json())
    assert found.wrong == []
    assert found.lost == 0
    assert found.doubled == 0
    assert found.acknowledged >= 30
    # What the server committed just before it was killed, and could not acknowledge any more.
    assert 0 <= found.stored - found.acknowledged <= 30 * (kills + 1)
