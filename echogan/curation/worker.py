"""The child process of `curate`: a file's path in on standard input, what was found out on standard output.

One line of JSON each way. A decoder that crashes ends only this process.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import ClipLimits
from echogan.core.errors import OutputError
from echogan.core.worker_pool import answer_channel
from echogan.curation.settings import ExamineSettings, LeftOut, Reason
from echogan.curation.shards import write_arrays
from echogan.curation.tissue_run import TissueRun, examine, patient_of


def request(path: Path, part: Path, settings: ExamineSettings) -> str:
    """The line that asks for one file; its pixels go to `part`."""
    return json.dumps({"path": str(path), "part": str(part), "settings": asdict(settings)})


def answer(line: str) -> dict[str, Any]:
    """Do what a request asks. `reason` is empty if the part was written; `patient` is the DICOM's own, if any.

    An answer with `error` instead means that the part cannot be written, which is not the file's fault.
    """
    asked = json.loads(line)
    settings = ExamineSettings(**{**asked["settings"], "limits": ClipLimits(**asked["settings"]["limits"])})
    path = Path(asked["path"])
    try:
        run = examine(path, settings)
        write_arrays(Path(asked["part"]), _arrays(run, settings.frames))
        return {"reason": "", "patient": patient_of(path), **_facts(run)}
    except LeftOut as left:
        return {"reason": left.reason.value}
    except OutputError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"reason": Reason.FAILED.value}  # may work with more memory


def _arrays(run: TissueRun, frames: int) -> dict[str, np.ndarray]:
    """One clip as a shard of one row; a short run repeats its last frame."""
    count = len(run.frames)
    padded = np.concatenate([run.frames, np.repeat(run.frames[-1:], frames - count, 0)])
    return {
        "frames": padded[None],
        "masks": run.mask[None],
        "fans": run.fan[None],
        "lengths": np.array([count], np.int64),
    }


def _facts(run: TissueRun) -> dict[str, Any]:
    return {
        "prints": [frame.tobytes().hex() for frame in run.prints],
        "length": len(run.frames),
        "scale": run.scale,
        "spacing_mm": run.spacing_mm,
        "text_sure": run.text_sure,
    }


def serve() -> None:
    """Say that all is loaded, then answer one line after the other until standard input ends."""
    import cv2

    cv2.setNumThreads(1)
    answers = answer_channel()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(line)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
