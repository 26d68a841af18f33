"""A pool holds the frames of its clips at the size of training, and draws every one."""

from dataclasses import replace

import pytest
import torch
from toy_clips import ToyClips

from echogan.training.data.frame_pool import render_pool, to_size


def test_smaller_frames_are_area_averages_and_masks_stay_inside():
    frame = torch.tensor([[[0, 100], [100, 200]]], dtype=torch.uint8).repeat_interleave(8, 1)
    frame = frame.repeat_interleave(8, 2)
    assert to_size(frame, 2).tolist() == [[[0, 100], [100, 200]]]
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[:9] = True  # the ninth row is half of a small row
    assert to_size(mask, 8).sum(0).tolist() == [4] * 8


@pytest.mark.parametrize("frames", [1, 3])
def test_a_bank_draws_every_frame(frames):
    pool = render_pool(ToyClips(), [1, 2], frames, 64)
    drawn = pool.draw(200, torch.Generator().manual_seed(0)).frames
    assert len({tuple(x.flatten()[1000:1100].tolist()) for x in drawn}) == 2 * frames


def test_each_frame_comes_with_its_neighbour_in_time_its_twin_and_its_labels():
    pool = render_pool(ToyClips("pair"), [1, 2, 3], 3, 64)
    pool = replace(pool, frames=numbered(pool.frames), truth=100 + numbered(pool.frames))
    pool.lengths[2] = 1  # a still: its other frames are fillers
    drawn = pool.draw(300, torch.Generator().manual_seed(0))
    number = ((drawn.frames[:, 0, 0, 0] + 1) * 127.5).round().long()
    after = ((drawn.after[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert drawn.truth is not None
    assert torch.equal(((drawn.truth[:, 0, 0, 0] + 1) * 127.5).round().long(), number + 100)
    assert set(zip(number.tolist(), after.tolist(), strict=True)) == {
        (0, 1), (1, 2), (2, 1), (10, 11), (11, 12), (12, 11), (20, 20),
    }  # fmt: skip
    assert torch.equal(drawn.labels.nan_to_num(9), pool.labels[number // 10].nan_to_num(9))


def test_clips_without_a_truth_may_lie_beside_pairs():
    class Mixed:
        def __call__(self, seed, frames):
            return ToyClips("pair" if seed % 2 else "low")(seed, frames)

    pool = render_pool(Mixed(), [1, 2, 3, 4], 2, 64)
    assert pool.paired.tolist() == [1, 0, 1, 0]
    drawn = pool.draw(40, torch.Generator().manual_seed(0))
    assert drawn.truth is not None
    itself = (drawn.truth == drawn.frames).flatten(1).all(1)
    assert torch.equal(
        drawn.paired == 0, itself
    )  # what it is to become is not known: itself, and of no weight
    assert 0 < drawn.paired.sum() < 40


def test_each_frame_comes_with_the_map_of_its_lesion():
    class Marked:
        def __call__(self, seed, frames):
            clip = ToyClips("pair")(seed, frames)
            return replace(clip, lesions=torch.full_like(clip.frames, seed) if seed != 2 else None)

    pool = render_pool(Marked(), [1, 2, 3], 2, 32)
    pool = replace(pool, frames=numbered(pool.frames))
    drawn = pool.draw(60, torch.Generator().manual_seed(0))
    clip = ((drawn.frames[:, 0, 0, 0] + 1) * 127.5).round().long() // 10
    assert drawn.lesions is not None
    assert drawn.lesions.shape == drawn.frames.shape
    assert torch.equal(drawn.lesions[:, 0, 5, 7].long(), torch.tensor([1, 0, 3])[clip])  # 2 says nothing
    assert render_pool(ToyClips("pair"), [1], 2, 32).lesions is None


def numbered(frames: torch.Tensor) -> torch.Tensor:
    """Frame t of clip k is k * 10 + t all over."""
    clip, frame = (torch.arange(n) for n in frames.shape[:2])
    return (clip[:, None] * 10 + frame)[..., None, None].expand(frames.shape).to(torch.uint8)
