"""The clip that each visitor has open: opened and sampled once, kept while it is used, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from echogan.core.errors import ClipError, UnreadableClip
from echogan.core.geometry import Fan
from echogan.ui.enhance.clip_preview import ClipPreview, open_preview

KEPT_BYTES = 2**30  # of all visitors together; a clip of 800 x 600 pixels in colour takes 70 MB
GONE = "The clip is no longer on the server. Open it again."


@dataclass
class _OpenClip:
    """What is kept of one clip; `lock` is held while it is opened or its sector is made anew."""

    path: Path
    used: float = 0.0  # time.monotonic() of the last use
    found: ClipPreview | None = None  # with the sector that was found
    fan: Fan | None = None
    given: ClipPreview | None = None  # with the sector of `fan`
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        return self.found.nbytes if self.found is not None else 0


class OpenClips:
    """One clip for each visitor, by session hash. Thread-safe: two events of a visitor open a clip once.

    A clip stays until its visitor leaves or opens another, or has not used it for as long as `sweep` says. Over
    `most_bytes` the least recently used go. What has gone is opened again when it is needed.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self.most_bytes = most_bytes
        self._clips: OrderedDict[str, _OpenClip] = OrderedDict()  # the least recently used first
        self._lock = threading.Lock()

    def get(self, key: str, path: str | Path, fan: Fan | None = None) -> ClipPreview:
        """The visitor's clip, with the sector that was found, or with the one given by hand.

        Raises ClipError, also where the file has been deleted meanwhile, and SectorError.
        """
        clip = self._entry(key, Path(path))
        try:
            if not clip.path.exists():
                raise UnreadableClip(GONE)
            with clip.lock:
                if clip.found is None:
                    clip.found = open_preview(clip.path)
                if fan is None:
                    return clip.found
                if clip.given is None or clip.fan != fan:
                    clip.given = clip.found.with_fan(fan)
                    clip.fan = fan
                return clip.given
        except ClipError:
            self._forget(key, clip)
            raise
        finally:
            self._evict(key)

    def close(self, key: str) -> None:
        """The visitor has left, or opens another clip. Whoever works on this one still holds it."""
        with self._lock:
            self._clips.pop(key, None)

    def sweep(self, seconds: float) -> None:
        """Release the clips that were not used for so long."""
        oldest = time.monotonic() - seconds
        with self._lock:
            for key in [key for key, clip in self._clips.items() if clip.used < oldest]:
                del self._clips[key]

    def _entry(self, key: str, path: Path) -> _OpenClip:
        with self._lock:
            if key not in self._clips or self._clips[key].path != path:
                self._clips[key] = _OpenClip(path)
            self._clips.move_to_end(key)
            self._clips[key].used = time.monotonic()
            return self._clips[key]

    def _forget(self, key: str, clip: _OpenClip) -> None:
        with self._lock:
            if self._clips.get(key) is clip:
                del self._clips[key]

    def _evict(self, newest: str) -> None:
        with self._lock:
            total = sum(clip.nbytes for clip in self._clips.values())
            for key in [key for key in self._clips if key != newest]:
                if total <= self.most_bytes:
                    return
                total -= self._clips.pop(key).nbytes
