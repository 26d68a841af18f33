"""An archive with real worker processes: complete, resumed after kills, and not stopped by a bad file."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from archive_results import recorded, results
from small_archive import BAD, FLAGS, small_archive, small_checkpoint

from echogan.archive.enhance_archive import DIED
from echogan.cli.main import main
from echogan.clips.files import open_clip
from eval.paths import ROOT

CLIPS = 9
SLOW_SECONDS = 900


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return small_checkpoint(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return small_archive(tmp_path_factory.mktemp("archive") / "in", CLIPS)


@pytest.fixture(scope="module")
def whole(archive, model, tmp_path_factory) -> Path:
    """The results of a run that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert run(archive, out, model) == 1
    return out


def run(archive: Path, out: Path, model: Path, *flags: str) -> int:
    return main(["enhance", str(archive), str(out), "--workers", "2", "--model", str(model), *FLAGS, *flags])


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_clip_has_its_outputs_and_every_file_its_line(whole, archive):
    names = sorted(path.relative_to(archive).as_posix() for path in archive.rglob("*") if path.is_file())
    assert sorted(row["input"] for row in rows(whole)) == names
    assert {row["input"] for row in rows(whole) if row["state"] == "failed"} == set(BAD)
    for row in rows(whole):
        if row["state"] == "done":
            stem = row["input"].removesuffix(".gif")
            report = json.loads((whole / f"{stem}.json").read_text())
            assert open_clip(whole / row["output"]).frames == int(row["frames"]) == 3
            assert report["diagnostics"]["difference"]["mean"] == float(row["difference_mean"])
            assert (whole / "thumbnails" / f"{stem}.png").stat().st_size > 1000


def test_the_overview_shows_each_thumbnail_and_links_what_is_there(whole):
    page = (whole / "overview.html").read_text()
    links = [unquote(part.split('"')[0]) for key in ('src="', 'href="') for part in page.split(key)[1:]]
    assert len(links) == 3 * CLIPS + 1
    assert all((whole / link).is_file() for link in links)
    assert page.count('class="why"') == len(BAD)
    assert "not for diagnosis" in page


def test_killed_twice_it_ends_as_if_nothing_had_been(archive, model, whole, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "echogan", "enhance", str(archive), str(out), "--workers", "2"]
    for lines in (2, 6):
        process = subprocess.Popen(
            [*command, "--model", str(model), *FLAGS],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + SLOW_SECONDS
            while recorded(out) < lines:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.mp4")}
    done = recorded(out)
    assert run(archive, out, model) == 1
    assert results(out) == results(whole)
    kept = sum(path.stat().st_mtime_ns == when for path, when in before.items())
    assert kept >= done - len(BAD)  # what was done was not done again
    assert not list(out.rglob("*.part"))


def test_a_finished_archive_is_done_at_once_and_a_changed_file_again(archive, model, whole, tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    small_archive(source, 3)
    assert run(source, out, model) == 1
    first = results(out)
    began = {path: path.stat().st_mtime_ns for path in out.rglob("*.mp4")}
    os.utime(source / "a" / "000.gif", ns=(1, 1))
    (out / "b" / "001.mp4").unlink()
    capsys.readouterr()
    assert run(source, out, model) == 1
    assert re.search(r"3 of 5 files, 9 frames, \d+ s; 3 files are of an earlier run", capsys.readouterr().out)
    assert results(out) == first
    assert [path.name for path, when in began.items() if path.stat().st_mtime_ns == when] == ["002.mp4"]


def test_a_table_of_paths_is_an_archive_too(archive, model, tmp_path):
    table, out = tmp_path / "list.csv", tmp_path / "out"
    lines = ["path,patient", f"{archive}/b/c/002.gif,1", f"{archive}/a/000.gif,2", f"{archive}/a/none.gif,3"]
    table.write_text("\n".join(lines))
    assert run(table, out, model) == 1
    assert [(row["input"], row["state"]) for row in rows(out)] == [
        ("b/c/002.gif", "done"),
        ("a/000.gif", "done"),
        ("a/none.gif", "failed"),
    ]
    assert "no file" in rows(out)[2]["why"]


def test_a_worker_that_needs_too_much_memory_ends_and_its_file_is_told(archive, model, tmp_path, monkeypatch):
    monkeypatch.setattr("echogan.cli.enhance.LEAST_MEMORY", 0.0)
    table, out = tmp_path / "list.csv", tmp_path / "out"
    table.write_text(f"path\n{archive}/a/000.gif\n")
    assert run(table, out, model, "--worker-memory", "0.001") == 1
    assert {row["why"] for row in rows(out)} == {DIED}


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--strength", "0.5"), "another strength"),
        (("--trust", "full"), "another trust card"),
        (("--keep-original",), "another choice to keep the original"),
        (("--format", "webm"), "another format"),
        (("--report", "x"), "do not go with an archive"),
        (("--workers", "0"), "workers is 0"),
        (("--worker-memory", "0.1"), "worker_memory is 0.1"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(archive, model, whole, capsys, flags, sentence):
    before = results(whole)
    assert run(archive, whole, model, *flags) == 2
    assert sentence in capsys.readouterr().err
    assert results(whole) == before


def test_the_backend_is_named_so_that_an_interruption_does_not_change_it(whole):
    assert json.loads((whole / ".archive.json").read_text())["backend"] in ("torch", "onnx", "openvino")


def test_another_folder_of_files_is_not_taken(archive, model, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("x")
    assert run(archive, tmp_path, model) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == ["letter.txt"]
