"""Open clips of strangers: a bad file costs its sender an error, and nobody else memory or time.

`look` and `open_guarded` read the file in a child process (work.py), and so does the clip they return whenever its
frames are asked for. Only arrays and plain facts come back.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.guard.facts import clip_from, error_from, sector_from
from echogan.clips.guard.messages import Gone, Message, receive
from echogan.core.errors import Cancelled, ClipTooLarge, UnreadableClip
from echogan.core.geometry import Sector

ROOT = Path(__file__).resolve().parents[3]
MEMORY = 5 * 2**29  # bytes of addresses, of which the libraries take 0.6 GB
SECONDS, SECONDS_PER_MB, MOST_SECONDS = 60, 1, 600  # of a processor for one look, by the size of the file
LOADED = 3  # times as long may pass, because others use the processors too
FRAME_SECONDS = 60.0  # until the next frame comes
FEW_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}  # each sets memory aside
PATIENCE = 0.1  # seconds between two looks at `cancel`
BROKE_OFF = (
    "'{}' is damaged, or needs more memory or time than a clip may have: export it again, or make it smaller."
)
GONE = "'{}' is no longer there: it was moved or deleted meanwhile."
TOO_SLOW = "'{}' takes too long to read: cut it, or scale it down."


@dataclass(frozen=True)
class Look:
    """What is known of a clip that was opened.

    first   the first frame, uint8 (H, W) or (H, W, 3)
    tags    the technical tags of a DICOM file as (name, value)
    """

    clip: ClipFile
    sector: Sector
    first: np.ndarray
    tags: list[tuple[str, str]]


class ChildFault(Exception):
    """A fault of the program in a child; the log says where."""


def look(path: Path, limits: ClipLimits | None = None, cancel: threading.Event | None = None) -> Look:
    """Open a clip and find its sector. Raises ClipError, and Cancelled soon after `cancel` is set."""
    limits = limits or ClipLimits()
    with _child("look", path, limits) as answers:
        facts, (tissue, overlay, first) = _next(answers, path, LOADED * _seconds(path), cancel)
    clip = _clip(facts, path, limits)
    tags = [(str(name), str(value)) for name, value in facts["tags"]]
    return Look(clip, sector_from(facts["sector"], tissue, overlay), first, tags)


def open_guarded(path: Path, limits: ClipLimits | None = None) -> ClipFile:
    """As `open_clip`. Raises ClipError."""
    limits = limits or ClipLimits()
    with _child("open", path, limits) as answers:
        facts, _ = _next(answers, path, LOADED * _seconds(path))
    return _clip(facts, path, limits)


def _clip(facts: Message, path: Path, limits: ClipLimits) -> ClipFile:
    # Of what can be sent to another process, as a ZeroGPU Space does.
    return clip_from(facts["clip"], path, partial(_frames, path, limits, facts["clip"]))


def _frames(path: Path, limits: ClipLimits, known: Message) -> Iterator[np.ndarray]:
    """All frames, from a child that opens the file again. It waits while nobody asks for the next."""
    shape = (known["height"], known["width"], 3) if known["color"] else (known["height"], known["width"])
    if not path.is_file():
        raise UnreadableClip(GONE.format(path.name))
    with _child("frames", path, limits) as answers:
        facts, _ = _next(answers, path, LOADED * _seconds(path))
        if facts["clip"] != known:
            raise UnreadableClip(f"'{path.name}' was changed meanwhile: open it again.")
        while True:
            facts, arrays = _next(answers, path, FRAME_SECONDS)
            if facts.get("end"):
                return
            if len(arrays) != 1 or arrays[0].shape != shape:
                raise UnreadableClip(f"'{path.name}' changes its size: cut it there.")
            yield arrays[0]


def _seconds(path: Path) -> int:
    size = path.stat().st_size if path.is_file() else 0
    return min(MOST_SECONDS, SECONDS + SECONDS_PER_MB * (size >> 20))


def _next(
    answers: socket.socket, path: Path, seconds: float, cancel: threading.Event | None = None
) -> tuple[Message, list[np.ndarray]]:
    """The child's next message. Raises what it tells, and UnreadableClip or ClipTooLarge where it broke off."""
    end = time.monotonic() + seconds
    try:
        _wait(answers, end, cancel)
        answers.settimeout(max(1.0, end - time.monotonic()))
        facts, arrays = receive(answers)
    except TimeoutError:
        raise ClipTooLarge(TOO_SLOW.format(path.name)) from None
    except (Gone, ValueError):
        raise UnreadableClip(BROKE_OFF.format(path.name)) from None
    if "error" in facts:
        raise error_from(facts["error"])
    if "fault" in facts:
        logging.getLogger("echogan").error("%s in a child at\n%s", facts["fault"], facts["place"])
        raise ChildFault
    return facts, arrays


def _wait(answers: socket.socket, end: float, cancel: threading.Event | None) -> None:
    """Until something has come. Raises TimeoutError, Cancelled."""
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        answers.settimeout(min(left, PATIENCE) if cancel is not None else left)
        try:
            answers.recv(1, socket.MSG_PEEK)
            return
        except TimeoutError:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped.") from None
        except ConnectionError:
            raise Gone from None


def request_for(task: str, path: Path, limits: ClipLimits) -> dict[str, Any]:
    """What a child is told. `task` is "look", "open" or "frames"."""
    return {
        "task": task,
        "path": str(path.absolute()),
        "limits": asdict(limits),
        "memory": MEMORY,
        "seconds": _seconds(path),
        "loaded": LOADED,
        "frame_seconds": FRAME_SECONDS,
    }


@contextmanager
def _child(task: str, path: Path, limits: ClipLimits) -> Iterator[socket.socket]:
    """A child at work; it ends with the block."""
    request = request_for(task, path, limits)
    mine, its = socket.socketpair()
    with mine:
        with its:
            SERVER.ask(request, its)
        yield mine


class _Server:
    """The process that forks the children. It is started on first use, and again if it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._owner = 0

    def ask(self, request: dict[str, Any], answers: socket.socket) -> None:
        """Hand over a request and the socket for its answers."""
        line = json.dumps(request).encode()
        with self._lock:
            if not self._lives():
                self._start()
            assert self._requests is not None
            socket.send_fds(self._requests, [line], [answers.fileno()])

    def start(self) -> None:
        """Start it now, so that the first clip need not wait for that."""
        with self._lock:
            if not self._lives():
                self._start()

    def _lives(self) -> bool:
        return self._process is not None and self._owner == os.getpid() and self._process.poll() is None

    def _start(self) -> None:
        # SEQPACKET keeps the requests apart. The program's own folder comes last, as its modules have common names.
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        code = f"import sys; sys.path.append({str(ROOT)!r}); from echogan.clips.guard.server import serve; serve()"
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # the parent handles Ctrl-C
                env={**os.environ, **FEW_THREADS},
            )
        self._requests, self._owner = mine, os.getpid()


SERVER = _Server()
