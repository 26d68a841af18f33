"""ZeroGPU Spaces lend a GPU to functions marked @spaces.GPU, each call in a process of its own.

The rules of the package `spaces`: what the function is given and what it yields is sent between processes; of an error
only the kind comes back; in the main process CUDA is never asked for in a thread, and weights that were moved to it
before the launch are in every process that has the GPU.
"""

from __future__ import annotations

import copy
import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from typing import Any, Literal, TypeVar

from torch import nn

from echogan.core.errors import Cancelled, EchoGANError
from echogan.model.checkpoints.checkpoint import Checkpoint, read_checkpoint
from echogan.ui.error_words import log_place

T = TypeVar("T")
Tell = Callable[[tuple[Any, ...]], None]
Work = Callable[[Tell, threading.Event], T]
Step = tuple[Literal["told", "failed", "result"], Any]

ZERO_GPU = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
START_SECONDS, FRAMES_PER_SECOND, MOST_SECONDS = 20, 8, 120  # of the GPU, as they are asked for
_moved: dict[str, tuple[nn.Module, nn.Module]] = {}


class NoGpu(EchoGANError):
    """The Space gave no GPU: its or the visitor's minutes are used up, or all are busy."""


def _gpu(function: Callable[..., Generator[Step, None, None]]) -> Callable[..., Generator[Step, None, None]]:
    """Mark a function with @spaces.GPU where this is a ZeroGPU Space."""
    return import_module("spaces").GPU(duration=_seconds)(function) if ZERO_GPU else function


def _seconds(work: Work[Any], frames: int) -> int:
    """For how long the GPU is asked."""
    return min(MOST_SECONDS, START_SECONDS + frames // FRAMES_PER_SECOND)


def own_device() -> Literal["cpu", "auto"]:
    """The device of an `Enhancer` that this process itself uses."""
    return "cpu" if ZERO_GPU else "auto"


def move_weights(checkpoints: Iterable[Checkpoint]) -> None:
    """Move weights to the GPU ahead of all visitors. Call in the main thread, before the launch."""
    for checkpoint in checkpoints if ZERO_GPU else ():
        nets = (copy.deepcopy(net).to("cuda") for net in (checkpoint.to_high, checkpoint.to_low))
        _moved[checkpoint.sha256] = (next(nets), next(nets))


def with_weights(facts: Checkpoint) -> Checkpoint:
    """In the process that has the GPU: a checkpoint that came without its weights. Raises CheckpointError."""
    if facts.sha256 in _moved:
        to_high, to_low = _moved[facts.sha256]
        return replace(facts, to_high=to_high, to_low=to_low)
    assert facts.folder is not None, "every checkpoint was read from a folder"
    return read_checkpoint(facts.folder, source=facts.source, revision=facts.revision, notes=facts.notes)


def on_gpu(work: Work[T], frames: int, tell: Tell, cancel: threading.Event) -> T:
    """What `work` returns, in the process that has the GPU; what it tells there is told here.

    `work` and its result must be such as can be sent. Raises what `tell` and `work` raise, NoGpu, and Cancelled once
    `cancel` is set.
    """
    found: list[T] = []
    try:
        with closing(_steps(work, frames)) as steps:
            for kind, value in steps:
                if cancel.is_set():
                    raise Cancelled("Stopped; nothing was written.")
                if kind == "told":
                    tell(value)
                elif kind == "failed":
                    raise value
                else:
                    found.append(value)
    except import_module("gradio").Error as refusal:
        raise NoGpu(f"The Space has no GPU for this clip now: {refusal.message}") from None
    return found[0]


@_gpu
def _steps(work: Work[Any], frames: int) -> Generator[Step, None, None]:
    """Do the work, in a thread; yield what it tells, then its result or its error."""
    steps: queue.SimpleQueue[Step] = queue.SimpleQueue()
    cancel = threading.Event()

    def run() -> None:
        try:
            steps.put(("result", work(lambda told: steps.put(("told", told)), cancel)))
        except EchoGANError as error:
            steps.put(("failed", error))
        except Exception as error:  # `spaces` would print what it says, which may be a patient's
            log_place(error)
            steps.put(("failed", RuntimeError("a fault in the process that has the GPU")))

    thread = threading.Thread(target=run, name="on the GPU")
    thread.start()
    try:
        kind = "told"
        while kind == "told":
            kind, value = steps.get()
            yield kind, value
    finally:
        cancel.set()
        thread.join()
