"""`python -m eval`: measures everything anew with the bundled checkpoint, then renews the picture and the tables."""

from __future__ import annotations

import subprocess
import sys

STEPS = (
    "classical",
    "image_quality",
    "segmentation",
    "segmentation --segmenter segmenter-phantom",
    "stability",
    "foreshortening",
    "speed",
    "phantom_speed",
    "memory",
    "realism",
    "fans",
    "picture",
    "phantom_picture",
    "tables",
)


def main() -> None:
    """Run each step in a process of its own, so that no step's memory or threads reach another's figures."""
    if sys.argv[1:]:
        sys.exit(
            f"python -m eval takes no arguments; each part does, as python -m eval.speed --help.\n{__doc__}"
        )
    for step in STEPS:
        print(f"eval.{step}", flush=True)
        subprocess.run([sys.executable, "-m", *f"eval.{step}".split()], check=True)


if __name__ == "__main__":
    main()
