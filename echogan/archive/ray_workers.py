"""Worker processes on the nodes of a Ray cluster. Ray is optional, and imported here only.

Each worker is an actor, which has the same child process as a worker on this machine (core/worker_pool). So a file is
enhanced by the same code under the same limits, and one that ends its process costs no other. Ray Data would batch
the files and try a whole batch again. Only text travels: the nodes read and write the shared folder themselves.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from echogan.archive.enhance_archive import CLIP_SECONDS, WORKER
from echogan.archive.record import RECORD
from echogan.core.errors import OutputError, SettingsError
from echogan.core.version import __version__
from echogan.core.worker_pool import Reply, Worker

ABSENT = "--engine ray needs Ray, which is not installed: pip install 'ray>=2.40,<3'."


@contextmanager
def ray_workers(workers: int | None, device: str, module: str = WORKER) -> Iterator[list[RayWorker]]:
    """So many workers, by default one for each processor of the cluster, of one processor each.

    The cluster is that of RAY_ADDRESS, or the one that runs on this machine; else Ray is started on this machine for
    as long as the block lasts. With the device "cuda" each worker has a GPU to itself. Raises SettingsError where Ray
    is not installed, where its cluster does not answer, or where it has less than that.
    """
    ray = _ray()
    try:
        _connect(ray)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise SettingsError(f"Ray cannot be reached or started ({str(error).splitlines()[0]}).") from None
    try:
        needed = {"CPU": 1, "GPU": 1} if device == "cuda" else {"CPU": 1}
        has = ray.cluster_resources()
        most = min(int(has.get(kind, 0)) for kind in needed)
        if most < (workers or 1):
            raise SettingsError(
                f"workers is {workers or 1}, and the Ray cluster has {' and '.join(needed)} for {most}: give --workers "
                f"{most} or less, or add nodes."
            )
        yield [RayWorker(ray, module, needed.get("GPU", 0)) for _ in range(workers or most)]
    finally:
        ray.shutdown()


def _ray() -> Any:
    """The library, without the statistics that it sends home. Raises SettingsError."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        return import_module("ray")
    except ImportError:
        raise SettingsError(ABSENT) from None


def _connect(ray: Any) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        if os.environ.get("RAY_ADDRESS"):
            raise
        ray.init(address="local", include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)


class RayWorker:
    """A worker on some node, as `worker_pool.Worker` is one on this machine; started when it is needed."""

    def __init__(self, ray: Any, module: str, gpus: int) -> None:
        self._ray, self._module, self._actor = ray, module, None
        options = {"num_cpus": 1, "num_gpus": gpus, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        self._start = ray.remote(**options)(_OnNode).remote

    def ask(self, line: str) -> Reply | None:
        """The answer to one request; None if the process or its node died, or took too long."""
        actor = self._actor = self._actor or self._start(self._module)
        asked = json.loads(line)
        here = [place for place in (asked["path"], str(Path(asked["out"]) / RECORD)) if os.path.exists(place)]
        try:
            reply = self._ray.get(actor.ask.remote(line, here, __version__))
        except self._ray.exceptions.RayError:
            self.close()
            return None
        return json.loads(reply)

    def kill(self) -> None:
        """End the process from another thread; a thread that waits for its answer gets None."""
        actor = self._actor
        if actor is not None:
            self._ray.kill(actor)

    def close(self) -> None:
        """End the process; its processor is free again."""
        self.kill()
        self._actor = None


class _OnNode:
    """The actor: a worker process on its node."""

    def __init__(self, module: str) -> None:
        self._worker = Worker(module, CLIP_SECONDS)

    def ask(self, line: str, here: list[str], version: str) -> str:
        """The worker's answer as JSON; `error` where this node has another version, or lacks a place of the caller."""
        lacking = [place for place in here if not os.path.exists(place)]
        if lacking or version != __version__:
            return json.dumps({"error": _mismatch(lacking)})
        try:
            return json.dumps(self._worker.ask(line))
        except OutputError as error:
            return json.dumps({"error": str(error)})


def _mismatch(lacking: list[str]) -> str:
    node = platform.node()
    if not lacking:
        return f"The node {node} has version {__version__} of the program: install the same version on all nodes."
    return (
        f"The node {node} does not see {lacking[0]}: archive and results must be in a folder that all nodes share, "
        "under the same path."
    )
