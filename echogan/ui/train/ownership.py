"""Whose a run is: of the browser that started it, which keeps a token; the run's folder keeps the token's hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from echogan.core.errors import TrainingError
from echogan.jobs.job import Job

NOT_YOURS = "Only the browser that started this run may do that."
LONGEST = 200


def token_of(kept: Any) -> str:
    """The token that a browser has kept, or a new one."""
    return kept if isinstance(kept, str) and 32 <= len(kept) <= LONGEST else secrets.token_urlsafe(32)


def claim(job: Job, token: str) -> None:
    """Make a run that is to begin the token's. Raises OSError."""
    job.path.mkdir(parents=True, exist_ok=True)
    _file(job).write_text(_hash(token), encoding="ascii")


def release(job: Job) -> None:
    """Undo `claim` for a run that did not begin."""
    if not job.exists():
        with suppress(OSError):
            _file(job).unlink(missing_ok=True)
            job.path.rmdir()


def owns(job: Job, token: Any, own_machine: bool) -> bool:
    """Whether the run is the token's. One that the command line started is the machine's user's."""
    try:
        kept = _file(job).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return own_machine
    except (OSError, ValueError):
        return False
    return isinstance(token, str) and len(token) <= LONGEST and hmac.compare_digest(kept, _hash(token))


def check_owns(job: Job, token: Any, own_machine: bool) -> None:
    """Raise TrainingError unless the run is the token's."""
    if not owns(job, token, own_machine):
        raise TrainingError(NOT_YOURS)


def has_own_data(job: Job) -> bool:
    """Whether somebody's clips were given to a run; else it shows simulated hearts to everybody."""
    settings = job.settings()
    return not settings or any(settings.get(side) for side in ("low", "high", "semireal"))


def _file(job: Job) -> Path:
    return job.path / ".owner"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
