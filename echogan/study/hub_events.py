"""Events of a study as files of a private dataset on the Hugging Face Hub, for a host without a disk that lasts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from echogan.core.errors import StudyError
from echogan.study.store.archive import import_study
from echogan.study.store.lifecycle import facts
from echogan.study.store.replay import catch_up, write_missing
from echogan.study.store.store import EventWriter, Store

BASE = "study.zip"  # in the dataset: the study as exported before readers were let in
VARIABLE = "ECHOGAN_STUDY_HUB"
"""Names the dataset, as user/name. The token is the one that huggingface_hub finds (HF_TOKEN)."""


class HubEvents:
    """See EventWriter. One commit for each event: the Hub takes some hundred an hour, so a few readers at a time.

    api  a `huggingface_hub.HfApi`, or what behaves like one
    """

    def __init__(self, repo: str, study: str, api: Any) -> None:
        self._repo, self._folder, self._api = repo, f"events/{study}", api

    def write(self, name: str, content: bytes) -> None:
        """Commit one file; it is safe when this returns. Raises OSError."""
        try:
            self._api.upload_file(
                path_or_fileobj=content,
                path_in_repo=f"{self._folder}/{name}",
                repo_id=self._repo,
                repo_type="dataset",
                commit_message="event",
            )
        except Exception as error:  # whatever the network or the Hub says, the rating is not saved
            raise OSError(type(error).__name__) from error

    def names(self) -> list[str]:
        """The names of all events. Raises OSError."""
        try:
            files = self._api.list_repo_files(self._repo, repo_type="dataset")
        except Exception as error:
            raise OSError(type(error).__name__) from error
        return sorted(Path(file).name for file in files if file.startswith(f"{self._folder}/"))

    def read(self, name: str) -> bytes:
        """The content of one event. Raises OSError."""
        try:
            path = self._api.hf_hub_download(self._repo, f"{self._folder}/{name}", repo_type="dataset")
        except Exception as error:
            raise OSError(type(error).__name__) from error
        return Path(path).read_bytes()


def open_store(folder: Path) -> Store:
    """The study in a folder, in step with the dataset that the environment names, if any. Raises StudyError."""
    store = Store(folder)
    store.writer = events_from_environment(facts(store).id)
    if store.writer is not None:
        catch_up(store)
        write_missing(store)
    return store


def restore_from_hub(folder: Path) -> Store:
    """Make the study again in a new folder, of `study.zip` in the dataset and of the events. Raises StudyError."""
    repo, api = _dataset()
    if not repo:
        raise StudyError(f"{VARIABLE} names no dataset: set it to user/name.")
    try:
        base = Path(api.hf_hub_download(repo, BASE, repo_type="dataset"))
    except Exception:
        raise StudyError(
            f"The dataset has no {BASE}: export the study before it opens and upload it."
        ) from None
    import_study(base, folder).close()
    return open_store(folder)


def events_from_environment(study: str) -> EventWriter | None:
    """The writer that ECHOGAN_STUDY_HUB names for a study; None where it names none. Raises StudyError."""
    repo, api = _dataset()
    return HubEvents(repo, study, api) if repo else None


def _dataset() -> tuple[str, Any]:
    """(name, api) of the dataset; the name is empty where none is named.

    Raises StudyError unless it is there and private: the events hold the arms and the ratings.
    """
    repo = os.environ.get(VARIABLE, "").strip()
    if not repo:
        return "", None
    import huggingface_hub

    api = huggingface_hub.HfApi(library_name="echogan")
    try:
        private = api.dataset_info(repo).private
    except Exception:
        raise StudyError(
            f"The dataset that {VARIABLE} names cannot be reached: check its name and the token."
        ) from None
    if not private:
        raise StudyError(
            f"The dataset that {VARIABLE} names is public: make it private, it will hold the arms."
        )
    return repo, api
