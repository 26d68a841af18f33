"""A workplace that many tests of the Enhance tab use, and a visitor of it."""

import pytest
from small_workplace import small_workplace

from echogan.ui.enhance.clip_entry import Visit


@pytest.fixture
def place(tmp_path, monkeypatch):
    with small_workplace(tmp_path / "gradio", monkeypatch) as place:
        yield place


@pytest.fixture
def ann(place) -> Visit:
    return place.visits.arrive(None, "ann's page")[0]
