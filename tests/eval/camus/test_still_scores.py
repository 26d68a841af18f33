"""Scores of stills: the input stays unchanged, a planted change is measured, tables are joined in order."""

import numpy as np
import pytest

from echogan.core.geometry import Fan
from eval.camus.frozen_segmenter import FrozenSegmenter
from eval.camus.retrained_segmenter import enhanced, scores
from eval.camus.still_scores import area_error, dice, measure, summarise, together
from eval.camus.stills import Still
from eval.measures.baselines import Method, untouched


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


def test_a_brighter_wall_gains_contrast_and_the_input_gains_nothing(images):
    labels = images[0].labels
    methods: dict[str, Method] = {"input": untouched, "ours": brighter_wall(labels)}
    table = measure(
        images,
        methods,
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


def test_dice_and_area_error_by_hand():
    truth, found = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    truth[:4, :5], truth[4:6] = 1, 2  # 20 and 20 pixels, no atrium
    found[:2, :5], found[4:7] = 1, 2  # half of the first; all of the second and 10 more
    scores, errors = dice(found, truth), area_error(found, truth)
    assert scores[:2] == pytest.approx([2 * 10 / 30, 2 * 20 / 50])
    assert errors[:2] == pytest.approx([50, 50])
    assert np.isnan(scores[2])
    assert np.isnan(errors[2])


def test_gains_are_paired_by_patient():
    names = [f"p{k // 2}" for k in range(24)]
    wobble = np.repeat(np.linspace(-0.02, 0.02, 12), 2)
    table = {row: {"dice": mean + wobble} for row, mean in {"input": 0.8, "ours": 0.81}.items()}
    found = summarise(table, names)
    gain = found["ours"]["gain"]["dice"]
    assert gain["groups"] == 12
    assert (gain["low"], gain["mean"], gain["high"]) == pytest.approx((0.01, 0.01, 0.01))
    assert found["input"]["dice"]["high"] - found["input"]["dice"]["low"] > 0.005
