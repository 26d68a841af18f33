"""`python -m echogan.training`: train on a bare machine, with flags made from the settings."""

from __future__ import annotations

import argparse
import sys

from echogan.training.config import TrainingConfig, with_leaves
from echogan.training.flags import add_flags, ended
from echogan.training.separability import separability
from echogan.training.trainer import train


def parser() -> argparse.ArgumentParser:
    """A flag per setting, and --separability."""
    out = argparse.ArgumentParser(prog="python -m echogan.training", description="Train both generators.")
    add_flags(out, TrainingConfig())
    out.add_argument(
        "--separability", type=int, metavar="STEPS", help="only train a discriminator, poor against good"
    )
    return out


def main(arguments: list[str] | None = None) -> int:
    """Train, or measure separability; see `ended`."""
    given = vars(parser().parse_args(arguments))
    steps = given.pop("separability")
    config = with_leaves(TrainingConfig(), given)
    if steps is None:
        return ended(lambda: f"Run folder: {train(config)}")
    return ended(
        lambda: f"Judged right in the last fifth of {steps} steps: {separability(config, steps):.1%}"
    )


if __name__ == "__main__":
    sys.exit(main())
