"""A mixture draws each clip from one of its sources, by their weights, and tells what they are."""

import pickle

import numpy as np
import pytest
from shard_folders import shard_folder

from echogan.training.data.mixture import Mixture, mixed
from echogan.training.data.shards import open_shards
from echogan.training.data.sources import PhantomSource, ShardSource


class Constant:
    def __init__(self, name):
        self.name = name

    def __call__(self, seed, frames):
        return self.name

    def facts(self):
        return {"is": self.name}


def test_a_mixture_draws_by_its_weights_and_tells_them():
    source = mixed([(Constant("a"), 3.0), (Constant("b"), 1.0), (Constant("c"), 0.0)])
    drawn = [source(2 * k, 1) for k in range(2000)]
    assert np.mean([x == "a" for x in drawn]) == pytest.approx(0.75, abs=0.03)
    assert drawn == [source(2 * k, 1) for k in range(2000)]
    assert source.facts() == {"mixture": [{"share": 0.75, "is": "a"}, {"share": 0.25, "is": "b"}]}


def test_one_part_is_no_mixture():
    only = Constant("a")
    assert mixed([(only, 0.3), (Constant("b"), 0.0)]) is only


def test_sources_cross_to_a_worker(tmp_path):
    shards = ShardSource(open_shards(shard_folder(tmp_path, clips=2)))
    source = Mixture((PhantomSource("pair", "cpu", 0.5), shards), (1.0, 2.0))
    assert pickle.loads(pickle.dumps(source)) == source
