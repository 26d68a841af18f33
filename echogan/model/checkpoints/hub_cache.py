"""The checkpoints of the Hub that lie in this machine's cache: which there are, and how to remove one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from echogan.core.errors import CheckpointError, CheckpointNotFound
from echogan.model.checkpoints.checkpoint_files import CONFIG_FILE, WEIGHTS_FILE


@dataclass(frozen=True)
class CachedCheckpoint:
    """One commit of a repository: `repo` as user/model, `commit` 40 hex digits, the folder of its files."""

    repo: str
    commit: str
    folder: Path

    @property
    def name(self) -> str:
        """As it is given where a model is asked for."""
        return f"{self.repo}@{self.commit}"


def cached_checkpoints(cache_dir: str | Path | None = None) -> list[CachedCheckpoint]:
    """What may be checkpoints, by name; repositories of other programs that have both files are among them."""
    found = [CachedCheckpoint(repo, commit, folder) for repo, commit, folder in _snapshots(_scan(cache_dir))]
    return sorted(found, key=lambda one: one.name)


def remove_cached(name: str, cache_dir: str | Path | None = None) -> None:
    """Remove a commit from the cache, by the name that `cached_checkpoints` gives it.

    Raises CheckpointNotFound where it is not there, and CheckpointError where it cannot be removed.
    """
    if name not in {one.name for one in cached_checkpoints(cache_dir)}:
        raise CheckpointNotFound(f"{name} is not in the cache.")
    repo, _, commit = name.partition("@")
    scanned = _scan(cache_dir)
    # Of this repository alone: a copy of it has commits of the same names.
    ours = frozenset(one for one in scanned.repos if (one.repo_type, one.repo_id) == ("model", repo))
    try:
        replace(scanned, repos=ours).delete_revisions(commit).execute()
    except OSError as error:
        raise CheckpointError(f"{name} cannot be removed ({error.strerror or error}).") from None


def _scan(cache_dir: str | Path | None) -> Any:
    """What huggingface_hub finds in its cache; None where there is no cache."""
    import huggingface_hub

    try:
        return huggingface_hub.scan_cache_dir(cache_dir or huggingface_hub.constants.HF_HUB_CACHE)
    except (OSError, ValueError, huggingface_hub.CacheNotFound):
        return None


def _snapshots(scanned: Any) -> Iterator[tuple[str, str, Path]]:
    for repository in scanned.repos if scanned is not None else ():
        for revision in repository.revisions:
            names = {file.file_name for file in revision.files}
            if repository.repo_type == "model" and {CONFIG_FILE, WEIGHTS_FILE} <= names:
                yield repository.repo_id, revision.commit_hash, Path(revision.snapshot_path)
