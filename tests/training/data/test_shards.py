"""Shard folders: what is read, what is refused, and that nothing is told of where they lie."""

import json

import numpy as np
import pytest
from shard_folders import FAN, SIZE, shard_folder

from echogan.core.errors import TrainingError
from echogan.training.data.shards import has_split, open_shards


def test_clips_of_one_split(tmp_path):
    folder = shard_folder(tmp_path, clips=6, splits=("train", "val", "test"))
    for number, split in enumerate(("train", "val", "test")):
        shards = open_shards(folder, split)
        brightest = [int(shards.clip(k, 3).frames.max()) for k in range(len(shards))]
        assert brightest == [200 + 5 * number, 200 + 5 * (number + 3)]
        assert len(shards.patients) == 2
        assert has_split(folder, split)
    assert not has_split(folder, "other")
    assert not has_split(tmp_path / "nowhere", "train")


def test_a_clip_has_its_fan_its_mask_and_its_length(tmp_path):
    folder = shard_folder(tmp_path, clips=2, frames=4)
    change(folder, "lengths", lambda x: np.array([4, 1]))
    change(folder, "fans", lambda x: np.where([[True], [False]], x, np.nan))
    shards = open_shards(folder)
    first, second = shards.clip(0, 9), shards.clip(1, 9)
    assert first.frames.shape == (4, SIZE, SIZE)
    assert second.frames.shape == (1, SIZE, SIZE)
    assert shards.clip(0, 2).frames.shape[0] == 2
    assert first.fan is not None
    assert (first.fan.apex, first.fan.r_max, first.fan.left_deg) == (FAN.apex, FAN.r_max, FAN.left_deg)
    assert second.fan is None
    assert (first.mask.numpy() == FAN.mask(SIZE, SIZE)).all()
    assert len(open_shards(folder, with_fan=True)) == 1


def change(folder, name, act):
    with np.load(folder / "shard_0000.npz") as file:
        arrays = dict(file)
    arrays[name] = act(arrays[name])
    np.savez_compressed(folder / "shard_0000.npz", **arrays)


def test_facts_tell_no_place_and_notice_another_content(tmp_path):
    one, other = shard_folder(tmp_path / "Zyxwvq", clips=3), shard_folder(tmp_path / "b", clips=4)
    facts = open_shards(one).facts()
    assert "Zyxwvq" not in json.dumps(facts)
    assert facts["clips"] == facts["patients"] == 3
    assert facts["shards"] != open_shards(other).facts()["shards"]
    assert facts == open_shards(shard_folder(tmp_path / "c", clips=3)).facts()


HEADER = "shard,row,clip,patient,split\n"


@pytest.mark.parametrize(
    "index",
    [
        None,
        "",
        "a,b\n1,2\n",
        f"{HEADER}x/../y.npz,0,c,p,train\n",
        f"{HEADER}shard_0000.npz,one,c,p,train\n",
        f"{HEADER}shard_0000.npz\n{HEADER.strip().replace('split', 'train')}\n",
        f"{HEADER}shard_0000.npz,,,,train\n",
        "\xff\xfe",
    ],
)
def test_what_is_no_shard_folder_is_refused_with_the_remedy(tmp_path, index):
    if index is not None:
        (tmp_path / "index.csv").write_bytes(index.encode("latin-1"))
    with pytest.raises(TrainingError, match=r"echogan curate"):
        open_shards(tmp_path)


@pytest.mark.parametrize("row", ["-1", "99"])
def test_a_row_that_no_shard_has_is_refused_when_fans_are_asked_for(tmp_path, row):
    folder = shard_folder(tmp_path)
    (folder / "index.csv").write_text(f"{HEADER}shard_0000.npz,{row},c,p,train\n")
    with pytest.raises(TrainingError, match=rf"no row {row}.*echogan curate"):
        open_shards(folder, with_fan=True)


def test_a_split_without_clips_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no val clips"):
        open_shards(shard_folder(tmp_path), "val")


@pytest.mark.parametrize("harm", ["cut", "missing", "row", "pickle"])
def test_a_damaged_shard_is_refused(tmp_path, harm):
    folder = shard_folder(tmp_path)
    file = folder / "shard_0000.npz"
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:500])
    elif harm == "missing":
        file.unlink()
    elif harm == "row":
        change(folder, "frames", lambda x: x[:1])
    else:
        change(folder, "frames", lambda x: np.array([{"a": 1}], dtype=object))
    with pytest.raises(TrainingError, match=r"echogan curate"):
        open_shards(folder).clip(3, 1)
