"""Where the generators run, and in which precision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from echogan.core.errors import SettingsError


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is CUDA where there, else Apple's MPS, else the CPU. Raises SettingsError."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, present in there.items() if present)
    if name not in there:
        raise SettingsError(f"There is no device '{name}'. Choose auto, cpu, cuda or mps.")
    if not there[name]:
        raise SettingsError(f"The device {name} is not available on this machine. Choose auto or cpu.")
    return torch.device(name)


@contextlib.contextmanager
def precision(device: torch.device) -> Iterator[None]:
    """bf16 on CUDA, with cuDNN held to its deterministic algorithms; float32 elsewhere."""
    if device.type != "cuda":
        yield
        return
    cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with cudnn, torch.autocast("cuda", dtype=torch.bfloat16):
        yield
