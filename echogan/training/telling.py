"""status.json of a run: whoever looks at its folder sees what it is doing, or why it is not."""

from __future__ import annotations

from types import TracebackType

from echogan.errors import EchoGANError
from echogan.training.run_folder import RunFolder


class Telling:
    """While entered the run is "running"; afterwards "finished", "stopped" or "failed", with a sentence.

    With `silent` (all processes but the main one) nothing is written.
    """

    def __init__(self, folder: RunFolder, step: int, steps: int, silent: bool = False) -> None:
        self.folder, self.step, self.steps, self.silent = folder, step, steps, silent
        self.end, self.message = "finished", ""

    def __enter__(self) -> Telling:
        self._tell("running")
        return self

    def at(self, step: int) -> None:
        """So many steps are done."""
        self.step = step
        self._tell("running")

    def ended(self, end: str, message: str) -> None:
        """How the run will have ended."""
        self.end, self.message = end, message

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._tell(self.end)
        elif isinstance(error, EchoGANError):
            self.message = str(error)
            self._tell("failed")
        else:
            self.message = (
                f"{type(error).__name__} at step {self.step}; --resume goes on from the last saved state."
            )
            self._tell("failed")

    def _tell(self, state: str) -> None:
        if not self.silent:
            self.folder.tell(state, self.step, self.steps, self.message)
