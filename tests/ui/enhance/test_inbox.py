"""What was sent becomes clips: zips are unpacked, bystanders are skipped, names tell nothing on the disk."""

import zipfile

import pytest
from small_workplace import gif, sent

from echogan.ui.enhance.inbox import NOT_SENT, TOO_MANY, receive
from echogan.ui.session import Sessions


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A function that receives files; `tmp_path / "gradio"` is where Gradio keeps uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    sessions = Sessions()
    folder = sessions.make_folder()
    return lambda files, room=32: receive(sessions, folder, files, room)


def test_clips_lie_under_neutral_names_and_keep_their_own_for_the_list(box, tmp_path):
    one, two = gif(tmp_path / "one.gif"), gif(tmp_path / "two.gif", seed=1)
    got = box(
        [sent(one, tmp_path / "gradio", "Jane Doe.GIF"), sent(two, tmp_path / "gradio", "disc/b.weird")]
    )
    assert got.refused == []
    assert [name for _, _, name in got.clips] == ["Jane Doe.GIF", "disc/b.weird"]
    assert [path.name for _, path, _ in got.clips] == ["clip.gif", "clip"]
    assert [path.read_bytes() for _, path, _ in got.clips] == [one.read_bytes(), two.read_bytes()]
    assert len({place for place, _, _ in got.clips}) == 2


def test_a_zip_gives_its_clips_with_their_names_and_goes(box, tmp_path):
    one = gif(tmp_path / "one.gif")
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        for name in ("a/one.gif", "b/one.gif", "DICOMDIR", "__MACOSX/one.gif", ".DS_Store"):
            archive.write(one, name)
    got = box([sent(tmp_path / "disc.zip", tmp_path / "gradio", "Doe.zip")])
    assert [name for _, _, name in got.clips] == ["a/one.gif", "b/one.gif"]
    assert all(path.read_bytes() == one.read_bytes() for _, path, _ in got.clips)
    assert [path for path in got.clips[0][0].parent.rglob("*") if path.is_file()] != []
    assert not list(got.clips[0][0].parent.rglob("*.zip"))


def test_bystanders_are_skipped_quietly(box, tmp_path):
    files = [
        sent(gif(tmp_path / "one.gif"), tmp_path / "gradio", name) for name in ("disc/DICOMDIR", ".hidden")
    ]
    got = box(files)
    assert got.clips == []
    assert got.refused == []


def test_what_did_not_arrive_and_what_is_too_much_gets_a_sentence(box, tmp_path):
    files = [sent(gif(tmp_path / f"{i}.gif", seed=i), tmp_path / "gradio") for i in range(3)]
    got = box([("/etc/passwd", "passwd"), *files], room=2)
    assert got.refused == [("passwd", NOT_SENT), ("2.gif", TOO_MANY)]
    assert len(got.clips) == 2
    assert len(list(got.clips[0][0].parent.iterdir())) == 2


def test_a_harmful_zip_is_refused_and_leaves_nothing(box, tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../../up.gif", b"x")
    got = box([sent(tmp_path / "bad.zip", tmp_path / "gradio")])
    assert got.clips == []
    ((name, sentence),) = got.refused
    assert name == "bad.zip"
    assert "outside its folder" in sentence
    assert list((tmp_path / "gradio" / "sessions").glob("*/*")) == []


HEADER = (
    b"ObjectType = Image\nNDims = 2\nDimSize = 40 30\nElementType = MET_UCHAR\nElementDataFile = Doe.raw\n"
)


def test_a_metaimage_header_comes_with_its_pixels(box, tmp_path):
    (tmp_path / "Doe.mhd").write_bytes(HEADER)
    (tmp_path / "Doe.raw").write_bytes(b"p" * 1200)
    (tmp_path / "other.raw").write_bytes(b"o" * 1200)
    files = [
        sent(tmp_path / name, tmp_path / "gradio", f"a/{name}")
        for name in ("Doe.raw", "other.raw", "Doe.mhd")
    ]
    got = box(files)
    ((place, path, name),) = got.clips
    assert (path.name, name) == ("clip.mhd", "a/Doe.mhd") or path.suffix == ""
    assert got.refused == []
    if path.suffix == ".mhd":
        assert (place / "clip.raw").read_bytes() == b"p" * 1200
