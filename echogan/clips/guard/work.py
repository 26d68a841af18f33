"""What a child does: open a file, sample it and find its sector, or decode all its frames. Then it ends."""

from __future__ import annotations

import os
import resource
import signal
import socket
import threading
import traceback
from pathlib import Path
from typing import Any

import cv2

from echogan.clips.clip import ClipLimits
from echogan.clips.content import PACKED_FROM
from echogan.clips.dicom.tags import technical_tags
from echogan.clips.files import open_clip
from echogan.clips.guard.facts import clip_facts, error_facts, sector_facts
from echogan.clips.guard.messages import send
from echogan.clips.sector.clip_sample import ClipSample
from echogan.clips.sector.find_sector import find_sector
from echogan.core.errors import ClipTooLarge, EchoGANError

TOO_LARGE = "This clip needs more memory than a clip may have: scale it down or cut it, and send it again."
OPEN_FILES, THREADS = 64, 2


def run(request: dict[str, Any], answers: socket.socket) -> None:
    """Do what is asked within the limits, send the answer, and end the process."""
    try:
        _set_limits(request)
        threading.Thread(target=_end_with, args=(answers,), daemon=True).start()
        _answer(request, answers)
    finally:
        os._exit(0)


def _set_limits(request: dict[str, Any]) -> None:
    """Memory, time, and what may be written. The children of this process get the same."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _limit(resource.RLIMIT_AS, request["memory"])
    _limit(resource.RLIMIT_FSIZE, max(PACKED_FROM, request["memory"]))
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if request["task"] != "frames":  # which may go on for as long as there are frames
        _limit(resource.RLIMIT_CPU, request["seconds"])
    _time_left(request["loaded"] * request["seconds"])
    cv2.setNumThreads(THREADS)


def _time_left(seconds: float) -> None:
    """When the alarm comes the process ends, whatever it does then. 0 for no alarm."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _end_with(answers: socket.socket) -> None:
    """End this process as soon as nobody waits for its answer any more."""
    answers.recv(1)  # nothing is ever sent: it returns when the other end is closed
    os._exit(1)


def _answer(request: dict[str, Any], answers: socket.socket) -> None:
    try:
        _work(request, answers)
    except BrokenPipeError:
        return
    except EchoGANError as error:
        send(answers, {"error": error_facts(error)})
    except Exception as error:
        if _is_memory(error):
            send(answers, {"error": error_facts(ClipTooLarge(TOO_LARGE))})
            return
        # The message is left out: it may quote the file.
        place = "".join(traceback.format_tb(error.__traceback__))
        send(answers, {"fault": type(error).__name__, "place": place})


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
    )


def _work(request: dict[str, Any], answers: socket.socket) -> None:
    path, limits = Path(request["path"]), ClipLimits(**request["limits"])
    clip = open_clip(path, limits)
    facts: dict[str, Any] = {"clip": clip_facts(clip)}
    if request["task"] == "look":
        sample = ClipSample.of(clip)
        sector = find_sector(sample)
        facts |= {
            "sector": sector_facts(sector),
            "tags": technical_tags(path) if clip.kind == "dicom" else [],
        }
        send(answers, facts, [sector.tissue_mask, sector.overlay_mask, sample.frames[0]])
        return
    send(answers, facts)
    if request["task"] == "frames":
        for frame in clip.iter_frames():
            _time_left(0)  # sending waits for whoever wants the frames
            send(answers, {}, [frame])
            _time_left(request["frame_seconds"])
        send(answers, {"end": True})
