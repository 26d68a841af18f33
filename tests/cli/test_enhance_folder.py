"""Folder mode: nested folders keep their tree, a DICOMDIR is followed, and what failed is told at the end."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from dicom_folders import dicomdir
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle

from echogan.cli.main import main
from echogan.clips.files import open_clip, write_clip
from echogan.clips.write_options import WriteOptions
from echogan.model.checkpoints import hub

torch.set_num_threads(1)
FLAGS = ("--sector", "60,2,-38,38,3,86", "--device", "cpu", "--working-size", "64")


@pytest.fixture(autouse=True)
def fake_model(monkeypatch):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5)))


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """A folder with one clip as GIF and as DICOM."""
    folder, frames = tmp_path_factory.mktemp("clips"), np.where(fan_sector().mask, speckle(4), 0)
    frames = frames.astype(np.uint8)
    write_clip(folder / "clip.gif", frames, clip_of(frames))
    write_clip(folder / "clip.dcm", frames, clip_of(frames), fan_sector(), WriteOptions())
    return folder


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_nested_folders_keep_their_tree_and_junk_is_told_at_the_end(clips, tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    for place in ("a/rest/clip.gif", "a/stress/clip.gif", "b/clip.gif"):
        (source / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clips / "clip.gif", source / place)
    (source / "a" / "notes.txt").write_text("seen on Monday")
    (source / ".cache").mkdir()
    (source / ".cache" / "x.gif").write_text("not looked at")
    assert run("enhance", source, out, "--report", tmp_path / "reports", *FLAGS) == 1
    assert files_of(out) == {"a/rest/clip.mp4", "a/stress/clip.mp4", "b/clip.mp4"}
    assert files_of(tmp_path / "reports") == {"a/rest/clip.json", "a/stress/clip.json", "b/clip.json"}
    last = capsys.readouterr().err.strip().splitlines()[-2:]
    assert last[0].startswith("a/notes.txt: 'notes.txt' is not a clip")
    assert last[1] == "1 of 4 files failed; the others are done."


def test_only_clips_exit_with_0_and_a_second_run_leaves_its_outputs_alone(clips, tmp_path):
    source = tmp_path / "in"
    (source / "a").mkdir(parents=True)
    shutil.copy(clips / "clip.gif", source / "a" / "clip.gif")
    for _ in range(2):
        assert run("enhance", source, source / "enhanced", *FLAGS) == 0
        assert files_of(source) == {"a/clip.gif", "enhanced/a/clip.mp4"}


def test_folders_of_png_keep_the_tree_and_failures_leave_none(clips, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "a").mkdir(parents=True)
    (source / "b" / "c").mkdir(parents=True)
    shutil.copy(clips / "clip.gif", source / "a" / "1.2.3")
    (source / "b" / "c" / "x.gif").write_text("no clip")
    assert run("enhance", source, out, "--format", "png", *FLAGS) == 1
    assert {Path(name).parent.as_posix() for name in files_of(out)} == {"a/1.2.3"}
    assert not (out / "b").exists()


@pytest.mark.parametrize("given", ["folder", "file"])
def test_a_dicomdir_is_followed(clips, tmp_path, capsys, given):
    disc = dicomdir(tmp_path / "disc", clips / "clip.dcm", ["IMAGES/STUDY1/IM0002", "IMAGES/STUDY1/IM0001"])
    (disc / "VIEWER.EXE").write_bytes(b"MZ" + bytes(500))
    code = run("enhance", disc / "DICOMDIR" if given == "file" else disc, tmp_path / "out", *FLAGS)
    assert files_of(tmp_path / "out") == {"IMAGES/STUDY1/IM0002.mp4", "IMAGES/STUDY1/IM0001.mp4"}
    assert code == (0 if given == "file" else 1)  # the program on the disc is no clip
    assert open_clip(tmp_path / "out" / "IMAGES" / "STUDY1" / "IM0001.mp4").frames == 4
    assert ("VIEWER.EXE: " in capsys.readouterr().err) == (given == "folder")


def test_what_a_dicomdir_lists_and_is_missing_is_told(clips, tmp_path, capsys):
    disc = dicomdir(tmp_path / "disc", clips / "clip.dcm", ["IM1", "IM2"])
    (disc / "IM2").unlink()
    assert run("enhance", disc, tmp_path / "out", *FLAGS) == 1
    assert "IM2: There is no file" in capsys.readouterr().err
    assert files_of(tmp_path / "out") == {"IM1.mp4"}
