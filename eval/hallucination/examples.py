"""Examples: simulated clips with and without a lesion, as a network in its working space translated them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from echogan.enhance.enhancer import Chunk, Enhancer, PreparedClip
from echogan.enhance.put_back import amplified, keep_black
from echogan.enhance.working_space import WorkingSpace
from echogan.model.networks.frames import FRAME_MS, neighbours, offsets
from echogan.phantom.lesions import LESIONS
from eval.hallucination.truth_map import TruthMap, truth_map
from eval.measures.baselines import chunks
from eval.simulated.lesion_cases import LesionCase, make_case
from eval.simulated.lesion_clips import LesionClip, lesion_clip

FIRST_SEED = 1_930_000_000  # hearts that nothing else is trained, chosen or tested on
STRIDE = 1_000_000  # between the first seeds of two kinds of lesion

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
    contrast      of the lesion in the input and in the result, in grey levels; None where the input shows none
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
    contrast: tuple[float, float] | None = None

    @property
    def middle(self) -> int:
        """The frame that is measured."""
        return len(self.x) // 2

    @cached_property
    def truth(self) -> TruthMap:
        """Where the middle frame of the result is wrong."""
        x, g = self.x[self.middle], self.g[self.middle]
        return truth_map(x, g, self.clear, self.lesion, self.support, self.tissue)


def lesion_clips(count: int, frames: int, folder: Path) -> list[LesionClip]:
    """The first `count` clips of each kind of lesion, of held-out hearts that can carry it, from the cache folder."""
    found: list[LesionClip] = []
    for place, kind in enumerate(LESIONS):
        of_kind: list[LesionClip] = []
        seed = FIRST_SEED + place * STRIDE
        while len(of_kind) < count:
            clip = lesion_clip(kind, seed, frames, folder)
            seed += 1
            if clip is not None:
                of_kind.append(clip)
        found += of_kind
    return found


def examples(clips: list[LesionClip], enhancer: Enhancer) -> Iterator[Example]:
    """Each clip with its lesion and as its control without, through a network."""
    for number, clip in enumerate(clips):
        case = make_case(clip)
        yield example(clip, "poor", enhancer, number, case)
        yield example(clip, "control", enhancer, number, None)


def example(
    clip: LesionClip, shown: str, enhancer: Enhancer, number: int, case: LesionCase | None
) -> Example:
    """One clip, "poor" or "control", through a network; `case` where its lesion is visible in the input."""
    parts = list(chunks(enhancer, clip.array(shown), clip.sector))
    prepared, space = parts[0].prepared, parts[0].prepared.space
    x, g, cycled = (unit(np.concatenate([get(part) for part in parts])) for get in (_x, _g, _cycled))
    middle = len(x) // 2
    lesion, contrast = np.zeros_like(space.tissue), None
    if case is not None:
        lesion = entered(255 * clip.array("lesion").astype(np.uint8), middle, space) >= 0.5
        contrast = (case.before, case.contrast(np.concatenate([part.enhanced for part in parts])))
    reach = int(offsets(enhancer.checkpoint.config.generator.frames, frame_ms(prepared)).max())
    return Example(
        x, g, cycled, translation(enhancer, prepared), space.tissue,
        clear=entered(clip.array("clear" if shown == "poor" else "clear_control"), middle, space),
        lesion=lesion,
        support=entered(clip.array("support"), middle, space),
        clip=number,
        around=slice(max(0, middle - reach), middle + reach + 1),
        contrast=contrast,
    )  # fmt: skip


def swapped(pairs: Sequence[Example]) -> Iterator[Example]:
    """Erased and invented lesions without a bad network, from what `examples` yields: visible lesions alone count.

    The clip with the lesion gets the result of its control, which erases the lesion, and the control that of the clip
    with the lesion, which invents it. All else is as the network does it. No network made these errors, so nothing of
    the lesion is hidden in the result, and it does not flicker.
    """
    for ill, control in zip(pairs[::2], pairs[1::2], strict=True):
        if ill.contrast is not None:
            for one, other in ((ill, control), (control, ill)):
                yield replace(one, g=other.g, cycled=other.cycled, translate=other.translate, contrast=None)


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
        return unit(keep_black(x, amplified(x, result, config.gain)))

    return translate
