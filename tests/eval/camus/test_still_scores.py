"""Scores before and after: doing nothing changes nothing, a planted change is found, tables join in order."""

from typing import Any

import numpy as np
import pytest

from echogan.core.geometry import Fan
from eval.camus.frozen_segmenter import FrozenSegmenter
from eval.camus.retrained_segmenter import enhanced, scores
from eval.camus.still_scores import measure, together
from eval.camus.stills import Still


@pytest.fixture
def images() -> list[Still]:
    rng, fan = np.random.default_rng(0), Fan((63.5, 4.0), -38.0, 38.0, 4.0, 110.0)
    y, x = np.indices((128, 128))
    radius = np.hypot(y - 60, x - 63)
    labels = np.where(radius < 18, 1, np.where(radius < 28, 2, 0)).astype(np.uint8)
    labels[95:105, 55:75] = 3
    grey = np.where(labels == 2, 90, 60) + rng.integers(-20, 20, labels.shape)
    image = (grey * fan.mask(128, 128)).astype(np.uint8)
    return [Still(f"p{k}", "ED", image, labels, fan, 1.0) for k in range(2)]


def brighter_wall(labels: np.ndarray):
    return lambda frames, sector: np.where(labels == 2, frames + np.uint8(60), frames).astype(np.uint8)


def test_a_brighter_wall_is_contrast_gained_and_nothing_is_nothing(images):
    labels = images[0].labels
    rows: dict[str, Any] = {"input": lambda frames, sector: frames, "ours": brighter_wall(labels)}
    table = measure(
        images,
        rows,
        lambda shown: [labels] * len(shown),
        lambda shown: np.array([i.mean() for i in shown]),
        truth=(),
    )
    before, after = table["input"], table["ours"]
    assert before["dice"] == pytest.approx(1)
    assert before["change"] == pytest.approx(0)
    assert after["border_contrast"].min() > before["border_contrast"].max() + 0.1
    assert (after["p_good"] > before["p_good"]).all()
    share = (labels == 2).sum() / images[0].sector.mask.sum()
    assert after["change"] == pytest.approx(60 * share, rel=1e-3)


def test_tables_are_joined_in_order():
    first, second = ({"input": {"dice": np.array(values)}} for values in ([1.0, 2.0], [3.0]))
    assert together(first, second)["input"]["dice"].tolist() == [1, 2, 3]


def test_stills_are_enhanced_with_their_labels_and_scored_by_structure(images):
    labels = images[0].labels
    done = enhanced(brighter_wall(labels), images)
    assert done[0].labels is images[0].labels
    assert done[0].image[labels == 2].mean() == pytest.approx(images[0].image[labels == 2].mean() + 60)

    class Blind(FrozenSegmenter):
        def __call__(self, shown):
            return [np.where(labels == 2, 0, labels) for _ in shown]

    found = scores(Blind(None, None, ""), images)  # type: ignore[arg-type]
    assert found["dice LV"].tolist() == [1, 1]
    assert found["dice myocardium"].tolist() == [0, 0]
    assert found["dice"] == pytest.approx(2 / 3)
