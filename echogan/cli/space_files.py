"""The files of a Hugging Face Space that serves the page: the program, its checkpoints, and a header of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Literal

from echogan.core.errors import OutputError
from echogan.core.notice import IN_FULL

Hardware = Literal["cpu-basic", "zero-gpu"]
ROOT = Path(__file__).resolve().parents[2]
WHOLE = ("echogan", "checkpoints")  # folders
SINGLE = ("app.py", "packages.txt", "LICENSE")
LEFT_OUT = (".pyc", ".pyi")
# Else pip installs the libraries of CUDA, six gigabytes that a Space without a GPU has no use for.
CPU_TORCH = "--extra-index-url https://download.pytorch.org/whl/cpu\n"
QUICKER = "onnx>=1.18,<2\nonnxruntime>=1.22,<2\n"  # what runs the network on a CPU in half the time
# The newest that ZeroGPU runs, by the pages of the Hub; torchvision goes with torch.
ZERO_GPU_TORCH = {"torch": "torch>=2.8,<2.12", "torchvision": "torchvision>=0.23,<0.27"}
SUGGESTED = {"cpu-basic": "cpu-basic", "zero-gpu": "zero-a10g"}
ABOUT = f"""
# EchoGANhance

Drop in a poor echocardiography clip, and see it enhanced beside the original, with maps of what was changed.

**{IN_FULL}** Do not send clips that name a patient: a Space is a server of somebody else.
"""


def space_files(
    hardware: Hardware = "cpu-basic", models: Iterable[str] = (), root: Path = ROOT
) -> dict[str, bytes]:
    """All that a Space needs, by its path there. `models` are named in the header, as user/model.

    Raises OutputError where the program lies without its sources.
    """
    try:
        header = (root / "README.md").read_text(encoding="utf-8").split("---\n")[1]
        files = {name: (root / name).read_bytes() for name in SINGLE}
        needed = (root / "requirements.txt").read_text(encoding="utf-8")
    except (OSError, IndexError):
        raise OutputError(
            f"{root} holds no sources of the program. Run this command in a clone of its repository."
        ) from None
    files["README.md"] = f"---\n{_header(header, hardware, models)}---\n{ABOUT}".encode()
    files["requirements.txt"] = _requirements(needed, hardware).encode()
    for folder in WHOLE:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root)
            hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
            if path.is_file() and not hidden and path.suffix not in LEFT_OUT:
                files[inside.as_posix()] = path.read_bytes()
    files[".gitattributes"] = _attributes(files).encode()
    return files


def _header(header: str, hardware: Hardware, models: Iterable[str]) -> str:
    """The project's header for this hardware, and with these models."""
    header = re.sub(
        r"^suggested_hardware: .*$", f"suggested_hardware: {SUGGESTED[hardware]}", header, flags=re.M
    )
    listed = "".join(f"- {model}\n" for model in models)
    return f"{header}models:\n{listed}" if listed else f"{header}models: []\n"


def _requirements(needed: str, hardware: Hardware) -> str:
    """requirements.txt with the torch of this hardware."""
    if hardware == "cpu-basic":
        return CPU_TORCH + needed + QUICKER
    for name, line in ZERO_GPU_TORCH.items():
        needed = re.sub(rf"^{name}\b.*$", line, needed, flags=re.M)
    return f"{needed}spaces>=0.40\n"


def _attributes(files: dict[str, bytes]) -> str:
    """What is kept in LFS: every kind of file that is not text, which the Hub refuses otherwise."""
    suffixes = {PurePosixPath(name).suffix for name, data in files.items() if b"\0" in data}
    return "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in sorted(suffixes))
