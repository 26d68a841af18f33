"""ClipFile -> stream of enhanced chunks: working space in and out, batches on the device, bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch

from echogan.clips.clip import ClipFile, grey
from echogan.clips.sector.clip_sample import ClipSample
from echogan.clips.sector.find_sector import grey_levels, split
from echogan.core.errors import Cancelled, SectorError
from echogan.core.geometry import Sector
from echogan.core.grey_curve import AS_DISPLAYED, GreyCurve, canonical_curve
from echogan.core.settings import check_settings
from echogan.enhance.backends.backend import Translate, place, translators
from echogan.enhance.caution import Caution
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.device import precision
from echogan.enhance.frame_window import FrameWindow
from echogan.enhance.keep_walls import KeptWalls, KeptWallsInOrder
from echogan.enhance.put_back import applied
from echogan.enhance.working_space import MULTIPLE, WorkingSpace
from echogan.model.checkpoints.checkpoint import Checkpoint

BATCH_PIXELS = 16_000_000  # of all frames of a batch, however many are asked for: each takes about 30 bytes


@dataclass(frozen=True)
class EnhanceSettings:
    """How to enhance. `check` raises SettingsError where a number is out of its range."""

    strength: float = field(
        default=1.0,
        metadata={"help": "share of the change that is applied, 0 (none) to 1 (all)", "min": 0.0, "max": 1.0},
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = field(
        default="auto", metadata={"help": "where to compute; auto takes cuda, else mps, else cpu"}
    )
    backend: Literal["auto", "torch", "onnx", "openvino"] = field(
        default="auto",
        metadata={"help": "what runs the network; onnx and openvino, on the CPU, are quicker than torch"},
    )
    batch_size: int = field(
        default=4,
        metadata={"help": "frames enhanced at once; on a GPU more may be quicker", "min": 1, "max": 256},
    )
    grey_curve: bool = field(
        default=True,
        metadata={
            "help": "the clip is brought to the grey curve the network was trained on, and back, unless left out"
        },
    )
    working_size: int | None = field(
        default=None,
        metadata={
            "help": "longer side of the working space in pixels; the checkpoint's own where not given",
            "min": 32,
            "max": 1024,
        },
    )
    trust: Literal["fast", "full"] = field(
        default="fast",
        metadata={"help": "trust card: fast, or full, which asks the generator ten times more"},
    )
    keep_original: bool = field(
        default=False,
        metadata={"help": "show the original where the result is flagged; needs a calibrated checkpoint"},
    )

    def check(self) -> None:
        """Raise SettingsError, naming the setting and its range, unless every value can be used."""
        check_settings(self)


class Enhancer:
    """A checkpoint on a device. `stream` enhances one clip, `prepare` and `run` do it in two steps.

    The object holds no state of a clip.
    Raises SettingsError for a setting out of its range, and a device or backend that is not there.
    """

    def __init__(self, checkpoint: Checkpoint, settings: EnhanceSettings | None = None):
        self.settings = settings or EnhanceSettings()
        self.settings.check()
        self.checkpoint = checkpoint
        self.working_size = self.settings.working_size or checkpoint.config.working_size
        self.device, self.backend = place(self.settings.device, self.settings.backend, checkpoint)
        needed = (getattr(net, "size_multiple", MULTIPLE) for net in (checkpoint.to_high, checkpoint.to_low))
        self.multiple = math.lcm(MULTIPLE, *needed)
        self.to_high, self.to_low = translators(checkpoint, self.device, self.backend)

    def stream(
        self,
        clip: ClipFile,
        sector: Sector,
        progress: Callable[[int, int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[Chunk]:
        """Enhance `clip` batch by batch.

        progress(done, total) is called after every batch with numbers of frames; `cancel` is checked before
        every batch. Raises SectorError at once for a sector that does not fit, Cancelled and what decoding
        raises (ClipError) while iterating.
        """
        return self.run(self.prepare(clip, sector), progress, cancel)

    def prepare(self, clip: ClipFile, sector: Sector) -> PreparedClip:
        """Make the working space and the grey curve of a clip. Raises SectorError for a sector that does not fit."""
        if sector.tissue_mask.shape != (clip.height, clip.width):
            raise SectorError(
                f"The sector is made for frames of {sector.tissue_mask.shape[1]} x {sector.tissue_mask.shape[0]} "
                f"pixels, the clip has {clip.width} x {clip.height}. Find the sector on this clip."
            )
        space = WorkingSpace(sector, self.working_size, self.multiple)
        config = self.checkpoint.config
        caution = Caution(config.caution, space.tissue) if config.caution else None
        prepared = PreparedClip(clip, sector, space, *self.curves(clip, sector), caution)
        if not config.keep_walls:
            return prepared
        walls = KeptWalls(config.keep_walls, space.tissue, prepared.plain_curve, prepared.up, self.device)
        return replace(prepared, walls=walls)

    def curves(self, clip: ClipFile, sector: Sector) -> tuple[GreyCurve, GreyCurve]:
        """The grey curve on which the generators see this clip, and the one of the segmenter, which knows no lift.

        The canonical ones, but for generators that were not trained on them: these see the clip as it is displayed.

        Made of the levels that finding the sector has noted; of a sample of the clip where it has not.
        """
        config = self.checkpoint.config
        if not (self.settings.grey_curve and config.canonical_grey):
            return AS_DISPLAYED, AS_DISPLAYED
        levels = sector.levels or grey_levels(ClipSample.of(clip).frames, sector.tissue_mask)
        plain = canonical_curve(levels)
        return canonical_curve(levels, config.dark_level) if config.dark_level else plain, plain

    def run(
        self,
        prepared: PreparedClip,
        progress: Callable[[int, int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[Chunk]:
        """Enhance a prepared clip batch by batch, decoding it once; as `stream`."""
        clip, sector, space = prepared.clip, prepared.sector, prepared.space

        def enter(frame: np.ndarray) -> np.ndarray:
            return space.enter(grey(split(frame, sector))[None])[0]

        frames, start = self.checkpoint.config.generator.frames, 0
        batch_size = min(self.settings.batch_size, max(1, BATCH_PIXELS // (clip.height * clip.width)))
        window = FrameWindow(clip.iter_frames(), enter, frames, clip.fps)
        walls = prepared.walls and KeptWallsInOrder(prepared.walls, window.reach)
        while True:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped; nothing was written.")
            began = time.perf_counter()
            batch = window.advance(batch_size)
            if not batch:
                return
            decoded = time.perf_counter() - began
            yield self._enhance(np.stack(batch), window, prepared, walls, start, decoded)
            start += len(batch)
            if progress is not None:
                progress(min(start, clip.frames), clip.frames)

    def _enhance(
        self,
        original: np.ndarray,
        window: FrameWindow,
        prepared: PreparedClip,
        walls: KeptWallsInOrder | None,
        start: int,
        decode_s: float,
    ) -> Chunk:
        """The window's batch, whose decoded frames are `original`."""
        began = time.perf_counter()
        frames, places = window.seen()
        middle = places[:, places.shape[1] // 2]
        x = frames[middle]

        def to_high(canonical: torch.Tensor, x: np.ndarray, kept: np.ndarray | None) -> np.ndarray:
            g = self._apply(self.to_high, canonical, prepared, outside=x)
            return applied(x, g, self.checkpoint.config, prepared.levels, prepared.caution, kept)

        kept = walls and walls(frames, start - int(middle[0]), range(start, start + len(x)))
        # A frame is a neighbour of others too: the grey curve is computed once for each.
        g = to_high(self._canonical(frames, prepared)[torch.from_numpy(places)], x, kept)
        took = time.perf_counter() - began

        def to_high_again(seen: np.ndarray) -> np.ndarray:
            middle = np.ascontiguousarray(seen[:, seen.shape[1] // 2])
            return to_high(self._canonical(seen, prepared), middle, prepared.walls and prepared.walls(middle))

        def to_low(g: np.ndarray, x: np.ndarray) -> np.ndarray:
            return self._apply(self.to_low, self._canonical(g[:, None], prepared), prepared, outside=x)

        return Chunk(
            prepared,
            start,
            original,
            x,
            g,
            self.settings.strength,
            decode_s,
            took,
            to_low,
            frames[places],
            to_high_again,
        )

    def _canonical(self, frames: np.ndarray, prepared: PreparedClip) -> torch.Tensor:
        """Frames float32 (..., h, w) as displayed, as the generators see them: on the grey curve, the apex above."""
        upright = np.ascontiguousarray(frames[..., :: prepared.up, :])
        with torch.inference_mode():
            return prepared.curve.to_canonical(torch.from_numpy(upright).to(self.device))

    def _apply(
        self, generator: Translate, seen: torch.Tensor, prepared: PreparedClip, outside: np.ndarray
    ) -> np.ndarray:
        """Run a generator on `_canonical` frames (n, frames, h, w).

        The result is as displayed, float32 (n, h, w), outside the sector that of `outside`.
        """
        space = prepared.space
        with torch.inference_mode(), precision(self.device):
            result = space.unpad(generator(space.pad(seen))).float().clamp(-1, 1)[:, 0]
            result = prepared.curve.to_display(result).cpu().numpy()[..., :: prepared.up, :]
        return np.where(space.mask, result, outside)
