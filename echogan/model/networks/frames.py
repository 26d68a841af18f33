"""Which frames a generator sees beside the one it translates, and weights of one frame made to see several.

Haze, noise and drop-out differ between frames where anatomy does not. The neighbours are widely spaced, so that a
thin wall that is lost in one frame has come back in another, and are chosen by time, not by number: a heart
moves as fast at any frame rate.
"""

from __future__ import annotations

import torch
from torch import Tensor

OFFSETS_MS: dict[int, tuple[int, ...]] = {1: (0,), 3: (-60, 0, 60), 5: (-160, -60, 0, 60, 160)}
"""Number of frames that a generator sees -> when they were taken, in ms from the frame that it translates."""

FRAME_MS = 20.0  # of a clip that does not tell its frame rate
FASTEST_MS = 4.0  # a file may claim any rate; this bounds how many frames lie between neighbours
FIRST_LAYER = "stem.1.weight"


def offsets(frames: int, frame_ms: Tensor) -> Tensor:
    """The neighbours' places in frames from the centre, int64 (..., frames), of clips with `frame_ms` (...) each."""
    spacing = frame_ms.double().clamp_min(FASTEST_MS)[..., None]
    return (torch.tensor(OFFSETS_MS[frames]) / spacing).round().long()


def neighbours(frame: Tensor, length: Tensor, frame_ms: Tensor, frames: int) -> Tensor:
    """Indices of what a generator sees of clips of `length` at their `frame`, int64 (N,) to (N, frames).

    Beyond a clip's ends its first and last frame are repeated, so a still is seen as often as the generator asks.
    """
    places = frame[:, None] + offsets(frames, frame_ms)
    return torch.minimum(places.clamp_min(0), length[:, None] - 1)


def centre(x: Tensor) -> Tensor:
    """The frame that is translated: (N, F, h, w) to (N, 1, h, w)."""
    middle = x.shape[1] // 2
    return x[:, middle : middle + 1]


def widened(tensors: dict[str, Tensor], frames: int) -> dict[str, Tensor]:
    """The weights of a pyramid that sees one frame as those of one that sees `frames` and computes the same.

    `tensors` is its state_dict, under any prefix; the neighbours' weights are zero. Weights that see several frames
    already, and those of another kind of generator, stay as they are.
    """
    return {
        name: _widened(tensor, frames) if name.endswith(FIRST_LAYER) else tensor
        for name, tensor in tensors.items()
    }


def _widened(weight: Tensor, frames: int) -> Tensor:
    """(c, 4, 3, 3) to (c, 4 frames, 3, 3): PixelUnshuffle(2) gives each frame four channels in a row."""
    if weight.shape[1] != 4:
        return weight
    wide = weight.new_zeros(weight.shape[0], 4 * frames, *weight.shape[2:])
    first = frames // 2 * 4
    wide[:, first : first + 4] = weight
    return wide
