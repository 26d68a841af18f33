"""A generator as an ONNX model: exported once and kept in a cache folder, by the hash of its weights."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from echogan.core.atomic import write_whole
from echogan.core.errors import OutputError, SettingsError
from echogan.core.kept_folders import DATA, kept_folder

OPSET = 17
FORMAT = "1"  # raise it when the same weights shall be exported anew
EXPORT_SIDE = 256  # pixels of the frame that is traced: a multiple of what every kind of generator needs
INPUT, OUTPUT = "seen", "translated"
_exporting = threading.Lock()  # the exporter keeps its state in globals


def cache_folder() -> Path:
    """Where exported models are kept: ECHOGAN_CACHE, else `onnx` in ECHOGAN_DATA, else in the user's cache folder."""
    if os.environ.get("ECHOGAN_CACHE") or os.environ.get(DATA):
        return kept_folder("onnx", "ECHOGAN_CACHE")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "echogan")


@lru_cache(maxsize=8)
def onnx_of(network: nn.Module, frames: int, sha256: str | None, which: str) -> bytes:
    """The ONNX model of a generator that sees `frames` frames; n, h and w of its input are free.

    sha256, which   of the checkpoint's weights, and which of its generators: the name in the cache folder. None
                    for a generator that was built in memory, which is kept in memory alone.

    Where the folder cannot be written, it is exported again by the next process. Raises SettingsError where the
    network cannot be exported.
    """
    if sha256 is None:
        return export(network, frames)
    version = hashlib.sha256(f"{FORMAT} {OPSET} {torch.__version__} {sha256} {which}".encode()).hexdigest()
    path = cache_folder() / f"{which}-{version[:32]}.onnx"
    with suppress(OSError):
        return path.read_bytes()
    model = export(network, frames)
    with suppress(OutputError):
        write_whole(path, model)
    return model


def export(network: nn.Module, frames: int) -> bytes:
    """The network as an ONNX model, from `INPUT` float32 (n, frames, h, w) to `OUTPUT` (n, 1, h, w).

    Raises SettingsError.
    """
    free = {0: "n", 2: "h", 3: "w"}
    example = torch.zeros(1, frames, EXPORT_SIDE, EXPORT_SIDE)
    file: Any = io.BytesIO()  # the types of torch know the newer exporter alone, which takes paths
    try:
        # Torch's newer exporter gives the same model in twenty times the time, and needs onnxscript.
        with _exporting, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (example,),
                file,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: free, OUTPUT: free},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:
        raise SettingsError(
            f"The network cannot be exported to ONNX ({type(error).__name__}). Choose the backend torch."
        ) from error
    return file.getvalue()
