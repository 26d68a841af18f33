"""Whoever prints an exception, a warning or a line of a library: its message stays out, its place is told."""

import subprocess
import sys

import pytest

SETUP = """
import logging, sys, threading, warnings
from gradio import queueing
from echogan.ui.server_log import leave_messages_out
leave_messages_out()
"""
RAISED = {
    "thread": "t = threading.Thread(target=lambda: int('Planted')); t.start(); t.join()",
    "gradio": "try: int('Planted')\nexcept ValueError: queueing.traceback.print_exc()",
    "library": "try: int('Planted')\nexcept ValueError: logging.getLogger('uvicorn.error').exception('on Planted')",
    "our own": "try: int('Planted')\nexcept ValueError: logging.getLogger('echogan').exception('A fault')",
    "destructor": "class A:\n  def __del__(self): int('Planted')\na = A(); del a",
}
SAID = {
    "warning": ("warnings.warn('Planted')", "UserWarning at <string>"),
    "line": ("logging.getLogger('uvicorn').warning('%s', 'Planted')", "uvicorn at <string>"),
    "a line of ours": ("logging.getLogger('echogan').warning('%d frames', 3)", "3 frames"),
}


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What one process prints at each of these."""
    codes = RAISED | {name: code for name, (code, _) in SAID.items()}
    parts = (f"print('== {name}', file=sys.stderr)\n{code}\n" for name, code in codes.items())
    ran = subprocess.run(
        [sys.executable, "-c", SETUP + "".join(parts)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert ran.stdout == ""
    found = (part.partition("\n") for part in ran.stderr.split("== ")[1:])
    return {name: told for name, _, told in found}


@pytest.mark.parametrize("who", RAISED)
def test_an_exception_is_told_by_its_kind_and_place(printed, who):
    assert "Planted" not in printed[who].replace("int('Planted')", "")
    assert "ValueError at" in printed[who]
    assert 'File "<string>"' in printed[who]


@pytest.mark.parametrize("who", SAID)
def test_a_line_is_told_by_its_place_unless_it_is_ours(printed, who):
    assert "Planted" not in printed[who]
    assert SAID[who][1] in printed[who]
