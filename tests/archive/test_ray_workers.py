"""Ray on two local nodes: the files of the engine without it, also after a kill; and what is told where it cannot."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archive_results import recorded, results
from small_archive import FLAGS, small_archive, small_checkpoint

from echogan.archive import ray_workers
from echogan.archive.record import RECORD
from echogan.cli.main import main
from echogan.core.version import __version__
from eval.paths import ROOT

CLIPS = 5
SLOW_SECONDS = 900
NODES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")  # Ray would take 127.0.0.1 for the address of this machine
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray, which is optional, is not installed"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return small_checkpoint(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return small_archive(tmp_path_factory.mktemp("archive") / "in", CLIPS)


@pytest.fixture(scope="module")
def expected(archive, model, tmp_path_factory) -> dict[str, bytes | dict]:
    """The results of worker processes on this machine."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert main(["enhance", str(archive), str(out), "--workers", "2", "--model", str(model), *FLAGS]) == 1
    return results(out)


@pytest.fixture(scope="module")
def two_nodes():
    """A Ray cluster of two nodes with one processor each on this machine, as RAY_ADDRESS."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster  # pyright: ignore

    place = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=place | {"node_ip_address": NODES[0]})
    cluster.add_node(**place, node_ip_address=NODES[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
    cluster.shutdown()


def command(archive: Path, out: Path, model: Path, *flags: str) -> list[str]:
    return ["enhance", str(archive), str(out), "--engine", "ray", "--model", str(model), *FLAGS, *flags]


@needs_ray
def test_killed_and_resumed_on_two_nodes_it_gives_the_same_files(
    two_nodes, archive, model, expected, tmp_path
):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "echogan", *command(archive, out, model)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + SLOW_SECONDS
        while recorded(out) < 2:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    began = {path: path.stat().st_mtime_ns for path in out.rglob("*.mp4")}
    assert main(command(archive, out, model)) == 1
    assert results(out) == expected
    assert any(path.stat().st_mtime_ns == when for path, when in began.items())
    assert not list(out.rglob("*.part"))


@needs_ray
def test_more_workers_than_processors_are_refused(two_nodes, archive, model, tmp_path, capsys):
    assert main(command(archive, tmp_path / "out", model, "--workers", "3")) == 2
    assert "the Ray cluster has CPU for 2: give --workers 2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@needs_ray
def test_a_node_that_is_lost_costs_no_file(two_nodes, archive, model, expected, tmp_path):
    node, out = (
        two_nodes.add_node(num_cpus=1, include_dashboard=False, node_ip_address=NODES[2]),
        tmp_path / "out",
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "echogan", *command(archive, out, model)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + SLOW_SECONDS
        while recorded(out) < 3:
            assert time.monotonic() < end
            assert run.poll() is None
            time.sleep(0.05)
        two_nodes.remove_node(node, allow_graceful=False)
        assert run.wait(SLOW_SECONDS) == 1
    finally:
        run.kill()
        run.wait()
    assert results(out) == expected


def test_without_ray_one_sentence_says_how_to_get_it(archive, model, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(command(archive, tmp_path / "out", model)) == 2
    assert capsys.readouterr().err == f"{ray_workers.ABSENT}\n"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert not (tmp_path / "out").exists()


def test_a_node_of_another_version_or_without_the_shared_folder_stops_the_run(tmp_path):
    (tmp_path / RECORD).write_text("")
    node = ray_workers._OnNode("none")
    line = json.dumps({"path": str(tmp_path / "clip.gif"), "out": str(tmp_path)})
    here = [str(tmp_path / RECORD), "/elsewhere/clip.gif"]
    assert "does not see /elsewhere/clip.gif" in json.loads(node.ask(line, here, __version__))["error"]
    assert "the same version" in json.loads(node.ask(line, here[:1], "0.0.0"))["error"]
