"""`python -m echogan space`: the page as a Gradio Space of the Hugging Face Hub."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from echogan.cli.space_files import Hardware, space_files


@dataclass
class Space:
    """Serve the page as a Space of the Hugging Face Hub: upload the program and its checkpoints, nothing else.

    The token is read from the environment variable HF_TOKEN. It is neither stored nor shown.
    """

    repo: Annotated[Positional[str], arg(metavar="USER/SPACE", help="the Space, made where there is none")]
    private: bool = True
    """only its owner sees the Space"""
    hardware: Hardware = "cpu-basic"
    """what it is made for: cpu-basic is free; zero-gpu lends a GPU for each clip"""
    models: UseAppendAction[list[str]] = field(default_factory=list)
    """a model of the Hub that the Space's page links to, as user/model; may be given again"""
    dry_run: bool = False
    """list the files and their sizes, and ask nobody"""

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.core.version import __version__
        from echogan.model.checkpoints.publish import check_repo, upload

        for name in (self.repo, *self.models):
            check_repo(name)
        files = space_files(self.hardware, self.models)
        if self.dry_run:
            for name, data in sorted(files.items()):
                print(f"{len(data):>10,}  {name}")
        size = f"{len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB"
        if self.dry_run:
            print(f"{size} would go to the {_kind(self.private)} Space {self.repo}; nothing was sent.")
            return 0
        with tempfile.TemporaryDirectory() as staged:
            for name, data in files.items():
                path = Path(staged, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            done = upload(self.repo, Path(staged), f"EchoGANhance {__version__}", self.private, space=True)
        print(f"{done.url} ({_kind(done.private)}; {size}); the Space starts within some minutes.")
        return 0


def _kind(private: bool) -> str:
    return "private" if private else "public"
