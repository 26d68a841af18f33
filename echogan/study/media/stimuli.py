"""The stimuli of one clip: one pass over both arms, one file for each way of showing it."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from echogan.core.errors import StudyError
from echogan.enhance.enhancer import Enhancer
from echogan.study.design import ARMS, SIDES, Show
from echogan.study.media.arm_writer import ENCODING, ArmWriter
from echogan.study.media.canvas import Canvas
from echogan.study.media.pairing import Pair
from echogan.study.store.lifecycle import Stimulus

DATE = 946_684_800  # 2000-01-01, of every file
GIVEN = "given as a file"  # what is known of the network where the enhanced clip was not made here


def write_stimuli(
    folder: Path,
    pair: Pair,
    clip: str,
    shows: Iterable[Show],
    enhancer: Enhancer | None = None,
    cancel: threading.Event | None = None,
) -> list[Stimulus]:
    """Write the stimuli of a clip under random names. Raises StudyError, OutputError, Cancelled."""
    canvas = Canvas(pair.sector, pair.original.pixel_aspect)
    names: dict[Show, str] = {show: secrets.token_hex(16) for show in shows}
    with ExitStack() as stack:
        writers: dict[Show, ArmWriter] = {
            show: stack.enter_context(ArmWriter(folder / f"{name}.webm", pair.original))
            for show, name in names.items()
        }
        for original, enhanced in pair.frames(enhancer, cancel):
            for show, writer in writers.items():
                writer.write(canvas.show(show, original, enhanced))
        for kind in (ARMS, SIDES):
            alike = [writers[show] for show in kind if show in writers]
            sizes = [max(frame) for frame in zip(*(writer.flush() for writer in alike), strict=True)]
            for writer in alike:
                writer.pad(sizes)
    model = _model(pair, enhancer)
    return [_stimulus(folder, pair, canvas, clip, show, name, model) for show, name in names.items()]


def _model(pair: Pair, enhancer: Enhancer | None) -> str:
    if pair.enhanced is not None or enhancer is None:
        return GIVEN
    return f"{enhancer.checkpoint.name} {enhancer.checkpoint.sha256} strength {enhancer.settings.strength:g}"


def _stimulus(
    folder: Path, pair: Pair, canvas: Canvas, clip: str, show: Show, name: str, model: str
) -> Stimulus:
    path = folder / f"{name}.webm"
    os.utime(path, (DATE, DATE))
    content = path.read_bytes()
    if not content:
        raise StudyError("A stimulus is empty: check the free space of the disk.")
    height, width = canvas.size
    video = {
        "width": width * (2 if show in SIDES else 1),
        "height": height,
        "frames": pair.original.frames,
        "fps": round(pair.original.fps or 1.0, 3),
    }
    made_by = "" if show == "original" else model
    digest = hashlib.sha256(content).hexdigest()
    return Stimulus(name, clip, show, digest, len(content), made_by, {**video, **ENCODING})
