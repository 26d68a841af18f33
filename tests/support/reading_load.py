"""Many readers at once over real HTTP, while the server is killed and started again; and what was lost after that."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from reading_server import free_port
from small_study import small_protocol, small_study

from echogan.study.store.audit import verify
from echogan.study.store.readers import invite
from echogan.study.store.store import Store

UP = 120.0  # seconds that a server may take to answer


@dataclass
class LoadReader:
    """A reader's browser: rates what comes next, keeps what was not acknowledged, and sends it again by its id."""

    token: str
    base: str
    acknowledged: dict[str, str] = field(default_factory=dict)  # uuid -> assignment
    order: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)  # seconds from sending to the answer
    wrong: list[str] = field(default_factory=list)

    def read(self, over: threading.Event, think: float, rng: random.Random) -> None:
        """Rate until it is over."""
        with httpx.Client(base_url=f"{self.base}/read/{self.token}", timeout=30.0) as http:
            while not over.is_set():
                state = self._again(lambda: http.get("/state"), over)
                if state is None or state["phase"] != "reading":
                    return
                self._rate(http, state["cases"][0], over)
                time.sleep(rng.uniform(0.0, 2.0 * think))

    def _rate(self, http: httpx.Client, case: dict, over: threading.Event) -> None:
        # Whoever was acknowledged must not be shown the same again, whatever happened to the server.
        if case["id"] in self.acknowledged.values():
            self.wrong.append(f"shown again: {case['id']}")
        answers = {item["id"]: item["options"][0]["value"] for item in case["items"]}
        sent = {
            "id": str(uuid.uuid4()), "assignment": case["id"], "replaces": None, "answers": answers, "plays": 1,
            "dwell_ms": 1000, "hidden_ms": 0, "viewport": "1280x800@1",
        }  # fmt: skip
        begun = time.monotonic()
        answer = self._again(lambda: http.post("/ratings", json=sent), over)
        if answer is not None:
            self.waits.append(time.monotonic() - begun)
            self.acknowledged[sent["id"]] = case["id"]
            self.order.append(case["id"])

    def _again(self, ask: Callable[[], httpx.Response], over: threading.Event) -> dict | None:
        """The answer, however often it takes; None where it is over."""
        while not over.is_set():
            try:
                answer = ask()
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            if answer.status_code == 200:
                return answer.json()
            if answer.status_code < 500:
                self.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
                return None
            time.sleep(0.2)
        return None


@dataclass(frozen=True)
class Outcome:
    """What was acknowledged, what of it was lost or doubled, and how long a reader waited for "Saved" (seconds)."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    wrong: list[str]
    kills: int
    p50: float
    p99: float

    def to_json(self) -> str:
        return json.dumps(self.__dict__)


def run_load(
    folder: Path,
    readers: int = 30,
    seconds: float = 120.0,
    kills: int = 1,
    think: float = 1.0,
    command: Sequence[str] | None = None,
) -> Outcome:
    """Let `readers` rate while a server answers for `seconds`, and kill it `kills` times, evenly.

    `command` starts a server; it gets the folder of the studies and a port.
    """
    protocol = small_protocol("pair", readers=readers, repeats=10)
    store = small_study(folder / "load", protocol, clips=400)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    start = [*(command or (sys.executable, "-m", "reading_server")), str(folder), str(port)]
    people = [LoadReader(invite(store, "owner")[1], base) for _ in range(readers)]
    store.close()  # the server's processes alone work on it
    server = _started(start, base)
    over = threading.Event()
    threads = [
        threading.Thread(target=person.read, args=(over, think, random.Random(n)))
        for n, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            time.sleep(seconds / (kills + 1))
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = _started(start, base)
        time.sleep(seconds / (kills + 1))
    finally:
        over.set()
        for thread in threads:
            thread.join()
        server.kill()
        server.wait()
    return outcome(Store(folder / "load"), people, kills)


def outcome(store: Store, people: Sequence[LoadReader], kills: int) -> Outcome:
    """Compare what readers were told with what is stored."""
    with store.read() as db:
        rows = db.execute(
            "SELECT uuid, assignment, slot, position FROM rating JOIN assignment AS a ON a.id = assignment "
            "ORDER BY slot, position"
        ).fetchall()
        firsts = {
            slot: [
                row[0]
                for row in db.execute("SELECT id FROM assignment WHERE slot = ? ORDER BY position", (slot,))
            ]
            for slot in range(len(people))
        }
    stored = {row["uuid"]: row["assignment"] for row in rows}
    wrong = [fault for person in people for fault in person.wrong] + verify(store)
    lost = 0
    for slot, person in enumerate(people):
        lost += sum(stored.get(name) != assignment for name, assignment in person.acknowledged.items())
        # In the order of the list, without a gap: everybody went on at the right case.
        if person.order != firsts[slot][: len(person.order)]:
            wrong.append(f"reader {slot} did not go on at the right case")
    waits = sorted(wait for person in people for wait in person.waits)
    doubled = len(stored) - len(set(stored.values()))
    at = lambda share: round(waits[int(share * (len(waits) - 1))], 4)  # noqa: E731
    return Outcome(
        sum(len(person.acknowledged) for person in people), len(stored), lost, doubled, wrong, kills, at(0.5), at(0.99)
    )  # fmt: skip


def _started(command: Sequence[str], base: str) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    until = time.monotonic() + UP
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended by itself"
        try:
            httpx.get(f"{base}/read/page/main.js", timeout=2.0)
            return server
        except httpx.TransportError:
            time.sleep(0.1)
    server.kill()
    raise AssertionError("the server did not answer")
