"""Memory that was freed goes back to the system."""

import subprocess
import sys

import pytest

# Blocks below glibc's threshold for maps of their own, with one kept at the end of the heap.
SCRIPT = """
import os
import numpy as np
from echogan.ui.free_memory import give_memory_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

blocks = [np.ones(8_000) for _ in range(4_000)]
last = blocks[-1]
full = resident()
del blocks
give_memory_back()
print(full - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is asked")
def test_what_was_freed_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 200e6
