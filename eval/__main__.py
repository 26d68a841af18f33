"""`python -m eval` repeats every measurement with the bundled checkpoints, then updates the pictures and tables.

`python -m eval NAME ...` runs one part with its own arguments; NAME is a key of PARTS.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys

from echogan.core.blas_threads import ONE_BLAS_THREAD

PARTS = {
    "ablations": "eval.ablations.ablations",
    "archive": "eval.performance.archive",
    "archive_rate": "eval.performance.archive_rate",
    "average": "eval.average",
    "camus_segmenter": "eval.camus.segmenter",
    "camus_shards": "eval.camus.shards",
    "choose_checkpoint": "eval.camus.choose_checkpoint",
    "classical": "eval.measures.classical",
    "fan_calibration": "eval.fans.calibration",
    "fan_network": "eval.fans.network",
    "fans": "eval.fans.fans",
    "foreshortening": "eval.simulated.foreshortening",
    "frontier": "eval.frontier",
    "frozen_segmenter": "eval.camus.frozen_segmenter",
    "fuzz": "eval.robustness.fuzz",
    "grades": "eval.camus.grades",
    "hallucination": "eval.hallucination.hallucination",
    "haze": "eval.haze.haze",
    "hidden_walls": "eval.hallucination.hidden_walls",
    "image_quality": "eval.simulated.image_quality",
    "kid": "eval.measures.kid",
    "ladder": "eval.hallucination.ladder_corners",
    "lesions": "eval.simulated.lesions",
    "load": "eval.performance.load",
    "memory": "eval.performance.memory",
    "phantom_picture": "eval.reporting.phantom_picture",
    "phantom_speed": "eval.performance.phantom_speed",
    "readme_picture": "eval.reporting.readme_picture",
    "realism": "eval.realism.realism",
    "rivals": "eval.hallucination.rivals",
    "segmentation": "eval.camus.segmentation",
    "semireal": "eval.semireal.semireal",
    "speed": "eval.performance.speed",
    "splits": "eval.camus.splits",
    "stability": "eval.simulated.stability",
    "study": "eval.study.study",
    "tables": "eval.reporting.tables",
    "trace_network": "eval.fans.trace_network",
    "two_chamber": "eval.camus.two_chamber",
}
"""Name on the command line -> module."""
ALL = (
    "classical",
    "image_quality",
    "segmentation",
    "segmentation --retrain",
    "segmentation --segmenter segmenter-phantom",
    "grades",
    "stability",
    "foreshortening",
    "speed",
    "phantom_speed",
    "memory",
    "archive",
    "archive_rate",
    "haze",
    "lesions",
    "hidden_walls",
    "semireal",
    "realism",
    "fans",
    "study",
    "readme_picture",
    "phantom_picture",
    "tables",
)
"""The parts that `python -m eval` runs, in this order."""


def main() -> None:
    """Run each part in a process of its own, so that its memory and threads do not affect another part."""
    os.environ.setdefault(*ONE_BLAS_THREAD)  # before numpy is loaded
    if sys.argv[1:] and sys.argv[1] in PARTS:
        runpy.run_module(PARTS[sys.argv.pop(1)], run_name="__main__", alter_sys=True)
        return
    if sys.argv[1:]:
        sys.exit(f"python -m eval takes one of {', '.join(PARTS)}, or nothing.\n{__doc__}")
    for part in ALL:
        print(f"python -m eval {part}", flush=True)
        subprocess.run([sys.executable, "-m", "eval", *part.split()], check=True)


if __name__ == "__main__":
    main()
