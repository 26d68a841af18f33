"""The page's calls as plain HTTP, and the app as a process of its own: what the load is measured with."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil

from echogan.core.errors import EchoGANError
from echogan.enhance.frame_tiles import PER_CHUNK
from eval.paths import ROOT

START_SECONDS = 180
CALL_SECONDS = 60  # a page would have given up
PAUSE = 0.05  # seconds between an answer and the page's next question, which the server holds until there are news


class PageError(EchoGANError):
    """The app does not answer as the page needs it."""


class Page:
    """A visitor's page. Each call raises PageError with the server's sentence, or HTTPError."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=CALL_SECONDS, trust_env=False)
        self.session = secrets.token_hex(8)
        config = self.http.get("/config").raise_for_status().json()
        self.player = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "eg-player")
        self.endpoint = next(d["id"] for d in config["dependencies"] if d.get("api_name") == "enhance")
        self.visit: str | None = None
        self.visit = self.call("workspace")["visit"]

    def call(self, name: str, **data: Any) -> dict[str, Any]:
        """A function of the player on the server."""
        body = {
            "data": {"visit": self.visit, **data},
            "component_id": self.player,
            "fn_name": name,
            "session_hash": self.session,
        }
        answer = self.http.post("/gradio_api/component_server", json=body).raise_for_status().json()
        if error := answer.get("error"):
            raise PageError(error)
        return answer

    def upload(self, name: str, data: bytes) -> str:
        """The path that Gradio gives a file."""
        sent = self.http.post("/gradio_api/upload", files={"files": (name, data)})
        return sent.raise_for_status().json()[0]

    def add(self, name: str, data: bytes) -> str:
        """The id of a clip that was sent."""
        answer = self.call("add_clips", files=[{"path": self.upload(name, data), "name": name}])
        if answer["refused"]:
            raise PageError(answer["refused"][0]["sentence"])
        return answer["added"][0]

    def wait(self, clip: str, state: str, seen: Callable[[dict[str, Any]], None]) -> None:
        """Ask for news until the clip is in this state; each line of it is handed to `seen`."""
        for answer in self.news():
            line = next(line for line in answer["clips"] if line["id"] == clip)
            if line["state"] in ("failed", "refused"):
                raise PageError(line["error"])
            seen(line)
            if line["state"] == state:
                return

    def news(self) -> Iterator[dict[str, Any]]:
        """The list of clips and exports, and again whenever something has changed, or some time has gone by."""
        seen = ""
        while True:
            answer = self.call("news", seen=seen)
            seen = answer["seen"]
            yield answer
            time.sleep(PAUSE)

    def fetch(self, path: str) -> int:
        """The size of a file that the page shows or saves, bytes."""
        return len(self.http.get(f"/gradio_api/file={quote(path)}").raise_for_status().content)

    def fetch_tiles(self, clip: str) -> int:
        """Fetch all tiles of a clip and of its result, as a reader does who looks at every frame; their bytes."""
        found, total = self.call("clip", id=clip), 0
        for stream in (found["original"], found["result"], found["result"]["map_tiles"]):
            for start in range(0, stream["ready"], PER_CHUNK):
                total += self.fetch(f"{stream['folder']}/{start:06d}.tiles")
        return total

    def export(self, clip: str, kind: str = "mp4") -> int:
        """Make an export, and fetch it; its bytes."""
        made = self.call("export", ids=[clip], kind=kind, strength={}, mark=True)["exports"][-1]["id"]
        end = time.monotonic() + CALL_SECONDS
        for answer in self.news():
            export = next(e for e in answer["exports"] if e["id"] == made)
            if export["state"] == "done":
                return self.fetch(export["file"])
            if export["state"] == "failed":
                raise PageError(export["error"])
            if time.monotonic() > end:
                break
        raise PageError("The export took too long.")

    def post_job(self, upload: str, session: str) -> int:
        """Ask the public endpoint to enhance a file, and do not wait: the status of the answer."""
        file = {"path": upload, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [file, "echogan", 1.0], "fn_index": self.endpoint, "session_hash": session}
        return self.http.post("/gradio_api/queue/join", json=body).status_code


@contextmanager
def running_app(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app with its temporary files in `folder`: its address, and its process. Raises PageError."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder),
        "HF_HUB_OFFLINE": "1",
    }
    with (folder.parent / "app.log").open("wb") as log:
        app = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + START_SECONDS
        while not _answers(url):
            if app.poll() is not None or time.monotonic() > end:
                raise PageError(f"The app does not start: {(folder.parent / 'app.log').read_text()[-300:]}")
            time.sleep(0.5)
        yield url, psutil.Process(app.pid)
    finally:
        app.terminate()
        try:
            app.wait(30)
        except subprocess.TimeoutExpired:
            app.kill()
            app.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/config", trust_env=False).status_code == httpx.codes.OK
    except (httpx.HTTPError, json.JSONDecodeError):
        return False
