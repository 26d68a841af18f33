"""status.json of a run: its state and step for other programs to read, and the reason if it has ended."""

from __future__ import annotations

from types import TracebackType

from echogan.core.errors import EchoGANError
from echogan.training.run_folder import RunFolder


class StatusFile:
    """A context manager that locks the run and writes its state: "running" from the first `at` on, and at the end
    "finished", "stopped" or "failed" with a message. A run that ends before the first `at` changes nothing.

    With `silent` (all processes but the main one) nothing is written or locked.
    """

    def __init__(self, folder: RunFolder, steps: int, silent: bool = False) -> None:
        self.folder, self.steps, self.silent = folder, steps, silent
        self.step: int | None = None
        self.end, self.message = "finished", ""

    def __enter__(self) -> StatusFile:
        if not self.silent and self.folder.path.exists():
            self.folder.claim()
        return self

    def at(self, step: int) -> None:
        """Write that `step` steps are done."""
        self.step = step
        self._tell("running")

    def ended(self, end: str, message: str) -> None:
        """Set the state and message to write at the end."""
        self.end, self.message = end, message

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.end, self.message = "failed", self._failure(error)
        if self.step is not None:
            self._tell(self.end)
        self.folder.release()

    def _failure(self, error: BaseException) -> str:
        if isinstance(error, EchoGANError):
            return str(error)
        return f"{type(error).__name__} at step {self.step}; --resume goes on from the last saved state."

    def _tell(self, state: str) -> None:
        if not self.silent:
            assert self.step is not None
            self.folder.tell(state, self.step, self.steps, self.message)
