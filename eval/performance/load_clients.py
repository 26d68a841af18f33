"""Those who load the app: visitors of the page, and a greedy client of its public endpoint."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from echogan.clips.files import open_clip, write_clip
from echogan.core.errors import EchoGANError
from echogan.phantom_files.examples import EXAMPLES, FOLDER
from eval.performance.page_client import Page


@dataclass(frozen=True)
class Work:
    """For how many seconds new clips are begun, and how many frames each has."""

    seconds: float
    frames: int


@dataclass
class Seen:
    """What the visitors met. Lists and counts are changed with the interpreter's lock only."""

    waits: list[float] = field(default_factory=list)  # s, from pressing Enhance to the last frame
    served: list[int] = field(default_factory=list)  # clips of each visitor
    refused: list[str] = field(default_factory=list)  # sentences
    stills: list[float] = field(default_factory=list)  # s between two news of a clip's place or progress


def visit(url: str, work: Work, number: int, seen: Seen, at_once: int = 1) -> None:
    """One visitor: clip after clip until the time is up; at least one, and the last one to its end."""
    end, served = time.monotonic() + work.seconds, 0
    try:
        page = Page(url)
        with page.http.stream("GET", f"/gradio_api/heartbeat/{page.session}"):
            while not served or time.monotonic() < end:
                seeds = [number * 1000 + served + index for index in range(at_once)]
                take_clips(page, work.frames, seeds, seen)
                served += at_once
    except (EchoGANError, httpx.HTTPError) as error:
        seen.refused.append(f"{type(error).__name__}: {error}"[:200])
    seen.served.append(served)


def take_clips(page: Page, frames: int, seeds: list[int], seen: Seen) -> None:
    """Send clips, enhance, look at every frame, save, and take them out of the list. Raises PageError, HTTPError."""
    sent = [(f"clip{seed}.gif", clip_of(seed, frames)) for seed in seeds]
    news = time.monotonic()

    def note(line: dict) -> None:
        nonlocal news
        if line["state"] != "queued" or line["place"] is not None:
            seen.stills.append(time.monotonic() - news)
            news = time.monotonic()

    ids = [page.add(name, data) for name, data in sent]
    for clip in ids:
        page.wait(clip, "ready", note)
    began = news = time.monotonic()
    page.call("enhance", ids=ids, model="echogan")
    for clip in ids:
        page.wait(clip, "done", note)
        seen.waits.append(time.monotonic() - began)
        assert page.fetch_tiles(clip) > 0
        assert page.export(clip) > 0
        news = time.monotonic()
    page.call("remove", ids=ids)


class Greedy(threading.Thread):
    """A client of the public endpoint that posts many jobs at once, and listens to them."""

    def __init__(self, url: str, work: Work, jobs: int) -> None:
        super().__init__(daemon=True)
        self.url, self.work, self.jobs = url, work, jobs
        self.accepted = self.refused = self.served = 0
        self._leave = threading.Event()

    def run(self) -> None:
        """Post, then listen until `leave`."""
        page = Page(self.url)
        upload = page.upload("greedy.gif", clip_of(999_999, self.work.frames))
        for _ in range(self.jobs):
            if page.post_job(upload, page.session) == httpx.codes.OK:
                self.accepted += 1
            else:
                self.refused += 1
        path = f"/gradio_api/queue/data?session_hash={page.session}"
        heartbeat = page.http.stream("GET", f"/gradio_api/heartbeat/{page.session}")
        with heartbeat, page.http.stream("GET", path, timeout=None) as events:
            for line in events.iter_lines():
                self.served += '"process_completed"' in line and '"success":true' in line.replace(" ", "")
                if self._leave.is_set():
                    return

    def leave(self) -> None:
        """Stop listening, and wait for that."""
        self._leave.set()
        self.join(60)


def clip_of(seed: int, frames: int) -> bytes:
    """A visitor's own short clip as a GIF: the start of an example with other noise for each seed."""
    example = open_clip(FOLDER / next(iter(EXAMPLES.values())).file_name("degraded"))
    noise = np.random.default_rng(seed)
    shown = []
    for frame, _ in zip(example.iter_frames(), range(frames), strict=False):
        grain = np.where(frame > 0, noise.integers(-6, 7, frame.shape), 0)
        shown.append((frame + grain).clip(0, 255).astype(np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.gif")
        write_clip(path, shown, example)
        return path.read_bytes()
