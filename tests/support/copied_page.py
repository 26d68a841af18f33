"""The page started from another folder than this checkout, as a Space or a container starts it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
from app_process import free_port

STUB = Path(__file__).with_name("zero_gpu_stub")
HOST = "heart-echo.hf.space"
START_SECONDS = 300  # until the test gives up; other work may share the machine
FOREIGN = ("ECHOGAN_", "GRADIO_", "SPACE", "HF_", "PYTHONPATH")


class Served(NamedTuple):
    """A page that serves: where, seconds its start took, on the clock and of processors, the file of what it prints."""

    http: httpx.Client
    url: str
    start_seconds: float
    start_cpu_seconds: float
    log: Path


def serving_space(folder: Path, zero_gpu: bool) -> AbstractContextManager[Served]:
    """The page of a Space; with `zero_gpu` under the rules of ZeroGPU."""
    environment = {
        "GRADIO_SERVER_PORT": str(free_port()),
        "GRADIO_TEMP_DIR": str(folder.with_suffix(".gradio")),
        "SPACE_ID": "heart/echo",
        "SPACE_HOST": HOST,
        "HF_HUB_OFFLINE": "1",
    }
    if zero_gpu:
        environment |= {"SPACES_ZERO_GPU": "true", "PYTHONPATH": str(STUB)}
    return started(folder, environment, folder.with_suffix(".log"))


@contextmanager
def started(folder: Path, environment: dict[str, str], log: Path) -> Iterator[Served]:
    """`python app.py` in a folder, with this environment and nothing of the tests' own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own |= {"OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1,localhost", "PYTHONDONTWRITEBYTECODE": "1"}
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=folder, env=own | environment, stdout=out, stderr=out
        )
    try:
        while "EchoGANhance is at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < began + START_SECONDS, log.read_text()
            time.sleep(0.1)
        took, used = time.monotonic() - began, psutil.Process(process.pid).cpu_times()
        url = f"http://127.0.0.1:{environment['GRADIO_SERVER_PORT']}"
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
            yield Served(http, url, took, used.user + used.system, log)
    finally:
        process.terminate()
        process.wait(60)
