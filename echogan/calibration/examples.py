"""Examples: simulated clips with and without a lesion, as a network in its working space translated them.

A clip with a lesion and its control differ in the lesion alone. So with their results swapped, errors are known that no
network had to be taught: the lesion erased from the one, and invented in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from echogan.calibration.lesion_clips import LesionClip
from echogan.calibration.truth_map import LEAST_SUPPORT, TruthMap, painted_truth, truth_map
from echogan.clips.clip import ClipFile
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.keep_walls import KeptWallsInOrder
from echogan.enhance.put_back import applied
from echogan.enhance.working_space import WorkingSpace
from echogan.model.networks.frames import FRAME_MS, neighbours, offsets

RATE = 30.0  # frames per second, of clips that do not tell theirs
LEAST_CONTRAST = 10.0  # grey levels by which a lesion that is visible changes the input

Translate = Callable[[np.ndarray], np.ndarray]
"""float32 (n, h, w) in [0, 1] to the same: consecutive frames through to_high."""


@dataclass(frozen=True)
class Example:
    """A clip in the working space of a network, and what is true of its middle frame.

    x, g, cycled  float32 (n, h, w) in [0, 1]: the input, the result, and the result through to_low
    translate     the network on other frames of the same clip
    tissue        bool (h, w)
    clear         float32 (h, w) in [0, 1]: the middle frame through the best acoustic window
    lesion        bool (h, w): its lesion, empty where the input shows none
    support       float32 (h, w) in [0, 1]: the share of its signal that survives
    clip          number of the simulated heart
    around        the frames that the network sees with the middle one
    mm            side of a pixel in millimetres
    change        float32 (h, w): what was painted into the result, see `painted_truth`; None where nothing was
    """

    x: np.ndarray
    g: np.ndarray
    cycled: np.ndarray
    translate: Translate
    tissue: np.ndarray
    clear: np.ndarray
    lesion: np.ndarray
    support: np.ndarray
    clip: int
    around: slice
    enhanced: np.ndarray
    mm: float
    change: np.ndarray | None = None

    @property
    def middle(self) -> int:
        """The frame that is measured."""
        return len(self.x) // 2

    @cached_property
    def truth(self) -> TruthMap:
        """Where the middle frame of the result is wrong."""
        x, g = self.x[self.middle], self.g[self.middle]
        found = truth_map(x, g, self.clear, self.lesion, self.support, self.tissue)
        if self.change is None:
            return found
        return painted_truth(found, self.change, self.lesion, self.support, self.tissue)


def visible(clip: LesionClip) -> bool:
    """Whether the input shows the lesion: signal survives there, and it changes the grey levels."""
    lesion = clip.array("lesion")
    if not lesion.any() or clip.array("support")[lesion].mean() < 255 * LEAST_SUPPORT:
        return False
    ill, control = (clip.array(name)[lesion].mean(dtype=float) for name in ("poor", "control"))
    return abs(ill - control) >= LEAST_CONTRAST


def examples(clips: Iterable[LesionClip], enhancer: Enhancer) -> Iterator[Example]:
    """Each clip with its lesion and as its control without, through a network."""
    for number, clip in enumerate(clips):
        yield example(clip, "poor", enhancer, number)
        yield example(clip, "control", enhancer, number)


def example(clip: LesionClip, shown: str, enhancer: Enhancer, number: int) -> Example:
    """One clip, "poor" or "control", through a network."""
    prepared = prepare(enhancer, clip.array(shown), clip)
    parts, space = list(enhancer.run(prepared)), prepared.space
    x, g, cycled = (unit(np.concatenate([get(part) for part in parts])) for get in (_x, _g, _cycled))
    middle = len(x) // 2
    lesion = np.zeros_like(space.tissue)
    if shown == "poor" and visible(clip):
        lesion = entered(255 * clip.array("lesion").astype(np.uint8), middle, space) >= 0.5
    reach = reach_of(enhancer, prepared)
    return Example(
        x, g, cycled, translation(enhancer, prepared), space.tissue,
        clear=entered(clip.array("clear" if shown == "poor" else "clear_control"), middle, space),
        lesion=lesion,
        support=entered(clip.array("support"), middle, space),
        clip=number,
        around=slice(max(0, middle - reach), middle + reach + 1),
        enhanced=np.concatenate([part.enhanced for part in parts]),
        mm=float(clip.mm) * space.box_size[0] / space.size[0],
    )  # fmt: skip


def prepare(enhancer: Enhancer, frames: np.ndarray, clip: LesionClip) -> PreparedClip:
    """Frames uint8 (T, h, w) of a simulated clip, prepared by an enhancer."""
    count, height, width = frames.shape
    source = ClipFile(Path("frames"), "video", count, height, width, RATE, False, lambda: iter(frames))
    return enhancer.prepare(source, clip.sector)


def swapped(pairs: Iterable[Example]) -> Iterator[Example]:
    """Erased and invented lesions without a bad network, from what `examples` yields: visible lesions alone count.

    The clip with the lesion gets the result of its control, which erases the lesion, and the control that of the clip
    with the lesion, which invents it. All else is as the network does it. No network made these errors, so nothing of
    the lesion is hidden in the result, and it does not flicker.
    """
    both = iter(pairs)
    for ill, control in zip(both, both, strict=True):
        if ill.lesion.any():
            for one, other in ((ill, control), (control, ill)):
                yield replace(
                    one, g=other.g, cycled=other.cycled, translate=other.translate, enhanced=other.enhanced
                )


def _x(chunk: Chunk) -> np.ndarray:
    return chunk.x


def _g(chunk: Chunk) -> np.ndarray:
    return chunk.g


def _cycled(chunk: Chunk) -> np.ndarray:
    return chunk.cycled


def unit(frames: np.ndarray) -> np.ndarray:
    """[-1, 1] to [0, 1]."""
    return (frames + 1) / 2


def entered(frames: np.ndarray, index: int, space: WorkingSpace) -> np.ndarray:
    """One of the frames uint8 (T, H, W) in the working space, float32 (h, w) in [0, 1]."""
    return unit(space.enter(frames[index : index + 1]))[0]


def frame_ms(prepared: PreparedClip) -> torch.Tensor:
    """How long a frame of the clip lasts, as a tensor (1,)."""
    return torch.tensor([1000 / prepared.clip.fps if prepared.clip.fps else FRAME_MS])


def reach_of(enhancer: Enhancer, prepared: PreparedClip) -> int:
    """How many frames before or after a frame the furthest of those lies that the network sees with it."""
    return int(offsets(enhancer.checkpoint.config.generator.frames, frame_ms(prepared)).max())


def translation(enhancer: Enhancer, prepared: PreparedClip) -> Translate:
    """The network on frames of a clip's working space, with the clip's grey curve; beyond the ends they are repeated.

    The enhancer itself takes frames of the clip's own size only. A clip's own frames give its own result.
    """
    space, curve, config = prepared.space, prepared.curve, enhancer.checkpoint.config

    def translate(frames: np.ndarray) -> np.ndarray:
        x = (2 * frames - 1).astype(np.float32)
        length = torch.full((len(x),), len(x))
        places = neighbours(torch.arange(len(x)), length, frame_ms(prepared), config.generator.frames)
        with torch.inference_mode():
            seen = curve.to_canonical(torch.from_numpy(x[places.numpy()]).to(enhancer.device))
            shown = space.unpad(enhancer.to_high(space.pad(seen))).float().clamp(-1, 1)[:, 0]
            result = np.where(space.mask, curve.to_display(shown).cpu().numpy(), x)
        walls = prepared.walls and KeptWallsInOrder(prepared.walls, reach_of(enhancer, prepared))
        kept = walls and walls(x, 0, range(len(x)))
        return unit(applied(x, result, config, prepared.levels, prepared.caution, kept))

    return translate
