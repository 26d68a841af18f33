"""The machine and library versions that a speed was measured with."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from echogan.core.version import __version__


def machine_facts() -> dict:
    """Versions, processor and number of threads, as JSON."""
    return {
        "version": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
    }


def processor_name() -> str:
    """The name of the processor, where Linux gives it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
