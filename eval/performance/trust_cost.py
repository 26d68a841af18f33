"""What the trust card adds to the enhancement of a clip: CPU seconds a frame, in fast and in full mode."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.enhance.calibrated import calibration_of, flagger_for, found_in
from echogan.enhance.card_maker import CardMaker
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.card.card import Mode

CHUNKS: dict[Mode, int] = {"fast": 8, "full": 1}  # batches that are timed: full mode takes many passes
WANTED = 0.3  # share of the rest that fast mode may add


def trust_cost(clip: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """For each mode the CPU milliseconds a frame: of enhancement with the maps and the cycle, and what comes on top.

    The flags count only where the checkpoint has a calibration. Decoding and encoding are left out. With torch,
    which is there on every machine: a quicker backend makes the same card a larger share.
    """
    source = open_clip(clip)
    sector, calibrated = find_sector(source), calibration_of(checkpoint)
    result: dict[str, Any] = {"calibrated": calibrated is not None, "wanted": WANTED}
    for mode in get_args(Mode):
        enhancer = Enhancer(checkpoint, EnhanceSettings(device="cpu", backend="torch", trust=mode))
        prepared = enhancer.prepare(source, sector)
        diagnoses, flagger = Diagnoses(prepared.space), flagger_for(enhancer, prepared)
        maker = CardMaker(enhancer, prepared, calibrated)
        rest = added = 0.0
        frames, began = 0, time.process_time()
        for chunk in islice(enhancer.run(prepared), CHUNKS[mode]):
            _ = chunk.enhanced
            maps = diagnoses.add(chunk)
            made = time.process_time()
            maker.add(chunk, maps, found_in(chunk, flagger))
            frames += len(chunk.x)
            rest, added, began = rest + made - began, added + time.process_time() - made, time.process_time()
        result[mode] = {
            "rest_ms": round(1000 * rest / frames, 1),
            "added_ms": round(1000 * added / frames, 1),
            "share": round(added / rest, 3),
        }
        print(f"trust card, {mode}: adds {added / rest:.0%} to {1000 * rest / frames:.0f} CPU-ms a frame")
    return result
