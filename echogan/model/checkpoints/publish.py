"""Publish a checkpoint on the Hugging Face Hub: weights, config and a complete model card in one commit."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echogan.core.errors import CheckpointError, SettingsError
from echogan.model.checkpoints.checkpoint import Checkpoint, read_checkpoint
from echogan.model.checkpoints.checkpoint_files import (
    CALIBRATION_FILES,
    CARD_FILE,
    CONFIG_FILE,
    LICENSE_FILE,
    WEIGHTS_FILE,
)
from echogan.model.checkpoints.hub_errors import Request, Unreachable, explained, hidden
from echogan.model.checkpoints.model_card import model_card

TOKEN = "HF_TOKEN"
REPO = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
UNSTATED = "not stated"


@dataclass(frozen=True)
class Published:
    """Where a checkpoint is now: the page of the commit, its hash, and whether only its owner sees it."""

    url: str
    commit: str
    private: bool


def publish(
    folder: str | Path,
    repo: str,
    private: bool = True,
    license: str = "",
    tables: Sequence[str] = (),
    endpoint: str | None = None,
    token: str = "",
) -> Published:
    """Upload the checkpoint in `folder` to `repo`, user/model, with `token` or, where it is empty, that in HF_TOKEN.

    The checkpoint is read first, as strictly as it will be loaded. A card, a LICENSE or a calibration in the folder
    goes along; where there is no card one is written, with `tables` of what was measured. `license` is that of the
    weights where config.json does not state it. A repository that is there already gets another commit, but a public
    one none that should be private.
    Raises SettingsError, CheckpointNotFound, InvalidCheckpoint, and CheckpointError where the Hub refuses. No message
    holds the token.
    """
    checkpoint = read_checkpoint(folder)
    files = files_of(Path(folder), checkpoint, repo, license, tables)
    message = f"{checkpoint.name} {checkpoint.sha256[:12]}"
    with tempfile.TemporaryDirectory() as staged:
        for name, data in files.items():
            Path(staged, name).write_bytes(data)
        return upload(repo, Path(staged), message, private, endpoint=endpoint, token=token)


def upload(
    repo: str,
    folder: Path,
    message: str,
    private: bool = True,
    space: bool = False,
    endpoint: str | None = None,
    token: str = "",
) -> Published:
    """Make the model repository or the Space where there is none, and commit a folder to it. Raises as `publish`.

    What is in a Space and not in the folder is removed there; other files of a model's repository stay.
    """
    check_repo(repo)
    token = token.strip() or os.environ.get(TOKEN, "").strip()
    if not token:
        raise SettingsError(
            f"Set {TOKEN} to a token of the Hub that may write (huggingface.co/settings/tokens)."
        )
    from huggingface_hub import HfApi, constants

    request = Request(repo, "main", repo, (endpoint or constants.ENDPOINT).rstrip("/"), "")
    api, kind = HfApi(endpoint=request.endpoint, token=token), "space" if space else "model"
    try:
        api.create_repo(
            repo, repo_type=kind, private=private, exist_ok=True, space_sdk="gradio" if space else None
        )
        seen_by_all = not api.repo_info(repo, repo_type=kind).private
        if private and seen_by_all:
            raise CheckpointError(
                f"{repo} is there already and is public. Publish for all to see (--no-private), or give another name."
            )
        made = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            commit_message=message,
            repo_type=kind,
            delete_patterns="*" if space else None,
        )
    except Exception as error:
        raise _refused(error, request, token) from None
    return Published(str(made.commit_url), str(made.oid), not seen_by_all)


def check_repo(repo: str) -> None:
    """Raise SettingsError unless this may be a repository's name."""
    if not REPO.fullmatch(repo):
        raise SettingsError(f"'{hidden(repo)}' is no repository's name; write it as user/model.")


def files_of(
    folder: Path, checkpoint: Checkpoint, repo: str, license: str = "", tables: Sequence[str] = ()
) -> dict[str, bytes]:
    """All that is uploaded, by name. Raises SettingsError where nobody has stated a licence, or two disagree."""
    stated = checkpoint.config.license
    if stated == UNSTATED and not license:
        raise SettingsError(
            "The licence of these weights is not stated, for they were trained with clips of your own. "
            "Give --license, as the owners of the clips allow."
        )
    if license and stated not in (UNSTATED, license):
        raise SettingsError(f"The weights are under the licence '{stated}', which cannot be changed here.")
    files = {name: (folder / name).read_bytes() for name in (CONFIG_FILE, WEIGHTS_FILE)}
    for name in (CARD_FILE, LICENSE_FILE, *CALIBRATION_FILES):
        if (folder / name).is_file():
            files[name] = (folder / name).read_bytes()
    if tables and CARD_FILE in files:
        raise SettingsError(f"{folder} has a card of its own: write the tables into that.")
    files.setdefault(CARD_FILE, model_card(checkpoint, repo, license or stated, tables).encode())
    return files


def _refused(error: Exception, request: Request, token: str) -> Exception:
    """What to raise where the Hub does not take it: a sentence without the token."""
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, CheckpointError):
        return error
    if status in (401, 403):
        return CheckpointError(
            f"{request.site} does not let this token write to {request.repo} (error {status}); give {TOKEN} a token "
            "that may write there."
        )
    found = explained(error, request)
    if isinstance(found, Unreachable):
        return CheckpointError(f"Nothing was published: {found}. Try again later.")
    if isinstance(found, CheckpointError):
        return found
    reason = hidden(str(error).replace(token, "hf_***").partition("\n")[0])
    return CheckpointError(f"{request.site} did not take {request.repo} ({reason}).")
