"""`python -m echogan browser-demo`: a folder with a static page that runs the network in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from echogan.model.checkpoints.checkpoint import DEFAULT


@dataclass
class BrowserDemo:
    """Make a folder that any web server can serve: a page that enhances a clip in the visitor's browser.

    The clip is sent nowhere. The page has no trust flags, no trust card and no cycle error. It needs the library
    onnxruntime-web, which is not part of this project.
    """

    output: Annotated[
        Positional[Path], arg(metavar="OUT", help="the folder; files of the same names are replaced")
    ]
    model: str = DEFAULT
    """a bundled checkpoint, its folder, or user/model[@revision] on the Hugging Face Hub"""
    runtime: Path | None = None
    """the unpacked package onnxruntime-web, or its folder dist"""
    fetch_runtime: bool = False
    """fetch onnxruntime-web with npm, which must be installed"""

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.core.errors import SettingsError
        from echogan.model.checkpoints.hub import load_checkpoint
        from echogan.ui.browser_demo.assemble import assemble, fetched_runtime

        if (self.runtime is None) == (not self.fetch_runtime):
            raise SettingsError(
                "The page needs onnxruntime-web: give its folder with --runtime, or let npm fetch it: --fetch-runtime."
            )
        checkpoint = load_checkpoint(self.model)
        if self.runtime is not None:
            files = assemble(self.output, checkpoint, self.runtime)
        else:
            with fetched_runtime() as runtime:
                files = assemble(self.output, checkpoint, runtime)
        size = sum(path.stat().st_size for path in files) / 1e6
        print(
            f"{self.output}: {len(files)} files, {size:.1f} MB. Serve the folder; opened as a file it does not run."
        )
        return 0
