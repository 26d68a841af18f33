"""A server killed without warning: no acknowledged rating is lost, none is kept twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from studies import opened_study, rating, small, small_cases

from echogan.study.store.audit import verify
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite, readers
from echogan.study.store.reading import next_task
from echogan.study.store.store import Store

ROOT = Path(__file__).resolve().parents[3]
KILLS = 5
RATER = """
import os, sys, threading
sys.path[:0] = ["tests/support"]
from pathlib import Path
from studies import rating
from echogan.study.store.store import Store
from echogan.study.store.ratings import record
from echogan.study.store.reading import next_task
from echogan.study.store.readers import readers

store = Store(Path(sys.argv[1]))

def say(word, sent):  # one call, so that the lines of two threads do not mix
    os.write(1, f"{word} {sent.uuid} {sent.task}\\n".encode())

def read(reader):
    while task := next_task(store, reader):
        sent = rating(task)
        say("sent", sent)
        record(store, reader, sent)
        say("saved", sent)

threads = [threading.Thread(target=read, args=(reader,)) for reader in readers(store)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_no_acknowledged_rating_is_lost_and_none_is_doubled(tmp_path):
    store = opened_study(tmp_path, protocol=small("fidelity", readers=4), cases=small_cases(120))
    for _ in range(4):
        invite(store, "lead")
    store.close()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    acknowledged: list[tuple[str, str]] = []
    sent: list[tuple[str, str]] = []
    for kill in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", RATER, str(tmp_path)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(20 + 3 * kill)]
        time.sleep(0.01 * kill)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        words = [line.split() for line in lines]
        acknowledged += [(word[1], word[2]) for word in words if word[0] == "saved"]
        sent += [(word[1], word[2]) for word in words if word[0] == "sent"]
    store = Store(tmp_path)
    with store.read() as db:
        rows = [tuple(row) for row in db.execute("SELECT uuid, assignment FROM rating")]
    assert len(acknowledged) >= 8 * KILLS
    assert set(acknowledged) <= set(rows) <= set(sent)
    assert len({assignment for _, assignment in rows}) == len(rows)
    assert verify(store) == []
    for reader in readers(store):  # everybody goes on where they were
        task = next_task(store, reader)
        assert task is not None
        record(store, reader, rating(task))
