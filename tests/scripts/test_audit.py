"""The audit fails for a hole that has a mend, and never because the internet is away."""

import importlib.util
import io
import runpy
import subprocess
import urllib.request
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "audit.py"


@pytest.fixture
def audit(monkeypatch):
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "reachable", lambda: True)
    return module


@pytest.mark.parametrize(
    "answer", ["", "no JSON", '{"dependencies": [{"name": "av", "skip_reason": "not found"}]}', None]
)
def test_where_nobody_can_be_asked_that_is_said(audit, answer, monkeypatch, capsys):
    def run(*_, **__):
        if answer is None:
            raise subprocess.TimeoutExpired("pip-audit", 1)
        return subprocess.CompletedProcess([], 1, answer, "")

    monkeypatch.setattr(audit.subprocess, "run", run)
    with pytest.raises(SystemExit) as ended:
        audit.main()
    assert ended.value.code == 0
    assert "not checked" in capsys.readouterr().out


def test_a_hole_with_a_mend_fails_and_one_without_is_only_said(audit, capsys):
    hole = {"id": "CVE-2026-1", "fix_versions": []}
    assert (
        audit.judged([{"name": "a", "version": "1", "vulns": [hole]}, {"name": "b", "skip_reason": "x"}]) == 0
    )
    assert "a 1 has CVE-2026-1; mended in: no version yet" in capsys.readouterr().out
    mended = hole | {"fix_versions": ["1.1"]}
    assert audit.judged([{"name": "a", "version": "1", "vulns": [mended]}]) == 1
    assert "mended in: 1.1" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [b"", b"<html>log in", b"[]", OSError("no route"), TimeoutError()])
def test_a_list_that_does_not_answer_is_not_waited_for(answer, monkeypatch, capsys):
    module = runpy.run_path(str(SCRIPT))

    def ask(*_, **__):
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    def never(*_, **__):
        raise AssertionError("pip-audit was started")

    monkeypatch.setattr(urllib.request, "urlopen", ask)
    monkeypatch.setattr(subprocess, "run", never)
    with pytest.raises(SystemExit) as ended:
        module["main"]()
    assert ended.value.code == 0
    assert "not checked" in capsys.readouterr().out
