"""Means by grade and rank correlation: exact on planted values, and positive on real stills."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from eval.camus import grades


def test_rank_correlation_and_means_of_planted_values():
    rng = np.random.default_rng(0)
    grade = np.repeat([0, 1, 2], 20)
    patient = np.array([f"p{k // 2}" for k in range(60)])
    values = grade + rng.normal(size=60)
    row = grades.by_grade(values, grade, patient)
    assert row["rho"]["mean"] == pytest.approx(float(spearmanr(values, grade)[0]))
    assert row["rho"]["low"] < row["rho"]["mean"] < row["rho"]["high"]
    assert row["Good"]["mean"] == pytest.approx(values[40:].mean())
    assert row["Good"]["groups"] == 10


def test_real_borders_follow_the_grade(shared_data: Path, monkeypatch):
    monkeypatch.setattr(grades, "DRAWS", 20)
    found = grades.measure(shared_data / "camus2ch")
    assert found["stills"] == {"Poor": 94, "Medium": 304, "Good": 310}
    for name in ("border_contrast", "myocardium_sd", "lateral_correlation"):
        row = found["measures"][name]
        assert row["Good"]["mean"] > row["Medium"]["mean"] > row["Poor"]["mean"]
        assert row["rho"]["mean"] > 0.2


def test_without_camus_it_says_so(tmp_path, capsys):
    grades.main(grades.GradesSettings(two=tmp_path, four=tmp_path, out=tmp_path / "x.json"))
    assert "No CAMUS" in capsys.readouterr().out
    assert not (tmp_path / "x.json").exists()
