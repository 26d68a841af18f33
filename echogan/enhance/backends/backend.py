"""Which backend runs the generators of a checkpoint, and the generators as it runs them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor, nn

from echogan.core.errors import SettingsError
from echogan.enhance.backends.onnx_file import onnx_of
from echogan.enhance.backends.onnx_runners import onnxruntime_runner, openvino_runner
from echogan.enhance.device import pick_device
from echogan.model.checkpoints.checkpoint import GENERATORS, Checkpoint

Backend = Literal["torch", "onnx", "openvino"]
Translate = Callable[[Tensor], Tensor]
"""Frames float32 (n, frames, h, w) in [-1, 1] to (n, 1, h, w), not clamped; h and w are multiples of what the
generator needs."""

NEEDED: dict[Backend, tuple[str, ...]] = {
    "torch": (),
    "onnx": ("onnx", "onnxruntime"),
    "openvino": ("onnx", "openvino"),
}
PREFERRED: tuple[Backend, ...] = ("onnx", "openvino")
"""On the CPU, quickest first, as `eval speed` measures them. The order is fixed: the choice of a timed trial would
change with the load of the machine, and the last bits of a result with it."""


def place(device: str, backend: str, checkpoint: Checkpoint) -> tuple[torch.device, Backend]:
    """The device and the backend that run a checkpoint's generators, given the names of EnhanceSettings.

    "auto" takes torch for generators that were built in memory: they would be exported anew each time. Raises
    SettingsError for a backend whose libraries are not installed, or a device that it cannot use.
    """
    if backend not in ("auto", *NEEDED):
        raise SettingsError(f"There is no backend '{backend}'. Choose auto, torch, onnx or openvino.")
    chosen: Backend | None = next((name for name in NEEDED if name == backend), None)
    if chosen in PREFERRED:
        if missing := _missing(chosen):
            raise SettingsError(
                f"The backend {chosen} needs {' and '.join(missing)}: pip install {' '.join(missing)}, or choose "
                "the backend torch."
            )
        if device not in ("auto", "cpu"):
            raise SettingsError(
                f"The backend {chosen} computes on the CPU. Choose the device cpu, or the backend torch."
            )
        return torch.device("cpu"), chosen
    where = pick_device(device)
    if chosen is None and where.type == "cpu" and checkpoint.folder is not None:
        chosen = next((name for name in PREFERRED if not _missing(name)), None)
    return where, chosen or "torch"


def translators(
    checkpoint: Checkpoint, device: torch.device, backend: Backend
) -> tuple[Translate, Translate]:
    """`to_high` and `to_low` as the backend runs them. Raises SettingsError where it cannot.

    With torch they are the checkpoint's modules; on another device than the CPU copies of them, because the
    checkpoint stays on the CPU for whoever shares it.
    """
    networks = checkpoint.to_high, checkpoint.to_low
    if backend == "torch":
        to_high, to_low = (_on(device, network) for network in networks)
        return to_high, to_low
    run = onnxruntime_runner if backend == "onnx" else openvino_runner
    seen = (checkpoint.config.generator.frames, 1)
    # Two stages of a result run at once, each in a thread of its own: both together have the cores.
    threads = max(1, torch.get_num_threads() // 2)
    models = (
        onnx_of(network, frames, checkpoint.sha256 if checkpoint.folder is not None else None, which)
        for network, frames, which in zip(networks, seen, GENERATORS, strict=True)
    )
    to_high, to_low = (run(model, frames, threads) for model, frames in zip(models, seen, strict=True))
    return to_high, to_low


def _on(device: torch.device, network: nn.Module) -> nn.Module:
    return network if device.type == "cpu" else copy.deepcopy(network).to(device)


def _missing(backend: Backend) -> list[str]:
    return [library for library in NEEDED[backend] if find_spec(library) is None]
