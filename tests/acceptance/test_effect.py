"""What the default network does to a real clip: it changes pydicom's own cine visibly, however that is lit."""

from dataclasses import replace

import numpy as np
import pytest

from echogan.clips.clip import ClipFile, grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.geometry import Sector
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.hub import load_checkpoint
from eval.measures.metrics import mean_change

LEAST, MOST = 2.0, 30.0  # grey levels, mean inside the tissue
ALIKE = 3.0  # grey levels between results of one clip under different powers, brought back
POWERS = (0.5, 0.7, 1.4, 2.0)


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return Enhancer(load_checkpoint(DEFAULT), EnhanceSettings(device="cpu"))


def grey_frames(frames: np.ndarray) -> np.ndarray:
    return np.stack([grey(frame) for frame in frames])


def test_the_default_network_changes_a_real_cine_and_does_not_replace_it(cine, enhancer):
    source = open_clip(cine)
    sector = find_sector(source)
    chunk = next(enhancer.stream(source, sector))
    before, after = grey_frames(chunk.original), grey_frames(chunk.enhanced)
    assert LEAST <= mean_change(after, before, sector.tissue_mask) <= MOST


def test_a_clip_lit_differently_is_enhanced_alike(cine, enhancer):
    source = open_clip(cine)
    sector = replace(find_sector(source), levels=())  # each power has levels of its own
    # The cine is nearly black, and 8 bits hold little of it under a power of 2: brought to how clips are usually lit.
    bright = 255 * (grey_frames(source.sample(6)) / 255.0) ** 0.45
    as_is = enhanced(enhancer, source, sector, bright, 1.0)
    for power in POWERS:
        other = enhanced(enhancer, source, sector, bright, power)
        assert np.abs(other - as_is)[:, sector.tissue_mask].mean() <= ALIKE


def enhanced(
    enhancer: Enhancer, source: ClipFile, sector: Sector, frames: np.ndarray, power: float
) -> np.ndarray:
    """The result of a clip shown under a power, in 8 bits, brought back from it: grey levels (T, H, W)."""
    shown = np.rint(255 * (frames / 255) ** power).astype(np.uint8)
    clip = replace(source, frames=len(shown), color=False, decode=lambda: iter(shown))
    result = np.concatenate([chunk.enhanced for chunk in enhancer.stream(clip, sector)])
    return 255 * (result / 255.0) ** (1 / power)
