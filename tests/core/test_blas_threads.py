"""The programs give OpenBLAS one thread before numpy is loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from echogan.core.blas_threads import ONE_BLAS_THREAD

ROOT = Path(__file__).resolve().parents[2]
ASKED = """
import runpy, sys
from echogan.core import blas_threads
class Asked:
    def __iter__(self):
        print("numpy loaded:", "numpy" in sys.modules)
        sys.exit()
blas_threads.ONE_BLAS_THREAD = Asked()
sys.argv = ["program"]
runpy.run_path(PROGRAM, run_name="__main__")
"""


@pytest.mark.parametrize("program", ["app.py", "echogan/__main__.py", "eval/__main__.py"])
def test_each_program_asks_before_numpy_is_loaded(program):
    code = ASKED.replace("PROGRAM", repr(str(ROOT / program)))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "numpy loaded: False\n"


def test_openblas_reads_that_variable():
    code = (
        f"import os; os.environ.setdefault(*{ONE_BLAS_THREAD})\n"
        "import threadpoolctl, numpy\n"
        "print([one['num_threads'] for one in threadpoolctl.threadpool_info() if one['user_api'] == 'blas'])"
    )
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) <= {1}  # none where numpy has another BLAS
