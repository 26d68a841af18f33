"""The stream: the same clips whatever the batch size, each worker its own, lesions as often as asked for."""

import pickle
from itertools import islice

import pytest
import torch

from echogan.phantom.artefacts.degradation import DegradationSettings, only
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.phantom.stream import StreamConfig, phantom_stream

torch.set_num_threads(1)
KINDS = ("clean", "degraded", "labels", "lesion_mask", "support", "sector_mask")


def clips(count, **config):
    """The first clips of a stream, unstacked: {kind: tensor} each, with the truth."""
    found = []
    for batch in phantom_stream(StreamConfig(frames=2, **config)):
        for k, truth in enumerate(batch.truth):
            parts = {name: getattr(batch, name) for name in KINDS}
            found.append(
                {name: part[k] for name, part in parts.items() if part is not None} | {"truth": truth}
            )
        if len(found) >= count:
            return found[:count]
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_of_any_size_hold_the_clips_of_their_seeds(size):
    for k, clip in enumerate(clips(3, clips=size, seed=5)):
        alone = phantom_clip(5 + k, frames=2, want=("clean", "degraded"))
        assert clip["truth"] == alone.truth
        for name in ("clean", "degraded", "sector_mask"):
            assert torch.equal(clip[name], getattr(alone, name)), name
        assert "labels" not in clip


def test_batches_are_stacked():
    config = StreamConfig(clips=2, frames=3, want=("clean", "degraded", "labels", "support"))
    batch = next(phantom_stream(config))
    for name in KINDS[:-1]:
        assert getattr(batch, name).shape == (2, 3, 256, 256), name
    assert batch.sector_mask.shape == (2, 256, 256)


def test_workers_share_the_seeds_out():
    seeds = [
        [truth["seed"] for batch in islice(phantom_stream(config), 2) for truth in batch.truth]
        for config in (StreamConfig(clips=2, frames=1, seed=s, stride=2, want=("clean",)) for s in (0, 1))
    ]
    assert seeds == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_lesions_come_as_often_as_asked_for_and_one_view_if_asked_for():
    ill = clips(4, settings=PhantomSettings(lesion_share=1.0), view="A4C", want=("labels",))
    assert {clip["truth"]["view"] for clip in ill} == {"A4C"}
    # Where a heart lacks the room for one kind it gets another.
    assert all("lesion" in clip["truth"] for clip in ill)
    assert all(clip["lesion_mask"].any() == ("lesion" in clip["truth"]) for clip in ill)


def test_settings_reach_the_clips_and_cross_to_a_worker():
    settings = PhantomSettings(degradation=only(DegradationSettings(), "haze"))
    config = StreamConfig(clips=1, frames=1, settings=settings)
    batch = next(phantom_stream(pickle.loads(pickle.dumps(config))))
    degradation = batch.truth[0]["degradation"]
    assert degradation["haze_db"] is not None
    assert degradation["noise_db"] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA: the stream on a GPU is not tested")
def test_a_batch_stays_on_its_device():
    batch = next(phantom_stream(StreamConfig(clips=2, frames=2), "cuda"))
    assert batch.clean.device.type == batch.sector_mask.device.type == "cuda"
