"""An ONNX model run by ONNX Runtime or by OpenVINO, on the CPU in float32."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from echogan.core.errors import SettingsError

Run = Callable[[np.ndarray], np.ndarray]


@lru_cache(maxsize=8)
def onnxruntime_runner(model: bytes, frames: int, threads: int) -> Callable[[Tensor], Tensor]:
    """The model on ONNX Runtime, called as the generator is; a still may come as one frame. Raises SettingsError."""
    ort: Any = import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # A thread that waits for work would spin, and take the core from the other stages of a result.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _refused("onnxruntime", error) from error
    name = session.get_inputs()[0].name

    def run(seen: np.ndarray) -> np.ndarray:
        # One frame at a time: what is computed for it stays in the core's cache, which takes a tenth less time.
        return np.concatenate([session.run(None, {name: one[None]})[0] for one in seen])

    return _on_tensors(run, frames)


@lru_cache(maxsize=8)
def openvino_runner(model: bytes, frames: int, threads: int) -> Callable[[Tensor], Tensor]:
    """The model on OpenVINO, called as the generator is; a still may come as one frame. Raises SettingsError."""
    openvino: Any = import_module("openvino")
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    try:
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
    except Exception as error:
        raise _refused("OpenVINO", error) from error
    # A request for each call: two stages of a result may ask at once.
    return _on_tensors(lambda seen: compiled.create_infer_request().infer({0: seen})[0], frames)


def _on_tensors(run: Run, frames: int) -> Callable[[Tensor], Tensor]:
    def translate(seen: Tensor) -> Tensor:
        shown = seen.expand(-1, frames, -1, -1) if seen.shape[1] == 1 else seen
        return torch.from_numpy(run(np.ascontiguousarray(shown.numpy(), np.float32)))

    return translate


def _refused(runtime: str, error: Exception) -> SettingsError:
    return SettingsError(
        f"{runtime} cannot read the exported network ({type(error).__name__}). Empty the cache folder of echogan, or "
        "choose the backend torch."
    )
