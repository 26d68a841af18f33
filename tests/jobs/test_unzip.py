"""Unpacking an upload: what is let through, what is refused, and that a refusal leaves nothing behind."""

import stat
import zipfile

import numpy as np
import pytest
from hostile_files import many_small_bombs, overlapping

from echogan.core.errors import ClipTooLarge, EchoGANError, UnreadableClip
from echogan.jobs.unzip import RATIO_FROM, UnzipLimits, unzip, unzip_named


def pack(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            out.writestr(name, data)
    return path


def everything_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_clips_come_out_whole_under_neutral_names_and_keep_their_company(tmp_path):
    noise = np.random.default_rng(0).bytes(3_000_000)
    entries = {
        "Doe^Jane/a.DCM": noise,
        "Doe^Jane/b.mp4": b"b",
        "Roe/scan.1.2.840": b"c",
        "__MACOSX/Doe^Jane/._a.DCM": b"x",
        "Roe/.DS_Store": b"x",
        "DICOMDIR": b"x",
    }
    told = []
    count = unzip(
        pack(tmp_path / "up.zip", entries),
        tmp_path / "low",
        progress=lambda done, total: told.append((done, total)),
    )
    assert count == 3
    assert told[-1] == (3, 3)
    found = [name for name in everything_below(tmp_path / "low") if "clip" in name]
    assert found == [
        "folder_0001/clip_00001.dcm",
        "folder_0001/clip_00002.mp4",
        "folder_0002/clip_00003",
    ]
    assert (tmp_path / "low/folder_0001/clip_00001.dcm").read_bytes() == noise


def test_a_metaimage_keeps_its_pixels_beside_it(tmp_path):
    names = ["Doe/a.mhd", "Doe/a.raw", "Doe/b.mhd", "Doe/b.zraw", "Roe/a.mhd", "Roe/a.raw", "Roe/c.nii.gz"]
    unzip(pack(tmp_path / "up.zip", {name: name.encode() for name in names}), tmp_path / "low")
    found = [name for name in everything_below(tmp_path / "low") if "clip" in name]
    assert found == [
        "folder_0001/clip_00001.mhd",
        "folder_0001/clip_00001.raw",
        "folder_0001/clip_00003.mhd",
        "folder_0001/clip_00003.zraw",
        "folder_0002/clip_00005.mhd",
        "folder_0002/clip_00005.raw",
        "folder_0002/clip_00007.gz",
    ]


def test_folders_written_with_backslashes_are_folders_too(tmp_path):
    archive = tmp_path / "up.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for name in ("one/", "one/a.mp4", "one/b.mp4", "two/c.mp4", "two/.hidden"):
            entry = zipfile.ZipInfo("x")
            entry.filename = name.replace("/", "\\")
            out.writestr(entry, b"x")
    assert unzip(archive, tmp_path / "low") == 3
    found = [name for name in everything_below(tmp_path / "low") if "clip" in name]
    assert [name.split("/")[0] for name in found] == ["folder_0001", "folder_0001", "folder_0002"]


@pytest.mark.parametrize("top", ["", "clips of may/"])
def test_clips_of_the_topmost_folder_are_nobody_s_in_particular(tmp_path, top):
    names = ["a.png", "b.png", "more/c.png"]
    archive = pack(tmp_path / "up.zip", {top + name: b"x" for name in names})
    unzip(archive, tmp_path / "low")
    found = [name for name in everything_below(tmp_path / "low") if "clip" in name]
    assert found == ["clip_00001.png", "clip_00002.png", "folder_0001/clip_00003.png"]


@pytest.mark.parametrize(
    "name", ["../out.dcm", "/etc/out.dcm", "a/../../out.dcm", "..\\out.dcm", "C:\\out.dcm", "c:/out.dcm"]
)
def test_a_name_that_leads_outside_is_refused(tmp_path, name):
    archive = pack(tmp_path / "up.zip", {"good.dcm": b"x", name: b"x"})
    with pytest.raises(UnreadableClip, match="outside its folder"):
        unzip(archive, tmp_path / "data" / "low")
    assert everything_below(tmp_path) == ["up.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    entry = zipfile.ZipInfo("clip.dcm")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "up.zip", "w") as out:
        out.writestr(entry, "/etc/passwd")
    with pytest.raises(UnreadableClip, match="link"):
        unzip(tmp_path / "up.zip", tmp_path / "low")
    assert everything_below(tmp_path) == ["up.zip"]


@pytest.mark.parametrize(
    ("limits", "entries"),
    [
        (UnzipLimits(entries=2), {f"{k}.png": b"x" for k in range(3)}),
        (UnzipLimits(entry_bytes=1000), {"a.png": b"x" * 999, "b.png": b"x" * 1001}),
        (UnzipLimits(total_bytes=1500), {"a.png": b"x" * 999, "b.png": b"x" * 999}),
        (UnzipLimits(ratio=50.0), {"bomb.png": bytes(RATIO_FROM + 1)}),
    ],
    ids=["entries", "one file", "all files", "ratio"],
)
def test_each_limit_holds_and_leaves_nothing(tmp_path, limits, entries):
    archive = pack(tmp_path / "up.zip", entries)
    with pytest.raises(ClipTooLarge):
        unzip(archive, tmp_path / "low", limits)
    assert everything_below(tmp_path) == ["up.zip"]


def test_a_table_that_lies_about_a_size_is_not_believed(tmp_path):
    archive = pack(tmp_path / "up.zip", {"bomb.png": bytes(5_000_000)})
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.index(signature) + offset
        data[place : place + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(data)
    with pytest.raises(EchoGANError):
        unzip(archive, tmp_path / "low", UnzipLimits(total_bytes=1_000_000))
    assert everything_below(tmp_path) == ["up.zip"]


@pytest.mark.parametrize("data", [b"", b"this is no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_refused_with_a_sentence(tmp_path, data):
    (tmp_path / "up.zip").write_bytes(data)
    with pytest.raises(UnreadableClip, match="damaged"):
        unzip(tmp_path / "up.zip", tmp_path / "low")


def test_a_damaged_entry_leaves_nothing(tmp_path):
    archive = pack(tmp_path / "up.zip", {"a.png": b"a", "b.png": np.random.default_rng(0).bytes(100_000)})
    data = bytearray(archive.read_bytes())
    data[50_000:50_010] = bytes(10)
    archive.write_bytes(data)
    with pytest.raises(UnreadableClip):
        unzip(archive, tmp_path / "low")
    assert everything_below(tmp_path) == ["up.zip"]


def test_a_zip_without_clips_is_refused(tmp_path):
    with pytest.raises(UnreadableClip, match="no clips"):
        unzip(pack(tmp_path / "up.zip", {"__MACOSX/._a": b"x"}), tmp_path / "low")


def test_each_files_place_comes_with_its_own_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x/b.dcm", "x/.hidden", "y\\a.gif"):
            archive.writestr(name, name)
    found = unzip_named(tmp_path / "a.zip", tmp_path / "out")
    assert [name for _, name in found] == ["x/b.dcm", "y/a.gif"]
    assert [path.read_text() for path, _ in found] == ["x/b.dcm", "y\\a.gif"]
    assert all((tmp_path / "out") in path.parents for path, _ in found)


def test_the_ratio_holds_for_many_small_files_too(tmp_path):
    archive = many_small_bombs(tmp_path / "up.zip", 20, RATIO_FROM // 8)
    with pytest.raises(ClipTooLarge, match="200 times"):
        unzip(archive, tmp_path / "low")
    assert everything_below(tmp_path) == ["up.zip"]


def test_files_that_overlap_are_refused(tmp_path):
    archive = overlapping(tmp_path / "up.zip", 1000, 1_000_000)
    with pytest.raises(UnreadableClip, match=r"overlap|damaged"):
        unzip(archive, tmp_path / "low")
    assert everything_below(tmp_path) == ["up.zip"]
