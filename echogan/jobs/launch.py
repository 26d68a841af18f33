"""The process of a training run: its command, and its start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from echogan.core.settings import flatten_settings
from echogan.jobs.log_messages import BEGINS
from echogan.training.config import TrainingConfig

ROOT = Path(__file__).resolve().parents[2]


def spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a training process in its own session, so that it outlives this process. Raises OSError."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    with log.open("ab") as out:
        out.write(f"{BEGINS}{time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
        out.flush()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    with suppress(psutil.Error, OSError):
        psutil.Process(child.pid).nice(5)  # the page's own work has priority
    return child


def command(config: TrainingConfig, check: bool = False) -> list[str]:
    """The command that trains with these settings, or only checks their data. That, and to curate the user's clips
    first, only the full command line can."""
    full = check or config.low or config.high or config.semireal
    module = ["echogan", "train"] if full else ["echogan.training"]
    return [sys.executable, "-m", *module, *flags(config), *(["--check"] if check else [])]


def flags(config: TrainingConfig) -> list[str]:
    """The flags of these settings: one for each setting that differs from its default."""
    usual = {name: value for name, value, _ in flatten_settings(TrainingConfig())}
    given: list[str] = []
    for name, value, _ in flatten_settings(config):
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            given += [f"--{'' if value else 'no-'}{flag}"] if value != usual[name] else []
        elif value != usual[name]:
            given += [f"--{flag}", str(value)]
    return given
