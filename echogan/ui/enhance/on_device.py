"""Enhance a clip where the device is: in this process, or on a ZeroGPU Space in the process that has the GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from echogan.clips.clip import ClipFile
from echogan.clips.write_options import WriteOptions
from echogan.core.geometry import Sector
from echogan.enhance.calibrated import Flagger, flagger_for
from echogan.enhance.chunk import PreparedClip
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.enhance.result_stages import Listener, store_result
from echogan.enhance.stored_result import StoredResult
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.ui import zero_gpu
from echogan.ui.zero_gpu import Tell

Count = Callable[[int, int], None]


def store(
    enhancer: Enhancer,
    prepared: PreparedClip,
    folder: Path,
    flagger: Flagger | None,
    listener: Listener,
    cancel: threading.Event | None,
) -> StoredResult:
    """As `store_result`, on the device."""
    if not zero_gpu.ZERO_GPU:
        return store_result(enhancer, prepared, folder, flagger, listener, cancel)
    facts, batch = enhancer.checkpoint.without_weights(), enhancer.settings.batch_size
    work = partial(_store, facts, EnhanceSettings(batch_size=batch), prepared.clip, prepared.sector, folder)

    def tell(told: tuple[Any, ...]) -> None:
        name, *values = told
        getattr(listener, name)(*values)

    return zero_gpu.on_gpu(work, prepared.clip.frames, tell, cancel or threading.Event())


def _store(
    facts: Checkpoint,
    settings: EnhanceSettings,
    clip: ClipFile,
    sector: Sector,
    folder: Path,
    tell: Tell,
    cancel: threading.Event,
) -> StoredResult:
    enhancer = Enhancer(zero_gpu.with_weights(facts), settings)
    prepared = enhancer.prepare(clip, sector)

    def telling(name: str) -> Callable[..., None]:
        return lambda *values: tell((name, *values))

    listener = Listener(**{one.name: telling(one.name) for one in fields(Listener)})
    return store_result(enhancer, prepared, folder, flagger_for(enhancer, prepared), listener, cancel)


def write(
    clip: ClipFile,
    sector: Sector,
    outputs: Outputs,
    checkpoint: Checkpoint,
    settings: EnhanceSettings,
    progress: Count,
    cancel: threading.Event,
    options: WriteOptions,
) -> Report:
    """As `enhance_file`, on the device."""
    if not zero_gpu.ZERO_GPU:
        return enhance_file(
            clip, outputs, checkpoint, settings, sector, progress=progress, cancel=cancel, write=options
        )
    work = partial(_write, clip, sector, outputs, checkpoint.without_weights(), settings, options)
    return zero_gpu.on_gpu(work, clip.frames, lambda told: progress(*told), cancel)


def _write(
    clip: ClipFile,
    sector: Sector,
    outputs: Outputs,
    facts: Checkpoint,
    settings: EnhanceSettings,
    options: WriteOptions,
    tell: Tell,
    cancel: threading.Event,
) -> Report:
    def progress(done: int, total: int) -> None:
        tell((done, total))

    checkpoint = zero_gpu.with_weights(facts)
    return enhance_file(
        clip, outputs, checkpoint, settings, sector, progress=progress, cancel=cancel, write=options
    )
