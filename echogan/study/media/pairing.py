"""An original and its enhanced clip, frame by frame: opened, compared, or enhanced here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from echogan.clips.clip import ClipFile, grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.core.errors import ClipError, SectorError, StudyError
from echogan.core.geometry import Sector
from echogan.enhance.enhancer import Enhancer
from echogan.study.media.sources import Source

MOST_FRAMES = 3000  # a stimulus is a loop of a few seconds; its coded frames are held in memory
SAME_RATE = 0.02  # share by which the frame rates of both arms may differ: formats round them
SAME_CLIP = 0.3  # correlation of the arms' mean frames; enhanced clips have 0.8 and more
COMPARED = 4  # frames


@dataclass(frozen=True)
class Pair:
    """Both arms of a clip. `enhanced` is None where `enhancer` makes it."""

    source: Source
    original: ClipFile
    sector: Sector
    enhanced: ClipFile | None

    def frames(
        self, enhancer: Enhancer | None, cancel: threading.Event | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(original, enhanced) of every frame, each uint8 (H, W) grey. Raises StudyError, Cancelled."""
        with told_without_names(self.source):
            if self.enhanced is None:
                assert enhancer is not None
                for chunk in enhancer.stream(self.original, self.sector, cancel=cancel):
                    yield from zip(map(grey, chunk.original), map(grey, chunk.enhanced), strict=True)
                return
            height, width = self.original.height, self.original.width
            for one, other in zip(self.original.iter_frames(), self.enhanced.iter_frames(), strict=True):
                yield grey(one), grey(other)[:height, :width]


def open_pair(source: Source) -> Pair:
    """Open both arms, find the sector on the original, and compare them. Raises StudyError where they do not match."""
    with told_without_names(source):
        original = open_clip(source.original)
        sector = find_sector(original) if source.sector is None else sector_from_fan(source.sector, original)
        if not source.text:
            sector = replace(sector, tissue_mask=sector.mask, overlay_mask=np.zeros_like(sector.mask))
        enhanced = open_clip(source.enhanced) if source.enhanced is not None else None
    where = source.where
    if sector.kind == "whole":
        raise StudyError(
            f"In {where} no sector was found, so names beside it cannot be removed: give its corners in the column "
            "'sector' of a list."
        )
    if original.frames > MOST_FRAMES:
        raise StudyError(
            f"In {where} the clip has more than {MOST_FRAMES} frames: cut it to a few heartbeats."
        )
    if enhanced is not None:
        _compare(original, enhanced, sector, where)
    return Pair(source, original, sector, enhanced)


@contextmanager
def told_without_names(source: Source) -> Iterator[None]:
    """Turn an error of a clip into a StudyError without its file's name, which may be a patient's."""
    try:
        yield
    except (ClipError, SectorError) as error:
        sentence = str(error)
        for path in filter(None, (source.original, source.enhanced)):
            sentence = sentence.replace(str(path), "the file").replace(path.name, "the file")
        raise StudyError(f"In {source.where}: {sentence}") from None


def _compare(original: ClipFile, enhanced: ClipFile, sector: Sector, where: str) -> None:
    """Raise StudyError unless both could be the same clip."""
    if original.frames != enhanced.frames:
        raise StudyError(
            f"In {where} the original has {original.frames} frames and the enhanced clip {enhanced.frames}: give an "
            "enhanced clip of the same frames."
        )
    grown = enhanced.height - original.height, enhanced.width - original.width
    if not all(extra in (0, 1) for extra in grown):  # an MP4 of odd size gains a row or column
        raise StudyError(
            f"In {where} the original is {original.width} x {original.height} pixels and the enhanced clip "
            f"{enhanced.width} x {enhanced.height}: give an enhanced clip of the same size."
        )
    rates = original.fps or 1.0, enhanced.fps or 1.0
    if abs(rates[0] - rates[1]) > SAME_RATE * rates[0]:
        raise StudyError(
            f"In {where} the original has {rates[0]:.1f} frames per second and the enhanced clip {rates[1]:.1f}: give "
            "one with the same frame rate."
        )
    tissue = sector.tissue_mask
    one = grey(original.sample(COMPARED))[:, tissue].astype(np.float64)
    other = grey(enhanced.sample(COMPARED))[:, : original.height, : original.width][:, tissue].astype(
        np.float64
    )
    if np.array_equal(one, other):
        raise StudyError(
            f"In {where} both arms are the same picture: give the enhanced clip in the column 'enhanced'."
        )
    deviations = one.mean(0).std() * other.mean(0).std()
    alike = np.corrcoef(one.mean(0), other.mean(0))[0, 1] if deviations else 0.0
    if alike < SAME_CLIP:
        raise StudyError(f"In {where} the arms do not show the same clip: check which files belong together.")
