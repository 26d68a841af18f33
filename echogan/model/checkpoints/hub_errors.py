"""What to say when the Hub gives no usable answer: every failure of huggingface_hub as one sentence."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from echogan.core.errors import CheckpointError, CheckpointNotFound

TOKEN = re.compile(r"hf_\w{8,}")


class Unreachable(Exception):
    """The Hub gave no usable answer; a cached copy may serve instead. The text says why."""


@dataclass(frozen=True)
class Request:
    """One repository at one revision, and where to ask for it and to keep it."""

    repo: str
    revision: str
    given: str  # as the user wrote it
    endpoint: str
    cache_dir: str

    @property
    def site(self) -> str:
        """The Hub's address without a user name or password that may be part of it."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def hidden(text: str) -> str:
    """The text for a message: short, on one line, without an access token."""
    return "".join(c for c in TOKEN.sub("hf_***", text)[:120] if c.isprintable())


def explained(error: Exception, request: Request) -> Exception:
    """What to raise for an error of huggingface_hub: a sentence, Unreachable, or itself where unknown."""
    from huggingface_hub import errors

    repo, site = request.repo, request.site
    match error:
        case errors.GatedRepoError():  # a RepositoryNotFoundError too
            return CheckpointNotFound(
                f"{repo} is gated; accept its conditions at {site}/{repo}, then log in with 'hf auth login'"
                f" (or set HF_TOKEN) and load it again."
            )
        case errors.RepositoryNotFoundError():
            return CheckpointNotFound(
                f"There is no folder and no Hub repository {repo}, or it is private; check the spelling, or"
                f" log in with 'hf auth login' (or set HF_TOKEN) as a user who may read it."
            )
        case errors.RevisionNotFoundError():
            return CheckpointNotFound(
                f"{repo} has no revision '{hidden(request.revision)}'; give a branch, a tag or a full commit"
                f" hash listed at {site}/{repo}/commits/main."
            )
        case errors.LocalEntryNotFoundError() | errors.OfflineModeIsEnabled():
            offline = isinstance(error, errors.OfflineModeIsEnabled)
            return Unreachable("HF_HUB_OFFLINE is set" if offline else f"{site} cannot be reached")
        case errors.HfHubHTTPError():
            return _explained_status(error.response.status_code, request)
        case errors.HFValidationError():
            return CheckpointNotFound(f"'{repo}' is not a repository's name; write it as user/model.")
        case OSError() | RuntimeError() | ValueError():
            return _explained_system(error, request)
    # httpx in huggingface_hub 1, httpx2 in 2: known by name, so that neither has to be imported
    if type(error).__module__.partition(".")[0] in ("httpx", "httpx2"):
        return Unreachable(f"{site} cannot be reached")
    return error


def _explained_status(status: int, request: Request) -> Exception:
    if status in (401, 403):
        return CheckpointNotFound(
            f"{request.site} refuses access to {request.repo} (error {status}); log in with 'hf auth login'"
            f" as a user who may read it, or unset a wrong HF_TOKEN."
        )
    if status in (408, 429) or status >= 500:
        return Unreachable(f"{request.site} is out of order (error {status})")
    return CheckpointError(
        f"{request.site} answers error {status} for {request.repo}; check the name, or try again later."
    )


def _explained_system(error: Exception, request: Request) -> Exception:
    """Trouble of this machine: the network, the disk, the cache folder."""
    code, cache = getattr(error, "errno", None), request.cache_dir
    if isinstance(error, ConnectionError | TimeoutError):
        return Unreachable(f"{request.site} cannot be reached")
    if code in (errno.ENOSPC, errno.EDQUOT):
        return CheckpointError(
            f"The disk of {cache} is full; free some space, or set HF_HOME to a folder on another disk."
        )
    if code is not None:
        return CheckpointError(
            f"{request.given} cannot be stored in {cache} ({os.strerror(code)}); make that folder writable,"
            f" or set HF_HOME to one that is."
        )
    if isinstance(error, ValueError):  # not JSON: a captive portal or a proxy's page
        return Unreachable(f"{request.site} does not answer like a Hub")
    return CheckpointError(f"The download of {request.given} broke off; try again.")
