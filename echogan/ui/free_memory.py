"""Give memory that the process no longer uses back to the system."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8  # malloc.h


def give_memory_back() -> None:
    """Ask the allocator to: glibc keeps what the threads of many visitors freed. Elsewhere nothing is done."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def share_arenas() -> None:
    """Let all threads share two heaps: glibc else gives each its own, which stays. Call before there are many."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
