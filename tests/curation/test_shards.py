"""Shard folders: what numpy alone reads from them, and that building them anew loses and mixes up nothing."""

import csv
from pathlib import Path

import numpy as np
import pytest
from toy_archive import FAN, HEIGHT, WIDTH, drawn, heart, in_process, save_npz

from echogan.core.errors import OutputError
from echogan.curation import assembly as curate_assembly
from echogan.curation import curate, shards
from echogan.curation import worker as curate_worker
from echogan.curation.assembly import Placed, assemble, stored
from echogan.curation.settings import CurateSettings
from echogan.curation.shards import ShardRow, read_index, write_arrays


def one(value: int) -> dict[str, np.ndarray]:
    """A part whose pixels all have this value."""
    return {
        "frames": np.full((1, 2, 8, 8), value, np.uint8),
        "masks": np.full((1, 8, 8), value % 2 > 0),
        "fans": np.full((1, 6), np.nan if value % 3 else value, np.float32),
        "lengths": np.array([1 + value % 2]),
    }


def test_large_clips_share_a_shard_with_fewer_others():
    large = {"frames": np.zeros((64, 1024, 1024), np.uint8), "masks": np.zeros((1024, 1024), bool)}
    assert shards.clips_per_shard(large) == 3  # of 65 MB each
    assert shards.clips_per_shard({"frames": np.zeros((4, 256, 256), np.uint8)}) == 64
    assert shards.clips_per_shard({"frames": np.broadcast_to(np.uint8(0), (2**29,))}) == 1


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Functions that place clips into shards of three, and read back what each folder says of each clip."""
    monkeypatch.setattr(shards, "CLIPS_PER_SHARD", 3)
    out, parts = tmp_path / "out", tmp_path / "parts"
    out.mkdir()
    parts.mkdir()

    class House:
        path = out

        def place(self, clips: dict[int, str], new: list[int]) -> None:
            for value in new:
                write_arrays(parts / f"clip{value:03d}.npz", one(value))
            placed = [
                Placed(out / folder, ShardRow("", 0, f"clip{v:03d}", "p", folder, "train", 1, ""))
                for v, folder in clips.items()
            ]
            assemble(out, parts, placed, stored(out, parts))

        def shown(self) -> dict[str, dict[str, int]]:
            """By plain numpy: folder -> clip -> the value of its pixels."""
            found = {}
            for folder in [out, *sorted(p for p in out.iterdir() if p.is_dir())]:
                if not (folder / "index.csv").exists():
                    continue
                name = "" if folder == out else folder.name
                found[name] = {}
                with (folder / "index.csv").open(newline="") as file:
                    lines = list(csv.DictReader(file))
                for line in lines:
                    with np.load(folder / line["shard"]) as arrays:
                        row = int(line["row"])
                        value = int(arrays["frames"][row].max())
                        assert (arrays["frames"][row] == value).all()
                        assert arrays["masks"][row].all() == (value % 2 > 0)
                        assert arrays["lengths"][row] == 1 + value % 2
                    found[name][line["clip"]] = value
                assert {p.name for p in folder.glob("shard_*")} == {line["shard"] for line in lines}
            assert not list(out.rglob(".*"))
            return found

    return House()


def truth(clips: dict[int, str]) -> dict[str, dict[str, int]]:
    folders = dict.fromkeys(clips.values())
    return {f: {f"clip{v:03d}": v for v in clips if clips[v] == f} for f in sorted(folders)}


def test_clips_come_go_and_move(house):
    clips = dict.fromkeys(range(1, 9), "good")
    house.place(clips, list(clips))
    assert house.shown() == truth(clips)
    first = (house.path / "good" / "shard_0000.npz").read_bytes()
    clips |= dict.fromkeys(range(9, 12), "poor")
    house.place(clips, [9, 10, 11])
    assert house.shown() == truth(clips)
    del clips[5]  # in the second shard: the first one stays as it is
    clips[7] = "poor"  # another grade
    house.place(clips, [])
    assert house.shown() == truth(clips)
    assert (house.path / "good" / "shard_0000.npz").read_bytes() == first
    house.place({9: "poor"}, [])
    assert house.shown() == {"poor": {"clip009": 9}}
    assert not (house.path / "good").exists()


def test_a_changed_clip_replaces_its_row(house, tmp_path):
    clips = dict.fromkeys(range(1, 5), "")
    house.place(clips, list(clips))
    write_arrays(tmp_path / "parts" / "clip002.npz", one(77))
    house.place(clips, [])
    assert house.shown() == {"": {"clip001": 1, "clip002": 77, "clip003": 3, "clip004": 4}}


@pytest.mark.parametrize("step", ["write_arrays", "write_index", "remove_unlisted", "unlink"])
def test_a_stop_at_any_step_loses_nothing(house, monkeypatch, step):
    before = dict.fromkeys(range(1, 8), "good")
    house.place(before, list(before))
    after = {v: "poor" if v == 2 else "good" for v in (1, 2, 3, 5, 6, 7, 8, 9)}
    place = Path if step == "unlink" else shards if step == "write_arrays" else curate_assembly
    true_step, calls = getattr(place, step), []

    def dies(*given, **named):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return true_step(*given, **named)

    for value in (8, 9):
        write_arrays(house.path.parent / "parts" / f"clip{value:03d}.npz", one(value))
    with monkeypatch.context() as patch:
        patch.setattr(place, step, dies)
        with pytest.raises(KeyboardInterrupt):
            house.place(after, [])
    for folder in (house.path / "good", house.path / "poor"):  # whatever an index lists can be read
        for row in read_index(folder):
            assert len(shards.read_arrays(folder / row.shard)["frames"]) > row.row
    house.place(after, [])
    assert house.shown() == truth(after)


def test_a_damaged_index_or_shard_is_one_sentence(tmp_path):
    (tmp_path / "index.csv").write_text("shard,row\nx,y\n")
    with pytest.raises(OutputError, match="damaged"):
        read_index(tmp_path)
    (tmp_path / "shard_0000.npz").write_bytes(b"PK no")
    with pytest.raises(OutputError, match="curate again"):
        shards.read_arrays(tmp_path / "shard_0000.npz")


def test_what_numpy_alone_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(curate, "examine_all", in_process)
    monkeypatch.setattr(curate_worker, "examine", drawn)
    for seed in range(3):
        save_npz(tmp_path / "in" / f"p{seed}" / "a.npz", heart(seed, 8), spacing_mm=(0.5, 0.5))
    save_npz(tmp_path / "in" / "p0" / "still.npz", heart(9, 1))
    curate.curate(tmp_path / "in", tmp_path / "out", CurateSettings(frames=3, size=128))
    with (tmp_path / "out" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["shard", "row", "clip", "patient", "quality", "split", "frames", "spacing_mm"]
    with np.load(tmp_path / "out" / "shard_0000.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    assert {name: (a.dtype.str, a.shape) for name, a in arrays.items()} == {
        "frames": ("|u1", (4, 3, 128, 128)),
        "masks": ("|b1", (4, 128, 128)),
        "fans": ("<f4", (4, 6)),
        "lengths": ("<i8", (4,)),
    }
    assert sorted(arrays["lengths"]) == [1, 3, 3, 3]
    assert not arrays["frames"][~np.repeat(arrays["masks"][:, None], 3, 1)].any()
    still = int(np.argmin(arrays["lengths"]))
    assert (arrays["frames"][still] == arrays["frames"][still, :1]).all()
    assert len({row["patient"] for row in rows}) == 3
    assert {row["split"] for row in rows} <= {"train", "val", "test"}
    columns = np.nonzero(FAN.mask(HEIGHT, WIDTH))[1]
    scale = 128 / (columns.max() + 1 - columns.min())
    for row in rows:
        assert row["shard"] == "shard_0000.npz"
        assert int(row["frames"]) == arrays["lengths"][int(row["row"])]
        expected = "" if int(row["row"]) == still else f"{0.5 / scale:.5f}"
        assert row["spacing_mm"] == expected
