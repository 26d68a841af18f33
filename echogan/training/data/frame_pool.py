"""The frames of one domain for one round of training; steps draw their batches from it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.core.scale import GREY
from echogan.model.networks.frames import neighbours
from echogan.training.data.sources import Source, TrainingClip


@dataclass(frozen=True)
class FramePool:
    """One domain: frames uint8 (clips, frames, size, size), each clip's sector bool (clips, size, size).

    lengths int (clips,): how many frames are real, the rest repeat the last; frame_ms float (clips,): how long each
    lasts; labels float (clips, 5); paired float (clips,): 1 if the clip has a truth, else 0;
    truth: the target frames, None if no clip has one. lesions: where lesions are, None if no clip says so.
    """

    frames: Tensor
    masks: Tensor
    lengths: Tensor
    frame_ms: Tensor
    labels: Tensor
    paired: Tensor
    truth: Tensor | None = None
    lesions: Tensor | None = None

    def draw(self, count: int, generator: torch.Generator, frames: int = 1) -> Drawn:
        """`count` frames drawn with replacement, each with the frame after it.

        With `frames` above 1 both also come with the neighbours that a generator of that many frames sees.
        """
        clip = torch.randint(self.frames.shape[0], (count,), generator=generator)
        place = torch.rand(count, generator=generator)
        length = self.lengths[clip]
        frame = (place * length).long()
        # The neighbour in time: the next frame, or for the last frame the one before; for a still, itself.
        after = torch.where(frame + 1 < length, frame + 1, (frame - 1).clamp_min(0))
        return Drawn(
            to_float(self.frames[clip, frame]),
            self.masks[clip].unsqueeze(1).float(),
            to_float(self.frames[clip, after]),
            self.labels[clip],
            self.paired[clip],
            None if self.truth is None else to_float(self.truth[clip, frame]),
            self._stack(clip, frame, frames),
            self._stack(clip, after, frames),
            None if self.lesions is None else self.lesions[clip, frame].unsqueeze(1),
        )

    def _stack(self, clip: Tensor, frame: Tensor, frames: int) -> Tensor | None:
        """The frames and their neighbours, (N, frames, h, w) in [-1, 1]; None for one frame."""
        if frames == 1:
            return None
        places = neighbours(frame, self.lengths[clip], self.frame_ms[clip], frames)
        return in_range(self.frames[clip[:, None], places])


@dataclass(frozen=True)
class Drawn:
    """Frames, those after them and truths (N, 1, h, w) in [-1, 1], masks of 0 and 1, labels (N, 5).

    paired (N,): 1 if the truth is known, else 0.
    stack and after_stack: the input of a generator of F frames for `frames` and `after`, (N, F, h, w), or None.
    lesions: uint8 (N, 1, h, w), or None.
    """

    frames: Tensor
    mask: Tensor
    after: Tensor
    labels: Tensor
    paired: Tensor
    truth: Tensor | None
    stack: Tensor | None = None
    after_stack: Tensor | None = None
    lesions: Tensor | None = None


def in_range(frames: Tensor) -> Tensor:
    """uint8 to float32 in [-1, 1]."""
    return frames.float() / GREY - 1


def to_float(frames: Tensor) -> Tensor:
    """uint8 (N, h, w) to float32 (N, 1, h, w) in [-1, 1]."""
    return in_range(frames.unsqueeze(1))


def to_size(frames: Tensor, size: int) -> Tensor:
    """uint8 or bool (..., h, w) to (..., size, size) by area averages; a mask keeps pixels wholly inside."""
    if frames.shape[-2:] == (size, size):
        return frames
    flat = frames.reshape(-1, 1, *frames.shape[-2:]).float()
    small = F.interpolate(flat, (size, size), mode="area" if size < frames.shape[-1] else "bilinear")
    kept = small > 0.999 if frames.dtype == torch.bool else small.round().clamp(0, 255)
    return kept.to(frames.dtype).reshape(*frames.shape[:-2], size, size)


def render_pool(source: Source, seeds: list[int], frames: int, size: int) -> FramePool:
    """One clip per seed."""
    clips = [source(seed, frames) for seed in seeds]
    paired = torch.tensor([float(clip.truth is not None) for clip in clips])
    return FramePool(
        torch.stack([to_size(filled(clip.frames, frames), size) for clip in clips]),
        torch.stack([to_size(clip.mask.bool(), size) for clip in clips]),
        torch.tensor([len(clip.frames) for clip in clips]),
        torch.tensor([clip.frame_ms for clip in clips]),
        torch.stack([clip.labels for clip in clips]),
        paired,
        _truths(clips, frames, size) if paired.any() else None,
        _lesions(clips, frames, size),
    )


def _truths(clips: list[TrainingClip], frames: int, size: int) -> Tensor:
    """The target of each clip, uint8 (clips, frames, size, size); the clip itself if it has none."""
    truths = [clip.frames if clip.truth is None else clip.truth for clip in clips]
    return torch.stack([to_size(filled(truth, frames), size) for truth in truths])


def _lesions(clips: list[TrainingClip], frames: int, size: int) -> Tensor | None:
    """Where each clip's lesion is, uint8 (clips, frames, size, size); None where no clip says so."""
    if all(clip.lesions is None for clip in clips):
        return None
    maps = [torch.zeros_like(clip.frames) if clip.lesions is None else clip.lesions for clip in clips]
    return torch.cat([F.interpolate(filled(one, frames)[None], (size, size)) for one in maps])


def filled(frames: Tensor, count: int) -> Tensor:
    """(T, h, w) to (count, h, w): the last frame is repeated."""
    return torch.cat([frames, frames[-1:].expand(count - len(frames), -1, -1)])
