"""`python -m eval`: its parts exist, run with their own arguments, and do not start by asking for help."""

import importlib
import importlib.util

import pytest

from eval import __main__ as parts
from eval.paths import ROOT


def test_arguments_are_refused_and_nothing_runs(monkeypatch):
    monkeypatch.setattr(parts.subprocess, "run", pytest.fail)
    monkeypatch.setattr(parts.sys, "argv", ["eval", "--help"])
    with pytest.raises(SystemExit, match="takes one of ablations"):
        parts.main()


def test_a_part_runs_with_its_own_arguments(monkeypatch):
    ran = []
    monkeypatch.setattr(
        parts.runpy, "run_module", lambda name, **how: ran.append((name, list(parts.sys.argv)))
    )
    monkeypatch.setattr(parts.subprocess, "run", pytest.fail)
    monkeypatch.setattr(parts.sys, "argv", ["eval", "segmentation", "--quick"])
    parts.main()
    assert ran == [("eval.camus.segmentation", ["eval", "--quick"])]


def test_without_arguments_each_part_runs_in_a_process_of_its_own(monkeypatch):
    started = []
    monkeypatch.setattr(parts.subprocess, "run", lambda command, check: started.append(command[2:]))
    monkeypatch.setattr(parts.sys, "argv", ["eval"])
    parts.main()
    assert [command[0] for command in started] == ["eval"] * len(parts.ALL)
    assert {command[1] for command in started} <= parts.PARTS.keys()
    assert started[-1][1] == "tables"  # of the results made before it


@pytest.mark.parametrize("module", parts.PARTS.values())
def test_each_part_is_a_module(module):
    assert importlib.util.find_spec(module) is not None


def test_each_module_that_can_be_run_is_a_part():
    runnable = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "eval").glob("**/*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert runnable - {"eval.__main__"} == set(parts.PARTS.values())
