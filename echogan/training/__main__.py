"""`python -m echogan.training`: train on a machine with few libraries; flags are made from the settings."""

from __future__ import annotations

import argparse
import sys

from echogan.training.config import TrainingConfig, as_begun, with_settings
from echogan.training.flags import add_flags, ended
from echogan.training.old_names import current_flags
from echogan.training.separability import separability
from echogan.training.trainer import train


def parser(usual: TrainingConfig | None = None) -> argparse.ArgumentParser:
    """A flag per setting, and --separability."""
    out = argparse.ArgumentParser(prog="python -m echogan.training", description="Train both generators.")
    add_flags(out, usual or TrainingConfig())
    out.add_argument(
        "--separability", type=int, metavar="STEPS", help="only train a discriminator, poor against good"
    )
    return out


def main(arguments: list[str] | None = None) -> int:
    """Train, or measure separability; returns the exit code of `ended`."""
    config, steps = read(parser(), arguments)
    if steps is None:
        return ended(lambda: f"Run folder: {train(resumed(config, arguments))}")
    return ended(lambda: f"Told right in the last fifth of {steps} steps: {separability(config, steps):.1%}")


def read(flags: argparse.ArgumentParser, arguments: list[str] | None) -> tuple[TrainingConfig, int | None]:
    """The settings of a command line, and the steps of --separability."""
    given = vars(flags.parse_args(current_flags(sys.argv[1:] if arguments is None else arguments)))
    steps = given.pop("separability")
    return with_settings(TrainingConfig(), given), steps


def resumed(config: TrainingConfig, arguments: list[str] | None) -> TrainingConfig:
    """The same settings; in a resumed run, those not on the command line are as the run was started."""
    return read(parser(as_begun(config)), arguments)[0] if config.resume else config


if __name__ == "__main__":
    sys.exit(main())
