"""Load a checkpoint from a folder, by its bundled name, or from the Hugging Face Hub."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from echogan.core.atomic import replacing
from echogan.core.errors import CheckpointError, CheckpointNotFound
from echogan.model.checkpoints.checkpoint import (
    Checkpoint,
    bundled_checkpoints,
    check_weights_size,
    read_checkpoint,
)
from echogan.model.checkpoints.checkpoint_config import parse_config
from echogan.model.checkpoints.checkpoint_files import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    calibration_files,
    check_files,
    check_size,
    read_file,
)
from echogan.model.checkpoints.hub_errors import Request, Unreachable, explained, hidden

ANSWER_TIMEOUT = 5.0  # seconds; the first question goes out once, without the 23 s of retries of a download
REPOSITORY = re.compile(
    r"(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,95}(?<![.-])/[\w][\w.-]{0,95}(?<![.-])", re.ASCII
)
REVISION = re.compile(r"(?!.*(\.\.|//|/\.|\.lock(/|$)))[A-Za-z0-9_][\w./+-]{0,254}(?<![./])", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")


def load_checkpoint(
    source: str | Path,
    *,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
) -> Checkpoint:
    """Both generators of `source`: a bundled name, an existing folder, or "user/model[@revision]" on the Hub.

    Only the last asks the network, and not even that when `revision` is a full commit hash in the cache or
    when `offline` is True (None: as HF_HUB_OFFLINE says). A branch or tag is resolved to a commit first and
    both files come from that commit. With the Hub unreachable a cached copy is used and `notes` says so.
    `endpoint` and `cache_dir` are huggingface_hub's own by default.
    Raises CheckpointNotFound, InvalidCheckpoint, or CheckpointError when the copy cannot be stored.
    """
    text = str(source)
    bundled = {path.name: path for path in bundled_checkpoints()}
    # Before folders: the project's own folder holds one that is called as the default network is.
    if not isinstance(source, Path) and text in bundled:
        return read_checkpoint(bundled[text], source=text)
    if folder := _folder(source):
        return read_checkpoint(folder)
    if (name := text.removeprefix("checkpoints/")) in bundled:
        return read_checkpoint(bundled[name], source=name)
    if isinstance(source, Path):
        raise _nothing_called(text, list(bundled))
    return load_repository(text, endpoint=endpoint, cache_dir=cache_dir, offline=offline)


def load_repository(
    text: str,
    *,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool | None = None,
) -> Checkpoint:
    """As `load_checkpoint`, of a repository on the Hub alone: no folder of this machine is looked for."""
    repo, at, revision = text.partition("@")
    if repo.startswith("checkpoints/") or not REPOSITORY.fullmatch(repo):
        raise _nothing_called(text, [path.name for path in bundled_checkpoints()])
    if at and not REVISION.fullmatch(revision):
        raise CheckpointNotFound(
            f"'{hidden(revision)}' cannot be a revision; write a branch, a tag or a full commit hash after"
            f" the @."
        )
    return _from_hub(_request(repo, revision, hidden(text), endpoint, cache_dir), offline)


def _folder(source: str | Path) -> Path | None:
    try:
        folder = Path(source).expanduser()
        return folder if str(source) and folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, no such home, no permission
        return None


def _nothing_called(text: str, bundled: list[str]) -> CheckpointNotFound:
    names = ", ".join(bundled) or "none"
    return CheckpointNotFound(
        f"There is no checkpoint '{hidden(text)}'; give a folder that exists, a bundled name ({names}),"
        f" or user/model or user/model@revision on the Hugging Face Hub."
    )


def _hub() -> Any:
    """huggingface_hub, told not to ask its server about anything but the files."""
    import huggingface_hub
    from huggingface_hub import constants

    # Else it fetches a list of known agents from the Hub, to put one into the user-agent header.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    return huggingface_hub


def _request(
    repo: str, revision: str, given: str, endpoint: str | None, cache_dir: str | Path | None
) -> Request:
    constants = _hub().constants
    if COMMIT.fullmatch(revision.lower()):
        revision = revision.lower()
    cache = str(Path(cache_dir).expanduser() if cache_dir else constants.HF_HUB_CACHE)
    return Request(repo, revision or "main", given, (endpoint or constants.ENDPOINT).rstrip("/"), cache)


def _from_hub(request: Request, offline: bool | None) -> Checkpoint:
    cached = _cached(request)
    if cached and COMMIT.fullmatch(request.revision):
        return _read(request, cached)
    if offline or (offline is None and _hub().constants.HF_HUB_OFFLINE):
        if cached:
            return _read(request, cached, "offline mode is on")
        raise CheckpointNotFound(
            f"{request.given} is not in the cache and offline mode is on; unset HF_HUB_OFFLINE and load it"
            f" once with a connection, or give a folder."
        )
    try:
        commit, sizes = _resolve(request)
        return _fetched(request, commit, sizes)
    except Unreachable as reason:
        if cached:
            return _read(request, cached, str(reason))
        raise CheckpointNotFound(
            f"{request.given} is not in the cache and {reason}; check the connection and try again, or give"
            f" a folder."
        ) from None


def _fetched(request: Request, commit: str, sizes: dict[str, int]) -> Checkpoint:
    """Download one commit and read it: the weights only once the config is valid. What is refused leaves the cache."""
    snapshot = Path(request.cache_dir, f"models--{request.repo.replace('/', '--')}", "snapshots", commit)
    ours = not snapshot.exists()  # else another program may use what is there
    try:
        folder = _download(request, commit, CONFIG_FILE)
        config = parse_config(read_file(folder / CONFIG_FILE, request.given), request.given)
        check_weights_size(sizes[WEIGHTS_FILE], config, request.given)
        for name in (WEIGHTS_FILE, *calibration_files(sizes)):
            _download(request, commit, name)
        fresh = "load it again, or choose another revision" if ours else ""
        checkpoint = _read(request, folder, fresh=fresh)
    except CheckpointError:
        if ours and snapshot.exists():
            _forget(request, commit)
        raise
    if request.revision != commit:
        _remember(folder.parents[1] / "refs" / request.revision, commit)
    return checkpoint


def _forget(request: Request, commit: str) -> None:
    """Remove one commit from the cache, with the files that no other commit of its repository shares."""
    with suppress(OSError, ValueError):
        _hub().scan_cache_dir(request.cache_dir).delete_revisions(commit).execute()


def _read(request: Request, folder: Path, why_cached: str = "", fresh: str = "") -> Checkpoint:
    commit = folder.name
    note = (
        f"The cached copy of {request.given} was used because {why_cached};"
        f" it is commit {commit[:12]} and may not be the latest."
    )
    fresh = fresh or f"delete {folder.parents[1]} and load it again, or choose another revision"
    notes = (note,) if why_cached else ()
    return read_checkpoint(folder, source=request.given, revision=commit, notes=notes, fresh=fresh)


def _cached(request: Request) -> Path | None:
    """The snapshot folder of the revision, when both files are in the cache for one and the same commit."""
    find, revision = _hub().try_to_load_from_cache, request.revision
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        try:
            path = find(request.repo, name, cache_dir=request.cache_dir, revision=revision)
        except OSError:
            return None
        if not isinstance(path, str):
            return None
        revision = Path(path).parent.name
    return Path(path).parent


def _resolve(request: Request) -> tuple[str, dict[str, int]]:
    """The commit of the revision, and its files' sizes in bytes: one request, so that unfit ones stay there."""
    try:
        api = _hub().HfApi(endpoint=request.endpoint, library_name="echogan")
        info = api.model_info(
            request.repo, revision=request.revision, files_metadata=True, timeout=ANSWER_TIMEOUT
        )
        commit, sizes = info.sha, {file.rfilename: file.size for file in info.siblings or ()}
    except (KeyError, TypeError, AttributeError):  # JSON, but not what a Hub says
        raise Unreachable(f"{request.site} does not answer like a Hub") from None
    except Exception as error:  # re-raised unchanged where explained does not know it
        raise explained(error, request) from None
    pinned = COMMIT.fullmatch(request.revision) is not None
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit) or (pinned and commit != request.revision):
        raise Unreachable(f"{request.site} does not answer like a Hub")
    check_files(set(sizes), request.given)
    if not all(isinstance(sizes[name], int) for name in (CONFIG_FILE, WEIGHTS_FILE)):
        raise Unreachable(f"{request.site} does not answer like a Hub")
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        check_size(name, sizes[name], request.given)
    return commit, sizes


def _download(request: Request, commit: str, name: str) -> Path:
    """The snapshot folder of a commit, with this file in it."""
    try:
        path = _hub().hf_hub_download(
            request.repo,
            name,
            revision=commit,
            cache_dir=request.cache_dir,
            endpoint=request.endpoint,
            etag_timeout=ANSWER_TIMEOUT,
        )
    except Exception as error:  # re-raised unchanged where explained does not know it
        raise explained(error, request) from None
    return Path(path).parent


def _remember(ref: Path, commit: str) -> None:
    """Note in the cache what a branch or tag stood for, as huggingface_hub does, for use offline."""
    with suppress(OSError):  # a cache that cannot be written still serves what it has
        ref.parent.mkdir(parents=True, exist_ok=True)
        with replacing(ref) as part:
            part.write_text(commit)
