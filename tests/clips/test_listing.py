"""Listing a folder: in order, nested, without what lies beside clips; a DICOMDIR leads, but never out of its folder."""

from pathlib import Path

import pytest
from dicom_folders import dicomdir
from dicom_samples import moving, save, ultrasound

from echogan.clips.dicom.directory import is_dicomdir, listed_files
from echogan.clips.listing import list_clips
from echogan.core.errors import UnreadableClip


@pytest.fixture
def clip(tmp_path) -> Path:
    return save(ultrasound(moving()), tmp_path / "clip.dcm")


def listed(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in list_clips(folder)]


def test_nested_folders_in_order_without_bystanders(tmp_path):
    root = tmp_path / "in"
    for name in (
        "b.mp4",
        "a/2.gif",
        "a/1.gif",
        "a/.DS_Store",
        "__MACOSX/b.mp4",
        ".git/x",
        "c/Thumbs.db",
        "c/d/e",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    assert listed(root) == ["b.mp4", "a/1.gif", "a/2.gif", "c/d/e"]


def test_the_pixels_of_a_metaimage_are_no_clip_of_their_own(tmp_path):
    for name in ("a.mhd", "a.raw", "b.zraw"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "c.raw").write_bytes(b"x")
    assert listed(tmp_path) == ["a.mhd", "apart/c.raw"]


def test_a_dicomdir_gives_the_order(clip, tmp_path):
    disc = dicomdir(tmp_path / "disc", clip, ["DICOM/B", "DICOM/A"])
    (disc / "DICOM" / "C").write_bytes(clip.read_bytes())
    assert listed(disc) == ["DICOM/B", "DICOM/A", "DICOM/C"]
    assert [path.name for path in list_clips(disc / "DICOMDIR")] == ["B", "A"]
    assert is_dicomdir(disc / "DICOMDIR")
    assert not is_dicomdir(clip)


def test_names_in_lower_case_as_some_systems_copy_them(clip, tmp_path):
    disc = dicomdir(tmp_path / "disc", clip, ["DICOM/IM1"])
    (disc / "DICOM").rename(disc / "dicom")
    (disc / "dicom" / "IM1").rename(disc / "dicom" / "im1")
    assert listed_files(disc / "DICOMDIR") == [disc / "dicom" / "im1"]


@pytest.mark.parametrize(
    "parts", [["..", "clip.dcm"], ["/etc/passwd"], ["A\\..\\B"], ["C:", "X"], ["DICOM", ".."]]
)
def test_a_dicomdir_never_leads_out_of_its_folder(clip, tmp_path, parts):
    disc = dicomdir(tmp_path / "disc", clip, ["DICOM/A"], [parts])
    with pytest.raises(UnreadableClip, match="outside its own folder"):
        listed_files(disc / "DICOMDIR")
    assert listed(disc) == ["DICOMDIR", "DICOM/A"]  # the folder is listed without it


def test_a_link_in_a_disc_is_not_followed_out(clip, tmp_path):
    disc = dicomdir(tmp_path / "disc", clip, ["DICOM/A", "B"])
    (disc / "B").unlink()
    (disc / "B").symlink_to(clip)
    with pytest.raises(UnreadableClip, match="outside"):
        listed_files(disc / "DICOMDIR")


def test_a_damaged_dicomdir_does_not_hide_its_folder(clip, tmp_path):
    disc = dicomdir(tmp_path / "disc", clip, ["A"])
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data[: len(data) - 30])
    assert "A" in listed(disc)


@pytest.mark.parametrize("name", ["none", "clip.dcm"])
def test_what_is_no_folder_is_said(clip, tmp_path, name):
    with pytest.raises(UnreadableClip, match="folder"):
        list_clips(tmp_path / name)
