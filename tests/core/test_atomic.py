"""Files appear whole or not at all, wherever the writer is interrupted, killed or short of space."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echogan.core import atomic
from echogan.core.atomic import (
    UNFINISHED,
    Unfinished,
    moving_into,
    remove_unfinished,
    replace_files,
    replacing,
    temporary_name,
    write_whole,
)
from echogan.core.errors import OutputError

OLD, NEW = b"old " * 50, b"new!" * 70
MOST_STEPS = 40


class Steps:
    """Counts what is done to the disk, and calls `stop` before or after one of these steps."""

    def __init__(self, at: int, stop: Callable[[], None]) -> None:
        self.left, self.stop = at, stop

    def step(self) -> None:
        self.left -= 1
        if self.left == -1:
            self.stop()

    def around(self, function: Callable) -> Callable:
        def call(*args, **named):
            self.step()
            result = function(*args, **named)
            self.step()
            return result

        return call

    @contextmanager
    def counted(self) -> Iterator[None]:
        steps = self

        class SlowFile(io.FileIO):
            """A file written in two halves, each of them a step."""

            def write(self, data) -> int:
                for half in (data[: len(data) // 2], data[len(data) // 2 :]):
                    steps.step()
                    super().write(half)
                return len(data)

        def slow_open(path, mode="r", *_, **__):
            return SlowFile(path, mode.replace("b", ""))

        with (
            patch.object(os, "replace", self.around(os.replace)),
            patch.object(os, "fsync", self.around(os.fsync)),
            patch.object(Path, "mkdir", self.around(Path.mkdir)),
            patch.object(Path, "touch", self.around(Path.touch)),
            patch.object(Path, "open", self.around(slow_open)),
        ):
            yield


def put(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)


def one_file(folder: Path, sync: bool = False) -> None:
    with replacing(folder / "a", sync) as part:
        put(part, NEW)


def several_files(folder: Path) -> None:
    with moving_into(folder) as part:
        put(part / "a", NEW)
        put(part / "b", NEW)


def by_class(folder: Path) -> None:
    unfinished = Unfinished(folder / "a")
    try:
        put(unfinished.path, NEW)
        unfinished.keep()
    except BaseException:
        unfinished.discard()
        raise


WRITERS: dict[str, Callable[[Path], None]] = {
    "replacing": one_file,
    "replacing, synced": lambda folder: one_file(folder, sync=True),
    "moving_into": several_files,
    "replace_files": lambda folder: replace_files({folder / "a": NEW, folder / "b": NEW}),
    "write_whole": lambda folder: write_whole(folder / "a", NEW),
    "Unfinished": by_class,
}


def begin(folder: Path) -> None:
    for name in "ab":
        (folder / name).write_bytes(OLD)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_that_is_let_be_writes(tmp_path: Path, writer: str):
    begin(tmp_path)
    WRITERS[writer](tmp_path)
    assert contents(tmp_path)["a"] == NEW
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=MOST_STEPS, deadline=None)  # the disk may be busy
@given(at=st.integers(0, MOST_STEPS))
def test_interrupted_anywhere_each_file_is_old_or_new_and_nothing_else_is_left(
    tmp_path_factory, writer: str, error: BaseException, at: int
):
    folder = tmp_path_factory.mktemp("files")
    begin(folder)

    def stop() -> None:
        raise error

    with suppress(KeyboardInterrupt, OSError, OutputError), Steps(at, stop).counted():
        WRITERS[writer](folder)
    found = contents(folder)
    assert sorted(os.listdir(folder)) == ["a", "b"]
    assert set(found.values()) <= {OLD, NEW}


@pytest.mark.parametrize("writer", WRITERS)
def test_killed_anywhere_each_file_is_old_or_new_and_the_rest_can_be_swept(tmp_path: Path, writer: str):
    """Real processes, each of which ends without warning a step later than the one before."""
    code = (
        "import os, sys; from pathlib import Path; import test_atomic as t\n"
        "for at in range(t.MOST_STEPS):\n"
        "    folder = Path(sys.argv[2]) / str(at); folder.mkdir(); t.begin(folder)\n"
        "    if os.fork() == 0:\n"
        "        with t.Steps(at, lambda: os._exit(9)).counted():\n"
        "            t.WRITERS[sys.argv[1]](folder)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(atomic.__file__).parents[2])])
    subprocess.run(
        [sys.executable, "-c", code, writer, tmp_path], check=True, env=os.environ | {"PYTHONPATH": paths}
    )
    left_behind, finished = 0, 0
    for folder in sorted(tmp_path.iterdir()):
        left_behind += sum(UNFINISHED.fullmatch(name) is not None for name in os.listdir(folder))
        remove_unfinished(folder, folder / "not there")
        found = contents(folder)
        assert sorted(os.listdir(folder)) == ["a", "b"], folder
        assert set(found.values()) <= {OLD, NEW}, folder
        finished += found["a"] == NEW
    assert left_behind > 0, "some writers were killed while writing"
    assert 0 < finished < MOST_STEPS, "some before the file was in place, some after"


def test_a_folder_appears_whole(tmp_path: Path):
    with replacing(tmp_path / "out") as part:
        part.mkdir()
        put(part / "x", NEW)
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "x").read_bytes() == NEW
    with pytest.raises(OSError, match=r"."), replacing(tmp_path / "out") as part:
        part.mkdir()  # a filled folder does not give way
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == ["x"]


def test_files_that_belong_together_wait_for_each_other(tmp_path: Path):
    begin(tmp_path)
    with suppress(KeyboardInterrupt), moving_into(tmp_path) as part:
        put(part / "a", NEW)
        assert contents(tmp_path) == {"a": OLD, "b": OLD}
        raise KeyboardInterrupt
    assert contents(tmp_path) == {"a": OLD, "b": OLD}


def test_sweeping_leaves_what_no_writer_made(tmp_path: Path):
    kept = [".0123456789ab.parts", "0123456789ab.part", ".config.part", "a"]
    for name in kept:
        (tmp_path / name).touch()
    temporary_name(tmp_path / "a").touch()
    temporary_name(tmp_path / "b").mkdir()
    remove_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path):
    with replacing(tmp_path / "a") as one, replacing(tmp_path / "a") as other:
        assert one != other
        put(one, OLD)
        put(other, NEW)
    assert contents(tmp_path) == {"a": OLD}, "the last to end has its way"


def test_a_place_that_cannot_be_written_is_told_at_once_and_made_folders_go(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"'a' could not be written .*free space"):
        Unfinished(tmp_path / "file" / "a")
    Unfinished(tmp_path / "new" / "deep" / "a").discard()
    assert os.listdir(tmp_path) == ["file"]
