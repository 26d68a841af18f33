"""NPZ written piece by piece: np.load agrees, memory stays bounded, nothing is left after an error."""

import errno
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from echogan.clips.clip import ClipFile
from echogan.clips.formats import npz_writer
from echogan.clips.formats.npz_writer import NpzStream, NpzWriter
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import OutputError


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_several_arrays_grow_side_by_side(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (7, 5, 6), dtype=np.uint8)
    maps = rng.normal(size=(7, 3, 4)).astype(np.float16)
    with NpzStream(tmp_path / "out" / "a.npz") as out:
        original, difference = (
            out.array("original", (5, 6), np.uint8),
            out.array("difference", (3, 4), "float16"),
        )
        curve, empty = out.array("curve", (), np.float32), out.array("empty", (2,), bool)
        for start in range(0, 7, 3):
            original.append(frames[start : start + 3])
            for item in maps[start : start + 3]:
                difference.append(item)
                curve.append(item.mean())
        out.put("tissue_mask", frames[0] > 128)
        out.put("fps", 30.0)
        assert empty.count == 0
        assert original.count == 7
    stored = load(tmp_path / "out" / "a.npz")
    assert np.array_equal(stored["original"], frames)
    assert np.array_equal(stored["difference"], maps)
    assert stored["difference"].dtype == np.float16
    assert stored["curve"] == pytest.approx(maps.mean((1, 2)), abs=1e-3)
    assert stored["empty"].shape == (0, 2)
    assert np.array_equal(stored["tissue_mask"], frames[0] > 128)
    assert stored["fps"] == 30
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.npz"]


def test_the_same_arrays_give_the_same_file(tmp_path):
    for name in ("a", "b"):
        with NpzStream(tmp_path / name) as out:
            out.array("x", (3,), np.int32).append(np.arange(6).reshape(2, 3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def peak_memory(path: Path, count: int) -> int:
    frame = np.random.default_rng(0).integers(0, 256, (4, 128, 128), dtype=np.uint8)
    tracemalloc.start()
    with NpzStream(path) as out:
        first, second = out.array("first", (128, 128), np.uint8), out.array("second", (128, 128), np.float16)
        for _ in range(count // 4):
            first.append(frame)
            second.append(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_clip(tmp_path):
    short, long = peak_memory(tmp_path / "a.npz", 24), peak_memory(tmp_path / "b.npz", 240)
    assert long <= 1.2 * short
    assert long < 3_000_000  # the arrays themselves take 12 MB


def test_nothing_is_left_after_an_error(tmp_path):
    def interrupted() -> None:
        with NpzStream(tmp_path / "new" / "a.npz") as out:
            out.array("x", (3,), np.uint8).append(np.zeros(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_wrong_shapes_and_objects_are_our_mistakes(tmp_path):
    with NpzStream(tmp_path / "a.npz") as out:
        array = out.array("x", (3,), np.uint8)
        with pytest.raises(AssertionError):
            array.append(np.zeros(4))
        with pytest.raises(AssertionError):
            out.array("x", (3,), np.uint8)
        with pytest.raises(AssertionError):
            out.array("y", (3,), object)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match=r"a\.npz"):
        NpzStream(tmp_path / "file" / "a.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        NpzStream(tmp_path / "folder.npz")


@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 3)])
def test_a_clip_as_npz(tmp_path, shape):
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    durations = (10.0, 20.0, 30.0, 40.0, 50.0)
    source = ClipFile(
        Path("x"), "video", 5, 6, 7, 33.0, len(shape) == 4, frames.__iter__, durations, spacing_mm=(0.3, 0.4)
    )
    with NpzWriter(tmp_path / "a.npz", source, None, WriteOptions()) as out:
        for frame in frames:
            out.write(frame)
    stored = load(tmp_path / "a.npz")
    assert np.array_equal(stored["frames"], frames)
    assert stored["fps"] == 33
    assert stored["spacing_mm"].tolist() == [0.3, 0.4]
    assert stored["durations_ms"].tolist() == list(durations)


@pytest.mark.parametrize("when", ["append", "copy_to"])
def test_a_full_disk_is_told_by_the_name_that_was_given(tmp_path, monkeypatch, when):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    class Spool(io.BytesIO):
        write = full if when == "append" else io.BytesIO.write

    if when == "copy_to":
        monkeypatch.setattr(npz_writer.shutil, "copyfileobj", full)
    monkeypatch.setattr(npz_writer.tempfile, "TemporaryFile", lambda **_: Spool())
    source = ClipFile(Path("x"), "image", 1, 4, 4, None, False, lambda: iter(()))

    def write() -> None:
        with NpzWriter(tmp_path / "a.npz", source, None, WriteOptions()) as out:
            out.write(np.zeros((4, 4), np.uint8))

    with pytest.raises(OutputError, match=r"^'a\.npz' could not be written \(No space left on device\)"):
        write()
    assert not list(tmp_path.iterdir())


def test_a_still_of_unknown_size_as_npz(tmp_path):
    source = ClipFile(Path("x"), "image", 1, 4, 4, None, False, lambda: iter(()))
    with NpzWriter(tmp_path / "a.npz", source, None, WriteOptions()) as out:
        out.write(np.zeros((4, 4), np.uint8))
    stored = load(tmp_path / "a.npz")
    assert np.isnan(stored["fps"])
    assert np.isnan(stored["spacing_mm"]).all()
    assert "durations_ms" not in stored
