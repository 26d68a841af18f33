"""Loading by folder, bundled name and Hub id, against a loopback Hub: what is asked, what is said, what is kept."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub
import pytest
import torch
from fakehub import FakeHub  # pyright: ignore[reportMissingImports]
from huggingface_hub import constants

from echogan.core.errors import CheckpointError, CheckpointNotFound, EchoGANError, InvalidCheckpoint
from echogan.model.checkpoints import checkpoint, hub
from echogan.model.checkpoints.checkpoint import Checkpoint, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator

REPO = "heart/small"
Load = Callable[..., Checkpoint]


def files(folder: Path, seed: int) -> dict[str, bytes]:
    """A whole checkpoint as a commit's files, beside some that must never be fetched."""
    torch.manual_seed(seed)
    small = GeneratorConfig(channels=4, blocks=1)
    nets = build_generator(small), build_generator(small)
    save_checkpoint(folder, CheckpointConfig(f"small-{seed}", small), *nets)
    names = ("config.json", "model.safetensors")
    return {name: (folder / name).read_bytes() for name in names} | {"README.md": b"# card", "old.pth": b"x"}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    return [files(tmp_path_factory.mktemp(f"version{seed}"), seed) for seed in range(2)]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """huggingface_hub online, with no token and no proxy, whatever the environment was when it was imported."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "nowhere")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    huggingface_hub.close_session()
    yield
    huggingface_hub.close_session()


@pytest.fixture
def fake(online: None) -> Iterator[FakeHub]:
    fake = FakeHub()
    yield fake
    fake.close()


@pytest.fixture
def first(fake: FakeHub, versions: list[dict[str, bytes]]) -> str:
    """The commit of the first version, pushed to main."""
    return fake.push(REPO, versions[0])


@pytest.fixture
def load(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(source: str | Path = REPO, **more: object) -> Checkpoint:
        return load_checkpoint(source, endpoint=fake.url, cache_dir=tmp_path / "cache", **more)  # type: ignore[arg-type]

    return load


def said(
    load: Load, source: str = REPO, kind: type[EchoGANError] = CheckpointNotFound, **more: object
) -> str:
    """The sentence; no message may hold the token."""
    with pytest.raises(kind) as caught:
        load(source, **more)
    assert type(caught.value) is kind
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert "Secret" not in text
    return text


def cached_files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "cache").glob("models--*/snapshots/*/*")}


# --- folders and bundled names -------------------------------------------------------------------------------


def test_a_folder_asks_nothing_even_where_its_name_is_a_hub_id(
    load: Load, fake: FakeHub, first: str, tmp_path: Path
) -> None:
    files(tmp_path / "heart" / "small", seed=5)
    for source in (REPO, Path(REPO), str(tmp_path / REPO), "./heart/small/"):
        found = load(source)
        assert (found.name, found.revision) == ("small-5", None)
    assert fake.log == []


def test_a_bundled_name_asks_nothing_and_holds_from_any_folder(
    load: Load, fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path / "bundle" / "small", seed=5)
    monkeypatch.setattr(checkpoint, "BUNDLED", tmp_path / "bundle")
    for source in ("small", "checkpoints/small"):
        found = load(source)
        assert (found.name, found.source, found.revision) == ("small-5", "small", None)
    assert fake.log == []


@pytest.mark.parametrize(
    "source",
    [
        "",
        "nothing",
        "a/b/c",
        "/no/such/folder",
        "../up",
        "user/mo--del",
        "user/mo..del",
        "user/model.",
        "-user/model",
        "user/",
        "user/@main",
        "checkpoints/unknown",
        "https://huggingface.co/user/model",
        "x" * 5000,
        "nul\0l",
        Path("heart/small"),
    ],
)
def test_what_is_neither_folder_nor_name_nor_id_is_said_without_asking(
    load: Load, fake: FakeHub, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    files(tmp_path / "bundle" / "echo-one", seed=5)
    monkeypatch.setattr(checkpoint, "BUNDLED", tmp_path / "bundle")
    text = said(load, source)
    assert text.startswith("There is no checkpoint '")
    assert "a bundled name (echo-one)" in text
    assert len(text) < 400
    assert fake.log == []


@pytest.mark.parametrize(
    "revision", ["", "../../x", "a..b", "/x", "x/", "a//b", "a b", "x.lock", "a/.b", "x" * 300]
)
def test_an_impossible_revision_is_said_without_asking(
    load: Load, fake: FakeHub, first: str, revision: str
) -> None:
    assert "cannot be a revision; write a branch, a tag or a full commit hash" in said(
        load, f"{REPO}@{revision}"
    )
    assert fake.log == []


# --- from the Hub --------------------------------------------------------------------------------------------


def test_main_is_resolved_to_its_commit_and_only_two_files_are_fetched(
    load: Load, fake: FakeHub, first: str, tmp_path: Path
) -> None:
    found = load()
    assert (found.name, found.source, found.revision, found.notes) == ("small-0", REPO, first, ())
    assert cached_files(tmp_path) == {"config.json", "model.safetensors"}
    question, *downloads = fake.log
    assert question.startswith(f"GET /api/models/{REPO}/revision/main")
    assert {line.split(" ", 1)[1] for line in downloads} == {
        f"/{REPO}/resolve/{first}/config.json",
        f"/{REPO}/resolve/{first}/model.safetensors",
    }


def test_branches_tags_and_commits_each_give_their_own(
    load: Load, fake: FakeHub, first: str, versions: list[dict[str, bytes]]
) -> None:
    second = fake.push(REPO, versions[1], branch="feature/new")
    fake.tag(REPO, "v1.0", first)
    wanted = {
        "": first,
        "@v1.0": first,
        "@feature/new": second,
        f"@{second}": second,
        f"@{first.upper()}": first,
    }
    for revision, commit in wanted.items():
        found = load(REPO + revision)
        assert (found.revision, found.source) == (commit, REPO + revision)
        assert found.name == ("small-0" if commit == first else "small-1")


def test_both_files_come_from_one_commit_though_main_moves_between_them(
    load: Load, fake: FakeHub, first: str, versions: list[dict[str, bytes]]
) -> None:
    def push_after_config(line: str) -> None:
        if line.startswith("GET") and line.endswith("config.json"):
            fake.after = None
            fake.push(REPO, versions[1])

    fake.after = push_after_config
    found = load()
    assert fake.after is None, "nothing was pushed: the test did not test"
    assert (found.name, found.revision) == ("small-0", first)
    assert found.sha256 == hashlib.sha256(versions[0]["model.safetensors"]).hexdigest()
    moved = load()
    assert (moved.name, moved.revision) == ("small-1", fake.repos[REPO].refs["main"])


def test_a_cached_commit_asks_nothing(load: Load, fake: FakeHub, first: str) -> None:
    load()
    fake.log.clear()
    found = load(f"{REPO}@{first}")
    assert (found.revision, found.notes) == (first, ())
    assert fake.log == []


def test_a_cached_branch_asks_only_where_it_stands(load: Load, fake: FakeHub, first: str) -> None:
    load()
    fake.log.clear()
    assert load().revision == first
    assert len(fake.log) == 1


def test_a_private_repository_opens_with_the_token(
    load: Load, fake: FakeHub, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.private.add(REPO)
    assert f"no Hub repository {REPO}, or it is private; check the spelling, or log in" in said(load)
    monkeypatch.setenv("HF_TOKEN", fake.token)
    assert load().revision == first
    assert set(fake.tokens) == {None, f"Bearer {fake.token}"}


# --- without a connection ------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", ["", "@v1.0", "@feature/new"])
def test_a_cached_branch_serves_when_the_hub_is_gone(
    load: Load, fake: FakeHub, first: str, revision: str
) -> None:
    fake.tag(REPO, "v1.0", first)
    fake.tag(REPO, "feature/new", first)
    load(REPO + revision)
    fake.close()
    begun = time.perf_counter()
    found = load(REPO + revision)
    assert time.perf_counter() - begun < 3
    assert found.revision == first
    assert found.notes == (
        f"The cached copy of {REPO}{revision} was used because {fake.url} cannot be reached;"
        f" it is commit {first[:12]} and may not be the latest.",
    )


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_cached_branch_serves_when_the_hub_is_out_of_order(
    load: Load, fake: FakeHub, first: str, status: int
) -> None:
    load()
    fake.status = status
    assert f"is out of order (error {status})" in load().notes[0]


def test_a_cached_branch_serves_offline_without_asking(
    load: Load, fake: FakeHub, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    fake.log.clear()
    assert "because offline mode is on" in load(offline=True).notes[0]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load().revision == load(f"{REPO}@{first}").revision == first
    assert "because HF_HUB_OFFLINE is set" in load(offline=False).notes[0]
    assert fake.log == []


def test_half_a_checkpoint_in_the_cache_does_not_serve(
    load: Load, fake: FakeHub, first: str, tmp_path: Path
) -> None:
    load()
    next((tmp_path / "cache").glob("models--*/snapshots/*/model.safetensors")).unlink()
    assert "is not in the cache and offline mode is on" in said(load, offline=True)


def test_a_broken_download_leaves_the_older_copy_usable(
    load: Load, fake: FakeHub, first: str, versions: list[dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    fake.push(REPO, versions[1])
    whole = huggingface_hub.hf_hub_download

    def breaks(repo: str, name: str, **more: object) -> str:
        if name == "model.safetensors":
            raise OSError("Consistency check failed")
        return whole(repo, name, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", breaks)
    assert said(load, kind=CheckpointError) == f"The download of {REPO} broke off; try again."
    assert load(offline=True).revision == first


@pytest.mark.parametrize("revision", ["main", "0" * 40])
def test_not_cached_and_unreachable_fails_within_seconds(
    load: Load, fake: FakeHub, first: str, revision: str
) -> None:
    fake.close()
    begun = time.perf_counter()
    text = said(load, f"{REPO}@{revision}")
    assert time.perf_counter() - begun < 3
    assert f"is not in the cache and {fake.url} cannot be reached; check the connection and try again" in text


def test_a_hub_that_never_answers_is_given_up(
    load: Load, fake: FakeHub, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "ANSWER_TIMEOUT", 0.3)
    fake.delay = 2
    begun = time.perf_counter()
    assert "cannot be reached" in said(load)
    assert time.perf_counter() - begun < 1.5
    assert len(fake.log) == 1


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:99999", "ftp://127.0.0.1", "nonsense"])
def test_a_wrong_endpoint_is_said(endpoint: str, online: None, tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match="cannot be reached; check the connection"):
        load_checkpoint(REPO, endpoint=endpoint, cache_dir=tmp_path)


@pytest.mark.parametrize("offline", [True, None])
def test_offline_and_not_cached_is_said_without_asking(
    load: Load, fake: FakeHub, first: str, offline: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if offline is None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    text = said(load, offline=offline)
    assert text == (
        f"{REPO} is not in the cache and offline mode is on; unset HF_HUB_OFFLINE and load it once with a"
        f" connection, or give a folder."
    )
    assert fake.log == []


# --- refusals ------------------------------------------------------------------------------------------------


def test_a_missing_repository_is_said(load: Load, fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = (
        f"There is no folder and no Hub repository {REPO}, or it is private; check the spelling, or log in with"
        f" 'hf auth login' (or set HF_TOKEN) as a user who may read it."
    )
    assert said(load) == expected  # without a token the Hub answers 401
    monkeypatch.setenv("HF_TOKEN", fake.token)
    assert said(load) == expected  # with one, 404


def test_a_gated_repository_is_said(load: Load, fake: FakeHub, first: str) -> None:
    fake.gated.add(REPO)
    assert said(load) == (
        f"{REPO} is gated; accept its conditions at {fake.url}/{REPO}, then log in with 'hf auth login' (or set"
        f" HF_TOKEN) and load it again."
    )


@pytest.mark.parametrize("revision", ["v9", "f" * 40])
def test_a_wrong_revision_is_said(load: Load, fake: FakeHub, first: str, revision: str) -> None:
    assert said(load, f"{REPO}@{revision}") == (
        f"{REPO} has no revision '{revision}'; give a branch, a tag or a full commit hash listed at"
        f" {fake.url}/{REPO}/commits/main."
    )


def test_another_commit_than_the_pinned_one_is_refused(load: Load, fake: FakeHub, first: str) -> None:
    fake.tag(REPO, "f" * 40, first)
    assert "does not answer like a Hub" in said(load, f"{REPO}@{'f' * 40}")


def test_a_withdrawn_repository_is_not_served_from_the_cache(load: Load, fake: FakeHub, first: str) -> None:
    load()
    del fake.repos[REPO]
    assert "There is no folder and no Hub repository" in said(load)


def test_a_wrong_token_is_said_and_not_shown(
    load: Load, fake: FakeHub, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrongSecret9876543210")
    assert said(load) == (
        f"{fake.url} refuses access to {REPO} (error 401); log in with 'hf auth login' as a user who may read it,"
        f" or unset a wrong HF_TOKEN."
    )


def test_a_token_in_the_wrong_place_is_not_shown(
    load: Load, fake: FakeHub, first: str, tmp_path: Path
) -> None:
    for source in (f"https://me:{fake.token}@hub/{REPO}", f"{REPO}@{fake.token}", f"{REPO}@!{fake.token}"):
        assert "hf_***" in said(load, source)
    address = fake.url.replace("//", f"//me:{fake.token}@")
    fake.close()
    with pytest.raises(CheckpointNotFound) as caught:
        load_checkpoint(REPO, endpoint=address, cache_dir=tmp_path)
    assert f"{fake.url} cannot be reached" in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_said_before_anything_is_fetched(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]], name: str
) -> None:
    fake.push(REPO, {k: v for k, v in versions[0].items() if k not in (name, "old.pth")})
    assert said(load).startswith(
        f"{REPO} has no {name}, and a checkpoint is config.json and model.safetensors"
    )
    assert len(fake.log) == 1


def test_pickled_weights_are_refused_before_anything_is_fetched(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]]
) -> None:
    fake.push(REPO, {k: v for k, v in versions[0].items() if k != "model.safetensors"})
    assert said(load, kind=InvalidCheckpoint).startswith(
        f"{REPO} has only pickled weights (old.pth), which can run"
    )
    assert len(fake.log) == 1


def test_a_file_over_the_limit_is_refused_before_it_is_fetched(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]]
) -> None:
    fake.push(REPO, versions[0] | {"config.json": b" " * 1_000_001})
    assert "has 1,000,001 bytes, more than the 1,000,000 allowed" in said(load, kind=InvalidCheckpoint)
    assert len(fake.log) == 1


def test_a_wrong_config_and_wrong_weights_name_the_repository(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]], tmp_path: Path
) -> None:
    config = json.loads(versions[0]["config.json"])
    config["generator"]["channels"] = 8
    fake.push(REPO, versions[0] | {"config.json": json.dumps(config).encode()})
    text = said(load, kind=InvalidCheckpoint)
    assert text.startswith(f"model.safetensors of {REPO} has wrongly shaped weights (to_high.")
    fake.push("heart/b", versions[0] | {"config.json": b"{}"})
    assert said(load, "heart/b", InvalidCheckpoint).startswith("config.json of heart/b has no field 'name'")
    fake.push("heart/c", versions[0] | {"model.safetensors": versions[0]["model.safetensors"][:-9]})
    assert said(load, "heart/c", InvalidCheckpoint) == (
        "model.safetensors of heart/c is damaged or not safetensors; load it again, or choose another revision."
    )
    assert list((tmp_path / "cache").glob("models--*")) == []


def test_a_cached_copy_that_is_damaged_names_its_folder_and_stays(
    load: Load, first: str, tmp_path: Path
) -> None:
    load()
    folder = tmp_path / "cache" / f"models--{REPO.replace('/', '--')}"
    (folder / "snapshots" / first / "model.safetensors").resolve().write_bytes(b"x")
    text = said(load, f"{REPO}@{first}", InvalidCheckpoint)
    assert text.endswith(f"delete {folder} and load it again, or choose another revision.")
    assert folder.exists()


def test_weights_are_not_fetched_before_the_config_is_valid(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]], tmp_path: Path
) -> None:
    fake.push(REPO, versions[0] | {"config.json": b'{"name": "x"}'})
    said(load, kind=InvalidCheckpoint)
    assert not [line for line in fake.log if "safetensors" in line]
    assert list((tmp_path / "cache").glob("models--*")) == []


def test_weights_larger_than_the_config_describes_are_not_fetched(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]], tmp_path: Path
) -> None:
    fake.push(REPO, versions[0] | {"model.safetensors": b"\0" * 3_000_000})
    assert "has 3,000,000 bytes, and the network of its config.json has" in said(load, kind=InvalidCheckpoint)
    assert not [line for line in fake.log if "safetensors" in line]
    assert list((tmp_path / "cache").glob("models--*")) == []


def test_a_refused_commit_leaves_and_the_good_one_before_it_stays(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]], first: str, tmp_path: Path
) -> None:
    load()
    fake.push(REPO, versions[1] | {"config.json": b"{}"})
    said(load, kind=InvalidCheckpoint)
    assert cached_files(tmp_path) == {"config.json", "model.safetensors"}
    assert [path.name for path in (tmp_path / "cache").glob("models--*/snapshots/*")] == [first]
    assert load(f"{REPO}@{first}").name == "small-0"


def test_a_repository_that_another_program_keeps_is_refused_and_stays(
    load: Load, fake: FakeHub, versions: list[dict[str, bytes]], tmp_path: Path
) -> None:
    fake.push(REPO, versions[0] | {"config.json": b"{}"})
    cache = tmp_path / "cache"
    huggingface_hub.hf_hub_download(REPO, "README.md", endpoint=fake.url, cache_dir=cache)
    said(load, kind=InvalidCheckpoint)
    assert "README.md" in cached_files(tmp_path)


@pytest.mark.parametrize(
    "body", [b"<html>log in to the wireless network", b"[]", b"{}", b'{"id": "x", "sha": "main"}']
)
def test_an_answer_that_is_no_hub_s_is_said(load: Load, fake: FakeHub, first: str, body: bytes) -> None:
    fake.status, fake.body = 200, body
    assert f"{fake.url} does not answer like a Hub" in said(load)


@pytest.mark.parametrize(("status", "kind"), [(403, CheckpointNotFound), (400, CheckpointError)])
def test_other_refusals_of_the_hub_are_said(
    load: Load, fake: FakeHub, status: int, kind: type[EchoGANError]
) -> None:
    fake.status = status
    assert f"error {status}" in said(load, kind=kind)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "full"),
            "is full; free some space, or set HF_HOME to a folder on another disk.",
        ),
        (
            PermissionError(errno.EACCES, "no"),
            "(Permission denied); make that folder writable, or set HF_HOME to",
        ),
        (RuntimeError("xet hf_loopbackSecret0123456789"), f"The download of {REPO} broke off; try again."),
        (ConnectionResetError(errno.ECONNRESET, "x"), "cannot be reached; check the connection"),
    ],
)
def test_trouble_while_downloading_is_said(
    load: Load, first: str, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails)
    unreachable = isinstance(error, ConnectionError)
    assert sentence in said(load, kind=CheckpointNotFound if unreachable else CheckpointError)


def test_a_cache_that_is_no_folder_is_said(load: Load, first: str, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert "cannot be stored in" in said(load, kind=CheckpointError)


def test_a_fault_of_ours_is_not_dressed_up(load: Load, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails)
    with pytest.raises(ZeroDivisionError):
        load()


# --- a process of its own ------------------------------------------------------------------------------------

PLAIN = """
import sys
import echogan.model.checkpoints.hub as hub
assert "huggingface_hub" not in sys.modules, "imported before it is needed"
found = hub.load_checkpoint("heart/small")
print(found.name, found.revision)
"""


def test_the_environment_rules_and_nothing_else_is_asked(fake: FakeHub, first: str, tmp_path: Path) -> None:
    """huggingface_hub 2 asks its default Hub for a list of agents unless telemetry is off: not through us."""
    drop = ("HF_", "DISABLE_TELEMETRY", "DO_NOT_TRACK")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    environment |= {"HF_ENDPOINT": fake.url, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run(
        [sys.executable, "-c", PLAIN], cwd=root, env=environment, capture_output=True, text=True, timeout=240
    )
    assert run.stdout.split() == ["small-0", first], run.stderr
    assert fake.log
    assert all(REPO in line for line in fake.log), fake.log
    assert (tmp_path / "hub" / "models--heart--small" / "refs" / "main").read_text() == first
