"""How long the page's visitor waits for a clip: for the first enhanced frames, for all, and for the files after it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.enhance.calibrated import flagger_for
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.exports import ExportRequest, make_export
from echogan.enhance.result_stages import store_result
from echogan.model.checkpoints.checkpoint import Checkpoint

FILES = ("mp4", "dicom", "npz", "report", "figure")  # what the page once made before it showed anything


def page_wait(clip: Path, checkpoint: Checkpoint, runs: int = 3) -> dict:
    """Medians on the CPU from pressing Enhance, the clip being open.

    first_s   until the first enhanced frames can be shown
    all_s     until every frame can be shown with its maps
    trusted_s, all_cpu_s   until the flags and the trust card are there too, and the CPU-seconds of all
    files_s   to make every file after it
    share     all_s over all_s + files_s: the wait, against making the files first
    """
    opened = open_clip(clip)
    sector = find_sector(opened)
    rows = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder, "result")
            result.mkdir()
            enhancer = Enhancer(checkpoint, EnhanceSettings(device="cpu"))
            prepared = enhancer.prepare(opened, sector)
            began = time.perf_counter()
            stored = store_result(enhancer, prepared, result, flagger_for(enhancer, prepared))
            trusted = time.perf_counter() - began
            began = time.perf_counter()
            for kind in FILES:
                make_export(
                    ExportRequest(stored, kind, 1.0, mark=True, blackout=False, stem="clip"), Path(folder)
                )
            files = time.perf_counter() - began
            rows.append((stored.first_s, stored.seconds, trusted, stored.cpu_s, files))
    first, every, trusted, cpu, files = (sorted(column)[runs // 2] for column in zip(*rows, strict=True))
    waits = {
        "first_s": first,
        "all_s": every,
        "trusted_s": trusted,
        "all_cpu_s": cpu,
        "files_s": files,
        "share": every / (every + files),
    }
    return {"clip": clip.name, "frames": opened.frames} | {
        name: round(value, 3) for name, value in waits.items()
    }
