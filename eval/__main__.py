"""`python -m eval`: measures everything anew with the bundled checkpoint, then renews the picture and the tables.

`python -m eval NAME ...` is `python -m eval.NAME ...`: one part with its own arguments.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

STEPS = (
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
    "haze",
    "lesions",
    "realism",
    "fans",
    "picture",
    "phantom_picture",
    "tables",
)


def main() -> None:
    """Run each step in a process of its own, so that no step's memory or threads reach another's figures."""
    if sys.argv[1:] and (Path(__file__).parent / f"{sys.argv[1]}.py").is_file():
        runpy.run_module(f"eval.{sys.argv.pop(1)}", run_name="__main__", alter_sys=True)
        return
    if sys.argv[1:]:
        sys.exit(
            f"python -m eval takes the name of a part, as python -m eval speed --help, or nothing.\n{__doc__}"
        )
    for step in STEPS:
        print(f"eval.{step}", flush=True)
        subprocess.run([sys.executable, "-m", *f"eval.{step}".split()], check=True)


if __name__ == "__main__":
    main()
