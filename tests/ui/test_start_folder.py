"""Each start has a folder of its own: a living one's stays, a dead one's goes, and nobody else's is touched."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from echogan.core.errors import OutputError
from echogan.ui.start_folder import TEMPORARY, UPLOADS, _remove_ended, start_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="no locks of this kind on this system")
START = (
    "import sys; from pathlib import Path; from echogan.ui.start_folder import start_folder\n"
    "print(start_folder(Path(sys.argv[1])), flush=True); sys.stdin.read()"
)


@pytest.fixture
def living(tmp_path):
    """Another process that has started, and its folder with a patient's clip in it."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    (folder / UPLOADS / "Doe^Jane.dcm").write_bytes(b"x")
    yield process, folder
    process.kill()
    process.communicate()


def test_a_start_that_goes_on_keeps_its_folder_and_one_that_was_killed_loses_it(living, tmp_path):
    process, theirs = living
    ours = start_folder(tmp_path)
    assert ours != theirs
    assert (theirs / UPLOADS / "Doe^Jane.dcm").exists()
    process.kill()
    process.wait(10)
    third = start_folder(tmp_path)
    assert not theirs.exists()
    assert ours.exists()
    assert sorted(path.name for path in third.iterdir()) == [TEMPORARY, UPLOADS]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (third, *third.iterdir())} == {0o700}


def test_a_process_that_an_app_started_gets_no_folder_inside_the_app_s(tmp_path):
    ours = start_folder(tmp_path)
    assert start_folder(ours / UPLOADS).parent == tmp_path


def test_links_and_whatever_else_lies_there_stay(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / f"start-{'0' * 16}").symlink_to(tmp_path / "elsewhere")
    (tmp_path / f"start-{'1' * 16}").touch()
    (tmp_path / f"start-{'2' * 16}").mkdir()
    start_folder(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert {f"start-{'0' * 16}", f"start-{'1' * 16}", "elsewhere"} < left
    assert f"start-{'2' * 16}" not in left
    assert (tmp_path / "elsewhere" / "file").exists()


def test_somebody_else_s_folder_stays(tmp_path, monkeypatch):
    theirs = tmp_path / f"start-{'3' * 16}"
    theirs.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
    _remove_ended(theirs)
    assert theirs.exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        start_folder(tmp_path / "file")
