"""The MCP server: three tools on standard input and output. Only this file imports the MCP SDK, which is optional."""

from __future__ import annotations

import inspect
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import anyio
from anyio import from_thread, to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import Field, ValidationError

from echogan.cli.console import ASKING
from echogan.cli.mcp_tools import ClipTools, Progress, Result
from echogan.core.errors import EchoGANError
from echogan.core.notice import NO_DEVICE, NOTICE
from echogan.core.version import __version__
from echogan.ui.error_words import FAILED, log_place

INSTRUCTIONS = (
    "Enhances echocardiography clips of this machine by a neural network. "
    f"{NOTICE}: say so with every result, and pass on its warnings. {NO_DEVICE}"
)
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
Work = Callable[[Progress, threading.Event], Result]
File = Annotated[
    str, Field(description="path of a clip: in the user's folder of clips, or relative to that folder")
]
Model = Annotated[str, Field(description="a name that the tool models lists; empty for the usual one")]
Strength = Annotated[float, Field(description="share of the change that is applied, 0 to 1")]
KeepOriginal = Annotated[
    bool, Field(description="show the original where the result is flagged; needs a calibrated model")
]


class Server(MCPServer):
    """An MCP server with the three tools, which answer every mistake with one sentence."""

    def __init__(self, tools: ClipTools) -> None:
        # Less than an error is not logged: it may name files, and clients keep the log.
        super().__init__(
            "echogan", "EchoGANhance", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR"
        )
        self._tools, self._turn = tools, anyio.Lock()
        for tool, hints in ((self.models, READS), (self.enhance, WRITES), (self.diagnose, WRITES)):
            self.add_tool(tool, description=inspect.getdoc(tool), annotations=hints)

    async def models(self) -> list[dict[str, Any]]:
        """List the models that can be named.

        Of each: name, kind, sha256 of the weights, size in bytes, parameters, working_size in pixels, license,
        calibrated (whether results are flagged where they were probably changed wrongly) and trained_on.
        """
        return await to_thread.run_sync(self._tools.models)

    async def enhance(
        self,
        context: Context[Any, Any],
        file: File,
        model: Model = "",
        strength: Strength = 1.0,
        keep_original: KeepOriginal = False,
    ) -> Result:
        """Enhance one echocardiography clip. Research only.

        Writes the enhanced clip (MP4) and the report (JSON) into a new folder. Returns their paths, the mean of each
        map in grey levels, the findings of the trust card, and warnings. What comes of DICOM is black outside the
        sector.
        """
        return await self._in_turn(
            partial(self._tools.enhance, file, model, strength, keep_original), context
        )

    async def diagnose(self, context: Context[Any, Any], file: File, model: Model = "") -> Result:
        """Show what enhancing one clip at full strength would change, and where not to believe it. Research only.

        Writes the maps (PNG), the trust card (PDF and HTML) and the report (JSON) into a new folder. Returns their
        paths, the mean of each map in grey levels, the findings of the trust card, and warnings.
        """
        return await self._in_turn(partial(self._tools.diagnose, file, model), context)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """What a tool answers. Raises ToolError with one sentence."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            raise ToolError(_sentence(error)) from None

    async def _in_turn(self, work: Work, context: Context[Any, Any]) -> Result:
        """Do the work in a thread, one clip at a time. It ends after its batch when the client cancels or leaves."""
        cancel = threading.Event()

        def progress(done: int, total: int) -> None:
            if not cancel.is_set():
                from_thread.run(context.report_progress, done, total)

        async with self._turn:
            try:
                return await to_thread.run_sync(work, progress, cancel, abandon_on_cancel=True)
            finally:
                cancel.set()


def _sentence(error: ToolError) -> str:
    cause = error.__cause__
    if isinstance(cause, EchoGANError):
        return str(cause)
    if isinstance(cause, ValidationError):
        first = cause.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
    if isinstance(cause, OSError):
        return f"The system refused: {cause.strerror}."
    if cause is None:  # there is no such tool
        return str(error)
    log_place(cause)
    return FAILED


def serve(tools: ClipTools) -> None:
    """Serve until the client closes standard input, or SIGINT or SIGTERM asks for the end."""

    def end(number: int, frame: object) -> None:
        # At once: a thread waits for standard input, which cannot be interrupted, and a client soon kills.
        tools.discard()
        os._exit(128 + number)

    for number in ASKING:
        signal.signal(number, end)
    Server(tools).run("stdio")
