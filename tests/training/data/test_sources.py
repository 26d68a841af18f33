"""What the sources give: the phantom's looks, real clips in order, and good clips made poor."""

import json

import torch
from shard_folders import shard_folder

from echogan.model.networks.discriminator_layers import LABELS
from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.render import draw_view, phantom_clip
from echogan.training.data.frame_pool import render_pool
from echogan.training.data.shards import open_shards
from echogan.training.data.sources import (
    PhantomSource,
    SemiRealSource,
    ShardSource,
    finding_labels,
    position,
)  # fmt: skip

# --- The phantom


def test_phantom_clips_arrive_as_promised():
    pool = render_pool(PhantomSource("degraded"), [11], 2, 64)
    assert pool.frames.shape == (1, 2, 64, 64)
    assert pool.frames.dtype == torch.uint8
    assert 0.1 < pool.masks.float().mean() < 0.9
    assert pool.labels.shape == (1, len(LABELS))
    assert pool.truth is None


def test_both_domains_are_foreshortened_alike_and_pairs_not_at_all():
    looks = ("degraded", "clear", "ordinary", "pair")
    chances = [PhantomSource(look).settings().heart.foreshortening_chance for look in looks]
    assert chances == [0.2, 0.2, 0.2, 0.0]
    poor = PhantomSource("degraded", foreshortened=1.0)
    apical = next(seed for seed in range(20) if draw_view(seed, poor.settings()) == "A4C")
    drawn = phantom_clip(apical, poor.settings(), 1, want=("degraded",))
    assert 0.12 <= drawn.truth["foreshortening"] <= 0.3
    assert torch.equal(poor(apical, 1).frames, drawn.degraded)


def test_good_clips_are_seen_through_the_best_windows():
    seed, pair = 5, PhantomSource("pair")
    clear, clip = PhantomSource("clear", foreshortened=0.0)(seed, 1), pair(seed, 1)
    own = phantom_clip(seed, pair.settings(), 1, want=("clean", "degraded"))
    assert torch.equal(clip.truth, clear.frames)
    assert torch.equal(clip.frames, own.degraded)
    inside = clip.mask.expand_as(clear.frames)
    darkest = [frames[inside].float().quantile(0.1) for frames in (clear.frames, own.clean)]
    assert darkest[0] < 0.7 * darkest[1]  # cavities without fog
    # One heart by one probe: the walls lie where they lie in the seed's own clip.
    seen = torch.corrcoef(torch.stack([clear.frames[inside].float(), own.clean[inside].float()]))[0, 1]
    assert seen > 0.6


def test_ordinary_clips_are_the_phantoms_own_clean_look():
    ordinary = PhantomSource("ordinary", foreshortened=0.0)
    seen = ordinary(5, 2)
    own = phantom_clip(5, PhantomSource("pair").settings(), 2, want=("clean",))
    assert torch.equal(seen.frames, own.clean)
    assert seen.truth is None
    assert ordinary.facts()["look"] == "ordinary windows"


def test_all_views_are_trained_on_and_told():
    facts = PhantomSource("degraded").facts()
    assert set(facts["views"]) == set(VIEWS)
    assert all(share > 0 for share in facts["views"].values())
    assert json.loads(json.dumps(facts)) == facts
    drawn = {draw_view(seed, PhantomSource("degraded").settings()) for seed in range(60)}
    assert drawn == set(VIEWS)


def test_findings_become_labels():
    found = {"LA": "enlarged", "LV": "normal", "LV_wall": "asymmetric septal hypertrophy"}
    assert finding_labels(found).tolist()[:1] == [1]
    assert torch.isnan(finding_labels(found)[[1, 3]]).all()  # RA and RV are not in view
    assert finding_labels(found)[[2, 4]].tolist() == [0, 1]


# --- Real clips


def test_each_clip_comes_once_before_any_again(tmp_path):
    source = ShardSource(open_shards(shard_folder(tmp_path, clips=7)), augmented=False)
    seen = [int(source(2 * k, 1).frames.max()) for k in range(21)]
    for turn in range(3):
        assert len(set(seen[7 * turn : 7 * turn + 7])) == 7
    assert seen[:7] != seen[7:14]
    assert [position(2 * k + 1, 7) for k in range(21)] == [position(2 * k, 7) for k in range(21)]


def test_a_clip_made_poor_keeps_its_truth_and_its_fan(tmp_path):
    shards = open_shards(shard_folder(tmp_path, clips=2), with_fan=True)
    clip = SemiRealSource(shards, paired=True, augmented=False)(4, 2)
    good = shards.clip(position(4, 2), 2)
    assert torch.equal(clip.truth, good.frames)
    assert clip.frames.shape == good.frames.shape
    assert clip.frames.dtype == torch.uint8
    assert (clip.frames[:, ~clip.mask] == 0).all()
    assert (clip.frames.float() - good.frames.float()).abs()[:, clip.mask].mean() > 3
    again, other = (SemiRealSource(shards, augmented=False)(seed, 2) for seed in (4, 8))
    assert torch.equal(again.frames, clip.frames)
    assert again.truth is None
    assert not torch.equal(other.frames, clip.frames)


def test_a_moved_pair_stays_a_pair(tmp_path):
    shards = open_shards(shard_folder(tmp_path, clips=1, frames=1), with_fan=True)
    still, moving = (SemiRealSource(shards, paired=True, augmented=a)(2, 1) for a in (False, True))
    assert not torch.equal(still.mask, moving.mask)
    for clip in (still, moving):
        both = torch.stack([x[0][clip.mask].float() for x in (clip.frames, clip.truth)])
        assert torch.corrcoef(both)[0, 1] > 0.3
