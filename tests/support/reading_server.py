"""The reading page behind the gate as a server of its own: for tests that kill it, or that need no tabs."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.responses import PlainTextResponse

from echogan.ui.gate import Gate
from echogan.ui.study.reading_routes import ReadingPages
from echogan.ui.study.studies import Studies


def reading_app(folder: Path) -> Gate:
    """The gate, the reading page, and nothing behind it."""
    return Gate(ReadingPages(PlainTextResponse("app"), Studies(folder)))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the studies of a folder from a thread; the address."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(reading_app(folder), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    uvicorn.run(reading_app(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="error")
