"""`python -m echogan mcp`: tools for an assistant on this machine, by the Model Context Protocol (MCP)."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.cli.console import make_folder
from echogan.clips.clip import ClipLimits
from echogan.core.errors import SettingsError
from echogan.model.checkpoints.checkpoint import DEFAULT

ABSENT = "python -m echogan mcp needs the MCP SDK, which is not installed: pip install 'mcp>=2,<3'."
STARTED_BY_HAND = "An MCP client starts this command and talks to it; docs/api.md shows how. Ctrl-C ends it."


@dataclass
class ServeTools:
    """Serve the tools models, enhance and diagnose to an MCP client, on standard input and output.

    The client's assistant can have clips of the folder CLIPS enhanced, and of no other place; every result is a new
    folder in RESULTS, and nothing is overwritten. No address is opened. What the tools answer (paths, numbers and
    warnings, no picture) goes to the client, and from there to whoever runs its language model.
    """

    clips: Annotated[Positional[Path], arg(metavar="CLIPS", help="folder of clips, with the folders in it")]
    results: Annotated[Positional[Path], arg(metavar="RESULTS", help="folder of the results")]
    model: str = DEFAULT
    """offered besides the bundled checkpoints, and used where a call names none: one of these, its folder, or
    user/model[@revision] on the Hugging Face Hub"""
    limits: OmitArgPrefixes[ClipLimits] = field(default_factory=ClipLimits)

    def run(self) -> int:
        """Serve until the client closes standard input; returns the exit code. Raises EchoGANError."""
        self.limits.check()
        try:
            from echogan.cli.mcp_server import serve
        except ImportError as error:
            if (error.name or "").partition(".")[0] != "mcp":
                raise
            raise SettingsError(ABSENT) from None
        from echogan.cli.mcp_tools import ClipTools
        from echogan.model.checkpoints.hub import load_checkpoint

        if not self.clips.is_dir():
            raise SettingsError(f"There is no folder {self.clips}. Check the path.")
        make_folder(self.results)
        if sys.stdin is not None and sys.stdin.isatty():
            print(STARTED_BY_HAND, file=sys.stderr)
        serve(ClipTools(self.clips, self.results, self.model, load_checkpoint(self.model), self.limits))
        return 0
