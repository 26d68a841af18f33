"""Counts how often clips are opened and decoded, whoever does it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from echogan.clips import files
from echogan.clips.clip import ClipFile


def counting(clip: ClipFile, counts: Counter[str]) -> ClipFile:
    """The same clip; each pass over its frames adds one to counts["decoded"]."""

    def decode() -> Iterator[np.ndarray]:
        counts["decoded"] += 1
        return clip.decode()

    return replace(clip, decode=decode)


def count_clips(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The counts "opened" and "decoded" of all clips that are opened from now on."""
    counts: Counter[str] = Counter()
    really = files._open

    def opened(path, limits) -> ClipFile:
        counts["opened"] += 1
        return counting(really(path, limits), counts)

    monkeypatch.setattr(files, "_open", opened)
    return counts
