"""The app in a process of its own, as its owner starts it, and requests to it by raw HTTP."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
LOG = "log.txt"  # in the folder given: all that the process prints


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[httpx.Client]:
    """The app as its owner starts it, with these variables."""
    port, log = free_port(), folder / LOG
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ECHOGAN_", "GRADIO_", "SPACE_"))}
    kept |= {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "ECHOGAN_RUNS": str(folder / "runs"),
        "ECHOGAN_CACHE": os.environ["ECHOGAN_CACHE"],
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=kept | environment, stdout=out, stderr=out
        )
    try:
        end = time.monotonic() + START_SECONDS
        while "EchoGANhance is at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
            yield http
    finally:
        process.terminate()
        process.wait(30)


@lru_cache
def component(http: httpx.Client, elem_id: str) -> int:
    """The number of a component of the page."""
    found = http.get("/config").json()["components"]
    return next(one["id"] for one in found if one["props"].get("elem_id") == elem_id)


def ask(http: httpx.Client, name: str, data: Any, session: str = "page") -> Any:
    """A call of the page."""
    body = {
        "session_hash": session,
        "component_id": component(http, "eg-player"),
        "fn_name": name,
        "data": data,
    }
    return http.post("/gradio_api/component_server", json=body).json()


def events(http: httpx.Client) -> list[dict[str, Any]]:
    """What can happen on the page."""
    return http.get("/config").json()["dependencies"]
