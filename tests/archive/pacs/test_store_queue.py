"""The queue on disk: order, limits, and what a killed process leaves."""

import os
import stat
import time

import pytest

from echogan.archive.pacs.store_queue import ABANDONED_SECONDS, QueueFull, StoreQueue
from echogan.core.errors import OutputError


def put(queue: StoreQueue, text: str) -> int:
    path = queue.incoming / f"{text}.dcm"
    path.write_text(text)
    return queue.put(path)


def test_objects_wait_in_order_and_outlive_the_process(tmp_path):
    with StoreQueue(tmp_path / "queue", 10) as queue:
        assert [put(queue, name) for name in ("a", "b", "c")] == [1, 2, 3]
    with StoreQueue(tmp_path / "queue", 10) as queue:
        assert queue.waiting() == [1, 2, 3]
        number, source, target = queue.to_enhance() or pytest.fail("nothing")
        assert (number, source.read_text()) == (1, "a")
        target.write_text("A")
        queue.drop(1)
        assert put(queue, "d") == 4, "a number is not given twice while its result waits"
        assert queue.to_deliver() == (1, target)
        queue.delivered(1)
        assert queue.waiting() == [2, 3, 4]


def test_what_was_half_received_is_gone_and_what_was_enhanced_is_not_done_again(tmp_path):
    with StoreQueue(tmp_path / "queue", 10) as queue:
        put(queue, "a")
        (queue.incoming / "half.dcm").write_text("hal")
        _, _, target = queue.to_enhance() or pytest.fail("nothing")
        target.write_text("A")  # and killed before `drop`
    with StoreQueue(tmp_path / "queue", 10) as queue:
        assert list(queue.incoming.iterdir()) == []
        assert queue.to_enhance() is None
        assert queue.to_deliver() == (1, target)


def test_what_was_done_is_remembered(tmp_path):
    with StoreQueue(tmp_path / "queue", 10) as queue:
        assert not queue.was_done("ab12")
        queue.note_done("ab12")
        queue.note_done("cd34")
    with (tmp_path / "queue" / "done.txt").open("a") as file:
        file.write("ef")  # a power cut in the middle of a line
    with StoreQueue(tmp_path / "queue", 10) as queue:
        queue.note_done("0987")
    with StoreQueue(tmp_path / "queue", 10) as queue:
        found = [queue.was_done(key) for key in ("ab12", "cd34", "ef56", "0987")]
        assert found == [True, True, False, True]


def test_what_a_sender_left_half_sent_goes_after_a_while(tmp_path):
    with StoreQueue(tmp_path / "queue", 10) as queue:
        left, coming = queue.incoming / "left.dcm", queue.incoming / "coming.dcm"
        for path in (left, coming):
            path.write_text("hal")
        before = time.time() - ABANDONED_SECONDS - 1
        os.utime(left, (before, before))
        queue.remove_abandoned()
        assert list(queue.incoming.iterdir()) == [coming]


def test_a_full_queue_takes_nothing(tmp_path):
    with StoreQueue(tmp_path / "queue", 2) as queue:
        put(queue, "a")
        put(queue, "b")
        with pytest.raises(QueueFull):
            put(queue, "c")
        queue.drop(1)
        assert put(queue, "c") == 3


def test_refused_results_are_kept_aside(tmp_path):
    with StoreQueue(tmp_path / "queue", 9) as queue:
        for name in ("a", "b"):
            number = put(queue, name)
            (queue.results / f"{number:06d}.dcm").write_text(name)
            queue.drop(number)
            queue.put_aside(number)
        assert sorted(path.read_text() for path in queue.refused.iterdir()) == ["a", "b"]
        assert queue.waiting() == []


def test_only_its_user_reads_it_and_only_one_listener_has_it(tmp_path):
    with StoreQueue(tmp_path / "queue", 9) as queue:
        for folder in (queue.folder, queue.received, queue.results, queue.incoming, queue.refused):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with pytest.raises(OutputError, match="Another listener"), StoreQueue(tmp_path / "queue", 9):
            pass
