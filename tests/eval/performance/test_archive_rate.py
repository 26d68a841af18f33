"""The cost of an archive: what is a frame's and what is the start's, and what many frames come to."""

import re
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from eval.performance import archive_rate as measured
from eval.performance.archive_rate import Run, rates
from eval.reporting.archive_tables import archive_rate, duration

START = Run(64, 20.0, 30.0, 900.0, 2.0, 64_000)


def test_a_frame_costs_what_the_long_archive_took_more():
    long = replace(START, frames=320, seconds=20 + 256 * 0.25, cpu_s=30 + 256 * 0.5, output_bytes=320_000)
    result = rates(START, long, 2)
    assert result["cost"] == {"cpu_s_per_frame": 0.5, "output_bytes_per_frame": 1000, "worker_mib": 900}
    assert (result["frames"], result["frames_per_s"]) == (256, 4.0)


def test_the_table_computes_many_frames_from_one():
    table = archive_rate(
        rates(START, replace(START, frames=320, seconds=84, cpu_s=158, output_bytes=320_000), 2)
    )
    rows = {
        cells[1].strip(): cells[3].strip() for line in table.splitlines() if len(cells := line.split("|")) > 4
    }
    assert rows["processor time"] == "2,083 processor-hours"  # 15e6 * 0.5 / 3600
    assert rows["disk for clips, reports, thumbnails"] == "15 GB"
    assert rows["time on 2 processors"] == "43 days"
    assert rows["time on 64 processors"] == "33 hours"
    assert re.search(r"2 workers of \d+ thread, echogan `[0-9a-f]{12}`", table)


@pytest.mark.parametrize(
    ("hours", "words"), [(1.2, "1 hours"), (47.9, "48 hours"), (48, "2 days"), (2400, "100 days")]
)
def test_from_two_days_on_they_are_days(hours, words):
    assert duration(hours) == words


def test_a_run_is_measured_with_all_that_it_writes(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.write_text("#!/bin/sh\nmkdir -p $5 && head -c 5000 /dev/zero > $5/clip.mp4 && sleep 0.3\n")
    work.chmod(work.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr("eval.performance.archive.sys.executable", str(work))
    monkeypatch.setattr(measured, "SAMPLE_SECONDS", 0.02)
    found = measured.enhance_copies(tmp_path / "place", 2, 1)
    assert (found.frames, found.output_bytes) == (64, 5000)
    assert found.seconds >= 0.3
    assert 0 <= found.cpu_s < found.seconds
    assert found.worker_mib > 0


def test_a_run_that_fails_is_no_measurement(tmp_path, monkeypatch):
    monkeypatch.setattr("eval.performance.archive.sys.executable", "/bin/false")
    with pytest.raises(SystemExit, match="exit code 1"):
        measured.enhance_copies(tmp_path / "place", 1, 1)


def test_processor_time_is_that_of_a_process_and_of_all_that_it_has_started():
    busy = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\ninput()"
    code = f"import subprocess, sys\nwith subprocess.Popen([sys.executable, '-c', {busy!r}]): pass"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        found = measured.processor_seconds(parent.pid)
        parent.kill()
    assert len(found) == 2
    assert 0.4 <= sum(found.values()) < 2
