"""Events outside the disk: nothing acknowledged is lost with the disk, and what was not acknowledged does no harm."""

from __future__ import annotations

import uuid

import huggingface_hub
import pytest
from studies import draft, rating

from echogan.core.errors import StudyError
from echogan.study.hub_events import HubEvents, events_from_environment, open_store, restore_from_hub
from echogan.study.readiness import open_study
from echogan.study.store.archive import export_study, import_study
from echogan.study.store.audit import Event, events, verify
from echogan.study.store.lifecycle import freeze
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite, reader_by_token
from echogan.study.store.reading import next_task, progress
from echogan.study.store.replay import catch_up, write_missing
from echogan.study.store.store import Store


class Memory:
    """An event store in memory that can fail before or after it has kept an event."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fails = ""

    def write(self, name: str, content: bytes) -> None:
        if self.fails != "before":
            assert name not in self.files, "an event is immutable"
            self.files[name] = content
        if self.fails:
            raise OSError("no answer")

    def names(self) -> list[str]:
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        return self.files[name]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def store(tmp_path, memory) -> Store:
    """An open study whose draft was exported to study.zip before the first event was written elsewhere."""
    store = draft(tmp_path / "study")
    export_study(store, tmp_path / "study.zip")
    store.writer = memory
    open_study(store, "lead", lasting=False)
    return store


def rate(store: Store, reader, count: int, **options) -> None:
    for _ in range(count):
        task = next_task(store, reader)
        assert task is not None
        record(store, reader, rating(task, **options))


def test_the_study_opens_on_a_host_without_a_disk_only_with_a_writer(tmp_path):
    bare = draft(tmp_path / "bare")
    with pytest.raises(StudyError, match=r"loses its disk at a restart.*ECHOGAN_STUDY_HUB"):
        open_study(bare, "lead", lasting=False)


def test_after_the_disk_is_gone_everything_is_back(store, memory, tmp_path):
    reader, token = invite(store, "lead")
    rate(store, reader, 4)
    one = restore(tmp_path / "study.zip", tmp_path / "again", memory)
    assert events(one) == events(store)
    assert verify(one) == []
    assert reader_by_token(one, token) == reader
    assert progress(one, reader) == progress(store, reader)
    assert next_task(one, reader) == next_task(store, reader)
    rate(one, reader, 1)
    two = restore(tmp_path / "study.zip", tmp_path / "third", memory)
    assert events(two) == events(one)
    assert catch_up(two) == 0


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_rating_that_was_not_kept_is_not_acknowledged_and_can_be_sent_again(store, memory, tmp_path, fails):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    sent = rating(task, uuid_=str(uuid.uuid4()))
    memory.fails = fails
    with pytest.raises(StudyError, match=r"Not saved, since the event store did not answer .*try again"):
        record(store, reader, sent)
    assert next_task(store, reader) == task
    memory.fails = ""
    store.clock.now += 1  # pyright: ignore
    assert not record(store, reader, sent).again
    rate(store, reader, 2)
    again = restore(tmp_path / "study.zip", tmp_path / "again", memory)
    assert events(again) == events(store)
    assert record(again, reader, sent).again
    assert verify(again) == []


def test_what_was_written_and_not_acknowledged_at_the_very_end_gives_way(store, memory, tmp_path):
    """Two events of one number: the one that was acknowledged is the later."""
    (one, _), (two, _) = invite(store, "lead"), invite(store, "lead")
    memory.fails = "after"
    with pytest.raises(StudyError):
        rate(store, one, 1)
    memory.fails = ""
    store.clock.now += 1  # pyright: ignore
    rate(store, two, 1)
    again = restore(tmp_path / "study.zip", tmp_path / "again", memory)
    assert (progress(again, one).done, progress(again, two).done) == (0, 1)


def test_a_changed_event_is_found(store, memory, tmp_path):
    reader, _ = invite(store, "lead")
    rate(store, reader, 1)
    name = memory.names()[-1]
    memory.files[name] = memory.files[name].replace(b'"overall":1', b'"overall":5')
    with pytest.raises(StudyError, match="was changed"):
        restore(tmp_path / "study.zip", tmp_path / "again", memory)


def test_events_from_before_the_writer_can_be_added(tmp_path, memory):
    store = draft(tmp_path / "study")
    store.writer = memory
    assert write_missing(store) == 2
    assert write_missing(store) == 0
    open_study(store, "lead", lasting=False)
    freeze(store, "lead")
    assert [Event.from_json(memory.read(name)).action for name in memory.names()] == [
        "created",
        "media confirmed",
        "opened",
        "frozen",
    ]


def restore(base, folder, writer) -> Store:
    store = import_study(base, folder, writer)
    catch_up(store)
    return store


class Api:
    """The calls of huggingface_hub that are used, on a dictionary."""

    def __init__(self, folder) -> None:
        self.folder, self.down, self.private = folder, False, True

    def dataset_info(self, repo_id) -> Api:
        return self

    def upload_file(self, *, path_or_fileobj, path_in_repo, repo_id, repo_type, commit_message) -> None:
        if self.down:
            raise ConnectionError("https://token@hub")
        path = self.folder / repo_id / path_in_repo
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path_or_fileobj)

    def list_repo_files(self, repo_id, *, repo_type) -> list[str]:
        root = self.folder / repo_id
        return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]

    def hf_hub_download(self, repo_id, filename, *, repo_type) -> str:
        return str(self.folder / repo_id / filename)


def test_the_hub_keeps_each_event_as_a_file_of_its_study(tmp_path):
    api = Api(tmp_path)
    one, other = HubEvents("me/study", "aa", api), HubEvents("me/study", "bb", api)
    one.write("00000001-a.json", b"1")
    other.write("00000001-b.json", b"2")
    assert (one.names(), other.names()) == (["00000001-a.json"], ["00000001-b.json"])
    assert one.read("00000001-a.json") == b"1"
    api.down = True
    with pytest.raises(OSError, match=r"^ConnectionError$"):  # no address, no token
        one.write("00000002-a.json", b"3")


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Api:
    """A dataset that the environment names, private at first."""
    api = Api(tmp_path / "hub")
    monkeypatch.setenv("ECHOGAN_STUDY_HUB", "me/study")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda **_: api)
    return api


def test_a_study_comes_back_from_the_hub_alone(tmp_path, hub):
    export_study(draft(tmp_path / "study"), tmp_path / "study.zip")
    hub.upload_file(
        path_or_fileobj=(tmp_path / "study.zip").read_bytes(),
        path_in_repo="study.zip",
        repo_id="me/study",
        repo_type="dataset",
        commit_message="base",
    )
    first = restore_from_hub(tmp_path / "one")
    open_study(first, "lead", lasting=False)
    reader, token = invite(first, "lead")
    rate(first, reader, 3)
    second = restore_from_hub(tmp_path / "two")
    assert events(second) == events(first)
    assert progress(second, reader_by_token(second, token)).done == 3


def test_a_public_dataset_is_refused(tmp_path, hub):
    hub.private = False
    store = draft(tmp_path / "study")
    store.close()
    with pytest.raises(StudyError, match="public: make it private"):
        open_store(store.folder)


def test_no_variable_no_writer(monkeypatch):
    monkeypatch.delenv("ECHOGAN_STUDY_HUB", raising=False)
    assert events_from_environment("aa") is None
