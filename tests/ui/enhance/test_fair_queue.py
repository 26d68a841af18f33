"""The queue: visitors in turn, places and times, cancelling, and no thread that stays for nothing."""

import threading
import time

import pytest
from small_workplace import until

from echogan.ui.enhance.fair_queue import FairQueue, Job


class Bench:
    """A queue whose jobs note that they ran, and wait for a signal."""

    def __init__(self, workers: int = 1):
        self.queue, self.ran, self.go = FairQueue("test", workers), [], threading.Event()
        self.ended: list[str] = []

    def put(self, visitor: str, name: str, frames: int = 10, address: str = "") -> Job:
        def work(job: Job) -> None:
            self.ran.append(name)
            self.go.wait(20)
            job.done = frames

        def ended(job: Job) -> None:
            self.ended.append(name)

        return self.queue.submit(Job(visitor, work, frames, ended, address=address))


def test_visitors_take_turns_and_places_say_so():
    bench = Bench()
    first = bench.put("ann", "ann 1")
    until(lambda: first.running)
    names = {"ann 2": "ann", "ann 3": "ann", "bob 1": "bob", "cid 1": "cid", "bob 2": "bob"}
    jobs = {name: bench.put(visitor, name) for name, visitor in names.items()}
    places = bench.queue.places()
    order = sorted(names, key=lambda name: places[jobs[name]].before)
    assert [places[jobs[name]].before for name in order] == [1, 2, 3, 4, 5]
    assert places[jobs["bob 1"]].seconds is None  # nothing was measured yet
    bench.go.set()
    until(lambda: all(job.over.is_set() for job in jobs.values()))
    assert bench.ran == ["ann 1", *order]
    assert order == ["ann 2", "bob 1", "cid 1", "ann 3", "bob 2"]
    assert bench.ended == bench.ran


def test_the_wait_follows_from_the_measured_seconds_per_frame():
    queue, go = FairQueue("test"), threading.Event()

    def timed(job: Job) -> None:
        time.sleep(0.2)
        job.done = 10

    queue.submit(Job("ann", timed, 10)).over.wait(10)
    assert queue.seconds_per_frame == pytest.approx(0.02, rel=0.5)
    running = queue.submit(Job("ann", lambda job: go.wait(20), 50))
    until(lambda: running.running)
    running.done = 10
    before, last = (queue.submit(Job(visitor, lambda job: None, 30)) for visitor in ("bob", "cid"))
    places = queue.places()
    rate = queue.seconds_per_frame
    assert rate is not None
    assert places[before].seconds == pytest.approx(40 * rate)
    assert places[last].seconds == pytest.approx(70 * rate)
    go.set()
    until(last.over.is_set)


def test_what_waits_is_taken_out_and_what_runs_is_asked_to_stop():
    bench = Bench()
    running, waiting, other = (bench.put(visitor, visitor) for visitor in ("ann", "bob", "cid"))
    until(lambda: running.running)
    bench.queue.cancel(waiting)
    assert waiting.over.is_set()
    assert bench.ended == ["bob"]
    bench.queue.cancel(running)
    assert running.cancel.is_set()
    assert not running.over.is_set()
    bench.go.set()
    until(other.over.is_set)
    assert bench.ran == ["ann", "cid"]


def test_two_workers_run_two_jobs_at_once():
    bench = Bench(workers=2)
    jobs = [bench.put("ann", str(number)) for number in range(3)]
    until(lambda: sum(job.running for job in jobs) == 2)
    assert bench.queue.places()[jobs[2]].before == 2
    bench.go.set()
    until(lambda: all(job.over.is_set() for job in jobs))


def test_a_fault_ends_its_job_and_not_the_queue(caplog):
    queue, name = FairQueue("test"), "Jane" + " Doe"

    def fail(job: Job) -> None:
        raise RuntimeError(name)

    bad, good = queue.submit(Job("ann", fail)), queue.submit(Job("ann", lambda job: None))
    until(good.over.is_set)
    assert bad.over.is_set()
    assert "RuntimeError" in caplog.text
    assert "Jane" not in caplog.text


def test_without_work_there_is_no_thread():
    queue = FairQueue("only-this-test")
    queue.submit(Job("ann", lambda job: None)).over.wait(10)
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "only-this-test"])
    assert queue.submit(Job("ann", lambda job: None)).over.wait(10)


def test_closing_ends_everything():
    bench = Bench()
    running, waiting = bench.put("ann", "1"), bench.put("ann", "2")
    until(lambda: running.running)
    threading.Timer(0.1, bench.go.set).start()
    bench.queue.close()
    assert running.over.is_set()
    assert waiting.over.is_set()
    assert bench.ran == ["1"]


def test_many_visitors_of_one_address_have_one_turn():
    bench = Bench()
    first = bench.put("ann", "ann 0", address="home")
    until(lambda: first.running)
    jobs = [bench.put(f"bot {number}", f"bot {number}", address="office") for number in range(3)]
    jobs += [bench.put("cid", f"cid {number}", address="clinic") for number in range(2)]
    places = bench.queue.places()
    assert [places[job].before for job in jobs] == [1, 3, 5, 2, 4]
    bench.queue.cancel(jobs[1])
    bench.go.set()
    until(lambda: all(job.over.is_set() for job in jobs))
    assert bench.ran == ["ann 0", "bot 0", "cid 0", "bot 2", "cid 1"]
