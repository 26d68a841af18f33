"""The measurement of an archive: what it compares, and what it calls growth."""

import json
import subprocess
import sys

import pytest

import eval.performance.archive as measured
from eval.performance.archive import _growth, results
from eval.reporting.archive_tables import archive


def test_growth_is_the_last_quarter_over_the_second():
    flat = [{"done": done, "worker_mib": 900.0 if done < 40 else 1000.0} for done in range(200)]
    assert _growth(flat, 200) == pytest.approx(1)
    leaking = [{"done": done, "worker_mib": 1000.0 + 10 * done} for done in range(200)]
    assert _growth(leaking, 200) == pytest.approx((1000 + 10 * 174.5) / (1000 + 10 * 74.5))


def test_results_differ_by_any_byte_and_not_by_the_time_taken(tmp_path):
    for name, seconds in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name / "x").mkdir(parents=True)
        (tmp_path / name / "x" / "clip.json").write_text(json.dumps({"frames": 4, "timing": {"s": seconds}}))
        (tmp_path / name / "x" / "clip.mp4").write_bytes(b"video")
        (tmp_path / name / ".archive.jsonl").write_text(name)
    assert results(tmp_path / "a") == results(tmp_path / "b")
    (tmp_path / "b" / "x" / "clip.mp4").write_bytes(b"other")
    assert results(tmp_path / "a") != results(tmp_path / "b")


def test_the_table_says_what_is_wrong():
    result = {
        "clips": 200,
        "frames": 4,
        "workers": 2,
        "model": {"name": "echogan", "sha256": "0" * 64},
        "checks": {"complete": True, "equal": False},
        "whole": {
            "seconds": 100.0,
            "clips_per_hour": 7200,
            "files": 602,
            "load_before": 0.5,
            "load_during": 2.5,
        },
        "killed": {"done_at_each_kill": [60, 130], "done_again": 1},
        "memory": {"growth": 1.01, "curve": [{"done": 0, "mib": 1000.0, "worker_mib": 400.0}]},
        "machine": {"processor": "a processor"},
    }
    table = archive(result)
    assert "60 and 130 clips" in table
    assert "not all" in table
    assert "0.5 before the start and 2.5 meanwhile" in table
    assert "all 602" in archive(result | {"checks": {"complete": True, "equal": True}})


WORK = """
import json, os, pathlib, sys, time
archive, out = map(pathlib.Path, sys.argv[1:3])
record = out / ".archive.jsonl"
out.mkdir(exist_ok=True)
known = set(record.read_text().split()) if record.exists() else set()
for clip in sorted(archive.rglob("*.avi")):
    name = clip.relative_to(archive).with_suffix(".json")
    if name.as_posix() in known and sys.argv[3] != "repeats":
        continue
    (out / name).parent.mkdir(exist_ok=True)
    found = {"clip": name.as_posix(), "timing": {"s": time.time()}}
    if sys.argv[3] == "changes" and known:
        found["clip"] = "another"
    (out / name).write_text(json.dumps(found))
    with record.open("a") as file:
        file.write(name.as_posix() + "\\n")
    time.sleep(0.05)
"""


@pytest.mark.parametrize("kind", ["remembers", "changes", "repeats"])
def test_a_run_that_goes_on_wrongly_after_a_kill_is_found(tmp_path, monkeypatch, kind):
    def start(settings, place, out):
        return subprocess.Popen([sys.executable, "-c", WORK, str(place), str(out), kind])

    monkeypatch.setattr(measured, "_start", start)
    monkeypatch.setattr(measured, "SAMPLE_SECONDS", 0.02)
    result = measured.measure(measured.ArchiveSettings(clips=20, frames=1), tmp_path)
    assert result["checks"]["complete"]
    assert result["checks"]["equal"] is (kind != "changes")
    assert result["checks"]["resumed"] is (kind != "repeats")
    first, second = result["killed"]["done_at_each_kill"]
    assert 6 <= first < second < 20
    assert json.loads(json.dumps(result, allow_nan=False))["whole"]["files"] == 20
    assert "20" in archive(result)
