"""Exports in one zip: names unlike each other, streamed, nothing left after a stop."""

import threading
import tracemalloc
import zipfile

import pytest

from echogan.core.errors import Cancelled, OutputError
from echogan.enhance.export_zip import unique_names, zip_exports


def test_files_are_there_under_their_names(tmp_path):
    paths = []
    for folder, name, content in (
        ("a", "x.mp4", b"1" * 5000),
        ("b", "X.MP4", b"2"),
        ("c", "r.json", b"{} " * 999),
    ):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / name)
        paths[-1].write_bytes(content)
    target = zip_exports(paths, tmp_path / "out.zip")
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["x.mp4", "X_2.MP4", "r.json"]
        assert [archive.read(name) for name in archive.namelist()] == [path.read_bytes() for path in paths]
        kinds = [member.compress_type for member in archive.infolist()]
        assert kinds == [zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


def test_unique_names():
    names = ["a.mp4", "A.mp4", "a_2.mp4", "a.mp4", "b.mp4"]
    made = unique_names(names)
    assert len({name.casefold() for name in made}) == len(names)
    assert (made[0], made[-1]) == ("a.mp4", "b.mp4")


def test_memory_does_not_grow(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(bytes(40 << 20))
    tracemalloc.start()
    zip_exports([path], tmp_path / "out.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_stop_or_a_missing_file_leaves_nothing(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(Cancelled):
        zip_exports([tmp_path / "a.mp4"], tmp_path / "out.zip", stopped)
    with pytest.raises(OutputError):
        zip_exports([tmp_path / "a.mp4", tmp_path / "none.mp4"], tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
