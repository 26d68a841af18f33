"""The folder of what visitors send is for its owner's eyes alone, whoever was there first."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from echogan.ui.private_folder import private_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="no users and modes on this system")


@pytest.fixture
def expected(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"echogan-{os.getuid()}"


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_it_is_the_same_at_every_start_and_nobody_else_s(expected):
    assert private_folder() == private_folder() == expected
    assert mode(expected) == 0o700


def test_one_that_others_could_read_is_closed(expected):
    expected.mkdir(mode=0o755)
    assert private_folder() == expected
    assert mode(expected) == 0o700


def test_a_link_or_a_file_of_that_name_is_not_followed(expected, tmp_path):
    (tmp_path / "theirs").mkdir()
    expected.symlink_to(tmp_path / "theirs")
    other = private_folder()
    assert other.parent == tmp_path
    assert other.name not in (expected.name, "theirs")
    assert mode(other) == 0o700
    expected.unlink()
    expected.write_text("")
    assert private_folder() != expected


def test_somebody_else_s_folder_is_not_used(expected, monkeypatch):
    expected.mkdir(mode=0o777)
    real = Path.lstat
    monkeypatch.setattr(
        Path, "lstat", lambda path: os.stat_result((*real(path)[:4], os.getuid() + 1, *real(path)[5:10]))
    )
    assert private_folder() != expected
