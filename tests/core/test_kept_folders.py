"""Where things are kept: a folder of its own, the common folder, or the current one."""

from pathlib import Path

from echogan.core.kept_folders import kept_folder, models_home
from echogan.enhance.backends.onnx_file import cache_folder
from echogan.jobs.runs import Runs
from echogan.ui.study.studies import Studies


def test_a_variable_of_its_own_comes_before_the_common_folder(monkeypatch, tmp_path):
    for name in ("ECHOGAN_DATA", "ECHOGAN_RUNS", "ECHOGAN_STUDIES", "ECHOGAN_CACHE"):
        monkeypatch.delenv(name, raising=False)
    assert kept_folder("runs", "ECHOGAN_RUNS") == Path("runs")
    assert (Runs().folder, Studies().folder) == (Path("runs"), Path("studies"))
    monkeypatch.setenv("ECHOGAN_DATA", str(tmp_path))
    assert (Runs().folder, Studies().folder) == (tmp_path / "runs", tmp_path / "studies")
    assert models_home() == str(tmp_path / "huggingface")
    assert cache_folder() == tmp_path / "onnx"
    monkeypatch.setenv("ECHOGAN_RUNS", str(tmp_path / "elsewhere"))
    assert Runs().folder == tmp_path / "elsewhere"
