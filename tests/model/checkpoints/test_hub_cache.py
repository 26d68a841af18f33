"""Checkpoints in the cache of the Hub: listed by commit, removed one by one, other programs' files left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echogan.core.errors import CheckpointNotFound
from echogan.model.checkpoints.hub_cache import cached_checkpoints, remove_cached

COMMITS = ("a" * 40, "b" * 40)


def cached(cache: Path, repo: str, commit: str, names: tuple[str, ...], kind: str = "models") -> Path:
    """A repository's commit in a cache, laid out as huggingface_hub does: snapshots link to blobs."""
    root = cache / f"{kind}--{repo.replace('/', '--')}"
    snapshot = root / "snapshots" / commit
    for folder in (snapshot, root / "blobs", root / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        blob = root / "blobs" / f"{commit[:4]}{name}"
        blob.write_text(json.dumps({"repo": repo, "name": name}))
        (snapshot / name).symlink_to(blob)
    (root / "refs" / "main").write_text(commit)
    return snapshot


def test_what_has_both_files_is_listed_by_commit(tmp_path):
    both = ("config.json", "model.safetensors")
    folders = [cached(tmp_path, "heart/net", commit, both) for commit in COMMITS]
    cached(tmp_path, "other/bert", COMMITS[0], ("config.json", "pytorch_model.bin"))
    cached(tmp_path, "other/data", COMMITS[0], both, kind="datasets")
    found = cached_checkpoints(tmp_path)
    assert [(one.name, one.folder) for one in found] == [
        (f"heart/net@{commit}", folder) for commit, folder in zip(COMMITS, folders, strict=True)
    ]


def test_one_commit_is_removed_and_the_others_stay(tmp_path):
    for commit in COMMITS:
        cached(tmp_path, "heart/net", commit, ("config.json", "model.safetensors"))
        cached(tmp_path, "copy/net", commit, ("config.json", "model.safetensors"))
    remove_cached(f"heart/net@{COMMITS[0]}", tmp_path)
    assert [one.name for one in cached_checkpoints(tmp_path)] == [
        *(f"copy/net@{commit}" for commit in COMMITS),
        f"heart/net@{COMMITS[1]}",
    ]
    blobs = [path.name for path in (tmp_path / "models--heart--net" / "blobs").iterdir()]
    assert all(name.startswith("bbbb") for name in blobs)
    with pytest.raises(CheckpointNotFound, match="not in the cache"):
        remove_cached(f"heart/net@{COMMITS[0]}", tmp_path)


def test_without_a_cache_there_is_nothing(tmp_path):
    assert cached_checkpoints(tmp_path / "none") == []
    with pytest.raises(CheckpointNotFound):
        remove_cached("heart/net@main", tmp_path / "none")
