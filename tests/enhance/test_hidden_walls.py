"""The shipped network of walls, against the phantom's truth: walls in drop-out are found, shown ones are not."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from echogan.clips.sector.find_sector import grey_levels
from echogan.core.grey_curve import canonical_curve
from echogan.enhance.hidden_walls import HiddenWalls
from echogan.enhance.segmentation import Segmentation
from echogan.model.networks.segmenter import Wall
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.training.segmenter.data import IGNORED, wall_classes

CPU = torch.device("cpu")
FIRST_SEED = 1_997_000_000  # hearts that it was not trained on
CLIPS = 10


@pytest.fixture(scope="module")
def found() -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the clips that hide a wall: the map where the result is the input, and the classes, where they are known."""
    pairs = []
    for seed in range(FIRST_SEED, FIRST_SEED + CLIPS):
        clip = phantom_clip(seed, PhantomSettings(), 1, want=("degraded", "labels", "support"))
        classes, tissue = wall_classes(clip.labels, clip.support)[0].numpy(), clip.sector_mask.numpy()
        if (classes == Wall.HIDDEN)[tissue].mean() > 0.01:
            frames = clip.degraded.numpy()
            x = frames.astype(np.float32) / 255
            canonical = canonical_curve(grey_levels(frames, tissue)).to_canonical(2 * x - 1)
            canonical = canonical.astype(np.float32)
            myocardium = Segmentation(tissue.shape, tissue, tissue, CPU)(canonical).myocardium
            maps = HiddenWalls(tissue, CPU)(canonical, x, myocardium)
            assert maps.shape == x.shape
            assert (maps[:, ~tissue] == 0).all()
            known = tissue & (classes != IGNORED)
            pairs.append((maps[0][known], classes[known]))
    assert len(pairs) >= 4
    return pairs


def test_hidden_walls_are_told_from_all_else(found):
    maps, classes = (np.concatenate(part) for part in zip(*found, strict=True))
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert roc_auc_score(classes == Wall.HIDDEN, maps) > 0.8


def test_hidden_walls_stand_out_in_most_clips(found):
    ahead = [m[c == Wall.HIDDEN].mean() > 2 * m[c != Wall.HIDDEN].mean() for m, c in found]
    assert np.mean(ahead) >= 0.7
