"""`python -m echogan.training`: train on a bare machine, with flags made from the settings."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

from echogan.errors import EchoGANError
from echogan.training.config import TrainingConfig
from echogan.training.separability import separability
from echogan.training.trainer import train


def parser() -> argparse.ArgumentParser:
    """A flag per field of TrainingConfig, and --separability."""
    out = argparse.ArgumentParser(prog="python -m echogan.training", description="Train both generators.")
    for f in fields(TrainingConfig):
        flag, kind, help = "--" + f.name.replace("_", "-"), type(f.default), f.metadata["help"]
        if kind is bool:
            out.add_argument(flag, action=argparse.BooleanOptionalAction, default=f.default, help=help)
        else:
            choices = f.metadata.get("choices")
            text = f"{help} (default: %(default)s)"
            out.add_argument(flag, type=kind, default=f.default, choices=choices, help=text)
    out.add_argument(
        "--separability",
        type=int,
        metavar="STEPS",
        help="only train a discriminator, poor against good",
    )
    return out


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 when done, 2 after a user's mistake, whose sentence goes to standard error."""
    given = vars(parser().parse_args(arguments))
    steps = given.pop("separability")
    config = TrainingConfig(**given)
    try:
        if steps is None:
            print(f"Run folder: {train(config)}")
        else:
            print(f"Judged right in the last fifth of {steps} steps: {separability(config, steps):.1%}")
    except EchoGANError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
