"""`python -m echogan.training`: train on a bare machine, with flags made from the settings."""

from __future__ import annotations

import argparse
import sys

from echogan.errors import EchoGANError
from echogan.training.config import TrainingConfig, leaves, with_leaves
from echogan.training.separability import separability
from echogan.training.trainer import train


def parser() -> argparse.ArgumentParser:
    """A flag per setting, those of a part dotted (--loss.cycle), and --separability."""
    out = argparse.ArgumentParser(prog="python -m echogan.training", description="Train both generators.")
    for name, default, f in leaves(TrainingConfig()):
        flag, kind, help = "--" + name.replace("_", "-"), type(default), f.metadata["help"]
        if kind is bool:
            out.add_argument(
                flag, dest=name, action=argparse.BooleanOptionalAction, default=default, help=help
            )
        else:
            choices = f.metadata.get("choices")
            text = f"{help} (default: %(default)s)"
            out.add_argument(flag, dest=name, type=kind, default=default, choices=choices, help=text)
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
    config = with_leaves(TrainingConfig(), given)
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
