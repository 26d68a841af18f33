"""The command line: `python -m echogan COMMAND`, one of COMMANDS."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from echogan.core.errors import Cancelled, ClipTooLarge, EchoGANError
from echogan.core.kept_folders import DATA, models_home
from echogan.core.notice import NOTICE
from echogan.core.version import __version__
from echogan.training.old_names import current_flags

COMMANDS: dict[str, tuple[str, str, str]] = {
    "enhance": ("enhance", "Enhance", "enhance a clip, or every clip of a folder"),
    "models": ("models", "ListModels", "list the checkpoints that come with the program"),
    "phantom": ("phantom", "PhantomPairs", "write simulated pairs: a clean clip and the same clip degraded"),
    "train": ("training", "Train", "train a pair of generators on simulated clips or your own"),
    "convert": (
        "training",
        "Convert",
        "make a checkpoint of weights trained with the CycleGAN authors' tool",
    ),
    "calibrate": (
        "calibrate",
        "Calibrate",
        "find from which probability on a checkpoint's results are flagged",
    ),
    "publish": ("publish", "Publish", "put a run or a checkpoint on the Hugging Face Hub"),
    "space": ("space", "Space", "put the page on the Hugging Face Hub, as a Space"),
    "browser-demo": (
        "browser_demo",
        "BrowserDemo",
        "make a static page that runs the network in the browser",
    ),
    "dicomweb": ("dicomweb", "DicomWeb", "enhance a study of a DICOM server, and store the results there"),
    "listen": ("listen", "Listen", "enhance what DICOM nodes send here (C-STORE), and deliver it"),
    "mcp": ("mcp", "ServeTools", "serve an assistant on this machine (MCP): models, enhance, diagnose"),
    "users": ("users", "ManageUsers", "who may log in to the page, with hashed passwords"),
    "curate": ("training", "Curate", "make training shards from an archive of clips"),
    "study": ("study", "Study", "blinded reader studies: make, open, follow and end one"),
}
HELP = f"""usage: python -m echogan COMMAND [options]

EchoGANhance {__version__}: enhance poor echocardiography clips, and see what was changed.

commands:
{chr(10).join(f"  {name:<14}{text}" for name, (_, _, text) in COMMANDS.items())}

options:
  --help      this text; after a command, that command's options
  --version   the version

{NOTICE}."""
LIMITS = "(Limits: --max-pixels-per-frame, --max-frames, --max-decoded-bytes.)"
FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 done, 1 some files failed, 2 wrong usage, input or settings, 130 stopped.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):  # a file's name may hold what no character set does
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not arguments or arguments[0] in ("-h", "--help"):
        print(HELP)
        return 0 if arguments else USAGE
    if arguments[0] == "--version":
        print(__version__)
        return 0
    if arguments[0] not in COMMANDS:
        return _complain(f"There is no command '{arguments[0]}'. Choose one of {', '.join(COMMANDS)}.")
    if os.environ.get(DATA):  # before huggingface_hub is imported
        os.environ.setdefault("HF_HOME", models_home())
    try:
        return _parse(arguments[0], current_flags(arguments[1:])).run()
    except (Cancelled, KeyboardInterrupt):
        _complain("Stopped; nothing half-written is left.")
        return INTERRUPTED
    except ClipTooLarge as error:
        return _complain(f"{error} {LIMITS}")
    except EchoGANError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"The system refused: {error}.")


def _parse(name: str, arguments: list[str]) -> Any:
    """The command as an object. A usage error becomes an EchoGANError of one sentence.

    A command that has a `usual` of its own is read again, with that for what the command line leaves out.
    """
    command = _read(name, arguments, None)
    usual = command.usual() if hasattr(command, "usual") else None
    return _read(name, arguments, usual) if usual else command


def _read(name: str, arguments: list[str], usual: Any) -> Any:
    # Imported here, so that the help of the program appears at once.
    import tyro

    module, command, _ = COMMANDS[name]
    complaint = io.StringIO()
    # With other defaults both forms of a flag must be there: one that is on already may be given again.
    options: dict[str, Any] = (
        {"config": (tyro.conf.FlagCreatePairsOff,)} if usual is None else {"default": usual}
    )
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(
                getattr(importlib.import_module(f"echogan.cli.{module}"), command),
                prog=f"python -m echogan {name}",
                args=arguments,
                **options,
            )
    except SystemExit as leaving:
        if not leaving.code:
            raise
        raise EchoGANError(
            f"{_sentence(complaint.getvalue())} See python -m echogan {name} --help."
        ) from None


def _sentence(box: str) -> str:
    """The first paragraph inside tyro's frame, as one line."""
    lines = []
    for line in box.splitlines():
        text = line.strip(" │|╭╮╰╯")
        if line.startswith(("╭", "╰")) or not text:
            continue
        if set(text) == {"─"}:
            break
        lines.append(text)
    sentence = " ".join(lines) or "The command could not be read."
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return USAGE
