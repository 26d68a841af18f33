"""Cached clips equal those of the source, and none is rendered twice."""

from dataclasses import dataclass, field

import torch

from echogan.training.data.frame_pool import render_pool
from echogan.training.data.loader import TrainingData
from echogan.training.data.sources import UNKNOWN, TrainingClip
from eval.ablations.render_cache import CachedSource, with_cache


@dataclass(frozen=True)
class Counted:
    """Noise of a seed; notes what it was asked for."""

    name: str
    asked: list[int] = field(default_factory=list, repr=False)

    def __call__(self, seed, frames):
        self.asked.append(seed)
        noise = torch.randint(0, 256, (frames, 24, 20), generator=torch.Generator().manual_seed(seed))
        return TrainingClip(noise.to(torch.uint8), noise[0] > 20, UNKNOWN, truth=noise.to(torch.uint8))

    def facts(self):
        return {"name": self.name}


def test_cached_clips_equal_the_source_s_and_are_rendered_once(tmp_path):
    plain, kept = Counted("a"), Counted("a")
    for _ in range(2):
        once = CachedSource(kept, tmp_path)
        one, other = render_pool(plain, [3, 5], 2, 16), render_pool(once, [3, 5], 2, 16)
        for name in ("frames", "masks", "lengths", "truth"):
            assert torch.equal(getattr(one, name), getattr(other, name))
        assert torch.equal(one.labels.isnan(), other.labels.isnan())
    assert (plain.asked, kept.asked) == ([3, 5, 3, 5], [3, 5])


def test_each_source_and_length_has_its_own_cache(tmp_path):
    one, other = Counted("a"), Counted("b")
    CachedSource(one, tmp_path)(3, 2)
    CachedSource(other, tmp_path)(3, 2)
    CachedSource(one, tmp_path)(3, 4)
    assert (one.asked, other.asked) == ([3, 3], [3])
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".safetensors"]


def test_both_domains_are_cached_with_their_facts(tmp_path):
    data = with_cache(TrainingData(Counted("low"), Counted("high"), Counted("held out")), tmp_path)
    assert data.facts() == {"low": {"name": "low"}, "high": {"name": "high"}}
    for source in (data.low, data.high, data.held_out):
        source(1, 2)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
