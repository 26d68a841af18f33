"""A stand-in for the package `spaces` on a ZeroGPU Space: its rules, on a machine without a GPU.

Written after spaces 0.51: `torch.cuda.is_available()` is true from the import on. In the main process `.to("cuda")` is
taken in the main thread, before the launch, and leaves nothing that can be computed with (here: NaN); in any other
thread it is an error. A marked function runs in a forked process, where what was moved is there again; arguments and
yields are sent as pickles; of an error only the kind comes back; closing the generator stops the work at its next
yield. A launch without a marked function is an error. "CUDA" is the CPU.
"""

import inspect
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import wraps
from typing import Any

import gradio as gr
import torch

FORK = multiprocessing.get_context("fork")
marked: list[Callable[..., Any]] = []
moved: list[
    tuple[torch.Tensor, torch.Tensor]
] = []  # what computes nothing here, and what it is in the worker
state = {"worker": False, "launched": False}
_to, _launch = torch.Tensor.to, gr.Blocks.launch


def GPU(task: Any = None, *, duration: Any = None) -> Any:
    """Mark a generator function; `duration` is a number of seconds or a function of the arguments."""
    if task is None:
        return lambda task: GPU(task, duration=duration)
    assert inspect.isgeneratorfunction(task), "this stand-in knows generators only"

    @wraps(task)
    def call(*args: Any) -> Iterator[Any]:
        seconds = duration(*args) if callable(duration) else duration
        assert 0 < seconds <= 120, "ZeroGPU refuses longer ones"
        given, taken, stop = FORK.SimpleQueue(), FORK.SimpleQueue(), FORK.Event()
        process = FORK.Process(target=_serve, args=(task, given, taken, stop), daemon=True)
        process.start()
        given.put(args)
        try:
            while (found := taken.get())[0] == "yield":
                try:
                    yield found[1]
                except GeneratorExit:
                    stop.set()
                    while taken.get()[0] == "yield":
                        pass
                    raise
        finally:
            process.join()
        if found[0] == "error":
            raise gr.Error(found[1], title="ZeroGPU worker error")

    marked.append(call)
    return call


def _serve(task: Any, given: Any, taken: Any, stop: Any) -> None:
    """The process that has the GPU."""
    state["worker"] = True
    for here, there in moved:
        here.copy_(there)
    args = given.get()

    def iterate() -> None:
        try:
            generator = task(*args)
            for value in generator:
                if stop.is_set():
                    generator.close()
                    break
                taken.put(("yield", value))
        except Exception as error:
            taken.put(("error", type(error).__name__))
        taken.put(("end", None))

    thread = threading.Thread(target=iterate)
    thread.start()
    thread.join()


def _to_device(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    if not any(str(value).startswith("cuda") for value in (*args, *kwargs.values())):
        return _to(tensor, *args, **kwargs)
    if state["worker"]:
        return tensor
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Low-level CUDA init reached: CUDA in a thread of the main process")
    if state["launched"]:
        raise RuntimeError("Weights are moved to CUDA before the launch")
    here = torch.full_like(tensor, torch.nan)
    moved.append((here, tensor.clone()))
    return here


def _start(blocks: gr.Blocks, *args: Any, **kwargs: Any) -> Any:
    if not marked:
        raise RuntimeError("No @spaces.GPU function detected during startup")
    state["launched"] = True
    return _launch(blocks, *args, **kwargs)


torch.cuda.is_available = lambda: True
torch.autocast = lambda *args, **kwargs: nullcontext()  # the CPU computes in float32
torch.Tensor.to = _to_device
gr.Blocks.launch = _start
