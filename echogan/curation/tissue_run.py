"""Examine one file for `curate`: the tissue of a short run of its frames, square and grey, or the reason why not."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import ClipFile, grey
from echogan.clips.content import HEAD_BYTES, sniff
from echogan.clips.dicom.reader import looks_like_dicom
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.clips.sector.not_b_mode import NotBMode
from echogan.core.errors import ClipError, ClipTooLarge, UnsupportedClip
from echogan.core.geometry import Fan, Sector
from echogan.curation.dicom_patient import DicomFacts, dicom_facts
from echogan.curation.duplicates import print_of
from echogan.curation.npz_clip import looks_like_npz, open_npz
from echogan.curation.settings import ExamineSettings, LeftOut, Reason

WINDOW = 240  # frames around the clip's middle that are examined
SAMPLES = 16  # of these, used to find the sector
SAMPLE_BYTES = 300_000_000
# Errors of a failing disk, a network share or system limits; decoders do not raise these for damaged files.
MACHINE = {
    getattr(errno, name)
    for name in ("EACCES", "EDQUOT", "EHOSTDOWN", "EIO", "EMFILE", "ENFILE", "ENODEV", "ENOENT", "ENOMEM", "ENOSPC",
                 "ENOTCONN", "EPERM", "ESTALE", "ETIMEDOUT", "ECONNRESET")
    if hasattr(errno, name)
}  # fmt: skip
DARK_PEAK, DARK_MEAN = 40, 4.0  # grey levels of the tissue's 99th percentile and mean: below, nearly black


@dataclass(frozen=True)
class TissueRun:
    """Consecutive frames of one clip, tissue only.

    frames      uint8 (T, S, S): the fan's box, its longer side S, centred; 0 wherever mask is False
    mask        bool (S, S): tissue, without overlay
    fan         float32 (6,): apex_x, apex_y, left_deg, right_deg, r_min, r_max in pixels of the frames
    prints      uint64 (k, 4), see duplicates.print_of
    scale       pixels of the frames to one pixel height of the clip
    spacing_mm  height of the clip's pixel in millimetres, None if unknown
    confidence  of the sector, 0 to 1
    text_sure   False if text over the tissue may have been missed
    """

    frames: np.ndarray
    mask: np.ndarray
    fan: np.ndarray
    prints: np.ndarray
    scale: float
    spacing_mm: float | None
    confidence: float
    text_sure: bool


def patient_of(path: Path) -> str:
    """The PatientID of a DICOM file, empty if there is none or the file is not DICOM."""
    facts = _dicom_facts(path)
    return facts.patient if facts is not None else ""


def examine(path: Path, settings: ExamineSettings) -> TissueRun:
    """The tissue of a run of frames from the clip's middle. Raises LeftOut with the reason, and nothing else."""
    try:
        clip = _open(path, settings)
        around, run = _read(clip, settings.frames)
    except LeftOut:
        raise
    except (ClipError, OSError) as error:
        raise LeftOut(_reason(error, path)) from None
    facts = _dicom_facts(path)
    if len(clip.regions) > 1 or (facts is not None and facts.mixed):
        raise LeftOut(Reason.SEVERAL)
    try:
        sector = find_sector(replace(clip, frames=len(around), decode=lambda: iter(around)), SAMPLES)
    except NotBMode as error:
        raise LeftOut(Reason.COLOUR if error.mode == "colour" else Reason.STRIP) from None
    _check(sector, around, settings)
    if sector.fan is not None and sector.fan.opens_up:  # shards have the apex above
        around, run, sector = around[:, ::-1], run[:, ::-1], _upside_down(sector)
    return _cut(clip, sector, around, run, settings.size)


def _reason(error: ClipError | OSError, path: Path) -> Reason:
    """Why a file cannot be read: the file's fault, or the machine's, which may have passed by the next run."""
    if isinstance(error, OSError):
        return Reason.NOT_OPENED
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in MACHINE:
        return Reason.NOT_OPENED
    if isinstance(cause, MemoryError):
        return Reason.FAILED
    if isinstance(error, ClipTooLarge):
        return Reason.TOO_LARGE
    if isinstance(error, UnsupportedClip):
        facts = _dicom_facts(path)
        return (facts.reason if facts is not None else None) or Reason.NOT_TISSUE
    return Reason.UNREADABLE


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _dicom_facts(path: Path) -> DicomFacts | None:
    head = _head(path)
    known = sniff(head)
    if known == "dicom" or (known is None and looks_like_dicom(head)):
        return dicom_facts(path)
    return None


def _open(path: Path, settings: ExamineSettings) -> ClipFile:
    head = _head(path)
    if sniff(head) is None and not looks_like_dicom(head):
        if head.startswith(b"PK") and looks_like_npz(path):
            return open_npz(path, settings.limits)
        raise LeftOut(Reason.NOT_A_CLIP)
    return open_clip(path, settings.limits)


def _read(clip: ClipFile, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames spread over the middle of the clip, and the run of consecutive ones, in one pass of decoding."""
    window = min(WINDOW, clip.frames)
    first = (clip.frames - window) // 2
    size = clip.height * clip.width * (3 if clip.color else 1)
    count = min(SAMPLES, window, max(3, SAMPLE_BYTES // size))
    spread = (first + np.linspace(0, window - 1, count)).round().astype(int).tolist()
    count = min(frames, clip.frames)
    run = range((clip.frames - count) // 2, (clip.frames - count) // 2 + count)
    taken: dict[int, np.ndarray] = {}
    for index, frame in enumerate(clip.iter_frames()):
        if index in run or index in spread:
            taken[index] = frame
        if index == max(run[-1], spread[-1]):
            break
    return np.stack([taken[i] for i in spread]), np.stack([taken[i] for i in run])


def _check(sector: Sector, around: np.ndarray, settings: ExamineSettings) -> None:
    """Raise LeftOut unless this is one fan of B-mode, large and sure enough."""
    if np.percentile(grey(around[len(around) // 2])[sector.mask], 99) < DARK_PEAK:
        raise LeftOut(Reason.BLACK)
    if any("panes side by side" in note for note in sector.notes):
        raise LeftOut(Reason.SEVERAL)
    if sector.kind != "fan" or sector.confidence < settings.min_confidence:
        strip = sector.kind == "rectangle" and len(around) == 1
        raise LeftOut(Reason.STRIP if strip else Reason.NO_FAN)
    top, left, bottom, right = sector.box
    if max(bottom - top, right - left) < settings.min_side:
        raise LeftOut(Reason.TOO_SMALL)


def _upside_down(sector: Sector) -> Sector:
    assert sector.fan is not None
    fan = sector.fan.upside_down(len(sector.tissue_mask))
    return replace(
        sector, tissue_mask=sector.tissue_mask[::-1], overlay_mask=sector.overlay_mask[::-1], fan=fan
    )


def _cut(clip: ClipFile, sector: Sector, around: np.ndarray, run: np.ndarray, size: int) -> TissueRun:
    assert sector.fan is not None
    view = _View(sector, sector.fan, size)
    frames = np.stack([view.tissue(grey(frame)) for frame in run])
    levels = frames[:, view.mask]
    if not levels.size or np.percentile(levels, 99) < DARK_PEAK or levels.mean() < DARK_MEAN:
        raise LeftOut(Reason.BLACK)
    quarters = sorted({len(around) // 4, len(around) // 2, 3 * len(around) // 4})
    printed = np.stack([view.tissue(grey(around[i])) for i in quarters])
    return TissueRun(
        frames,
        view.mask,
        view.fan,
        print_of(printed, view.mask),
        view.scale,
        clip.spacing_mm[0] if clip.spacing_mm is not None else None,
        sector.confidence,
        sector.text_sure,
    )


class _View:
    """From a clip's frame to the square: the sector's box scaled, square pixels, centred on black."""

    def __init__(self, sector: Sector, fan: Fan, size: int) -> None:
        top, left, bottom, right = sector.box
        self.box = np.s_[top:bottom, left:right]
        height, width = bottom - top, (right - left) * fan.aspect
        self.scale = size / max(height, width)
        self.height, self.width = (max(1, round(side * self.scale)) for side in (height, width))
        self.top, self.left = (size - self.height) // 2, (size - self.width) // 2
        self.size = size
        self.weight = sector.tissue_mask[self.box].astype(np.float32)
        self.share = self._resize(self.weight)
        self.mask = self._placed(self.share >= 0.5)
        across = self.width / (right - left)
        x = (fan.apex[0] - left + 0.5) * across - 0.5 + self.left
        y = (fan.apex[1] - top + 0.5) * self.scale - 0.5 + self.top
        radii = fan.r_min * self.scale, fan.r_max * self.scale
        self.fan = np.array([x, y, fan.left_deg, fan.right_deg, *radii], np.float32)

    def tissue(self, level: np.ndarray) -> np.ndarray:
        """Only the tissue of a grey frame uint8 (H, W), as uint8 (S, S); its rim does not fade into black."""
        mean = self._resize(level[self.box] * self.weight) / np.maximum(self.share, 1e-3)
        return np.where(self.mask, self._placed(np.rint(np.clip(mean, 0, 255)).astype(np.uint8)), 0).astype(
            np.uint8
        )

    def _resize(self, image: np.ndarray) -> np.ndarray:
        # Area averaging is the antialiased way down; bilinear the one up that cannot overshoot.
        down = self.height <= image.shape[0] and self.width <= image.shape[1]
        how = cv2.INTER_AREA if down else cv2.INTER_LINEAR
        return cv2.resize(image.astype(np.float32), (self.width, self.height), interpolation=how)

    def _placed(self, image: np.ndarray) -> np.ndarray:
        square = np.zeros((self.size, self.size), image.dtype)
        square[self.top : self.top + self.height, self.left : self.left + self.width] = image
        return square
