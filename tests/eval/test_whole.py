"""`python -m eval` measures for an hour: nobody should start it by asking for help."""

import pytest

from eval import __main__ as whole


def test_arguments_are_refused_and_nothing_runs(monkeypatch):
    monkeypatch.setattr(whole.subprocess, "run", pytest.fail)
    monkeypatch.setattr(whole.sys, "argv", ["eval", "--help"])
    with pytest.raises(SystemExit, match="takes the name of a part"):
        whole.main()


def test_a_part_runs_with_its_own_arguments(monkeypatch):
    ran = []
    monkeypatch.setattr(
        whole.runpy, "run_module", lambda name, **how: ran.append((name, list(whole.sys.argv)))
    )
    monkeypatch.setattr(whole.sys, "argv", ["eval", "haze", "--quick"])
    whole.main()
    assert ran == [("eval.haze", ["eval", "--quick"])]


def test_each_step_is_a_module(monkeypatch):
    started = []
    monkeypatch.setattr(whole.subprocess, "run", lambda command, check: started.append(command[2]))
    monkeypatch.setattr(whole.sys, "argv", ["eval"])
    whole.main()
    assert {"eval.image_quality", "eval.tables"} <= set(started)
    for name in started:
        __import__(name)


def test_a_part_is_started_by_its_name_with_its_own_arguments(monkeypatch):
    started = []
    monkeypatch.setattr(
        whole.runpy, "run_module", lambda name, **options: started.append((name, whole.sys.argv[1:]))
    )
    monkeypatch.setattr(whole.subprocess, "run", pytest.fail)
    monkeypatch.setattr(whole.sys, "argv", ["eval", "segmentation", "--quick"])
    whole.main()
    assert started == [("eval.segmentation", ["--quick"])]
