"""Give memory that the process no longer uses back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_memory_back() -> None:
    """Ask the allocator to: glibc keeps what the threads of many visitors freed. Elsewhere nothing is done."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
