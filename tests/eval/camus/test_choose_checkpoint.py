"""Choosing a checkpoint: an unchanged still gains nothing, the truth gains most, and a change is measured."""

import numpy as np
import pytest

from echogan.core.geometry import Fan
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from eval.camus.choose_checkpoint import ChooseCheckpointSettings, main, measure
from eval.camus.stills import Still
from eval.measures.baselines import untouched


@pytest.fixture(scope="module")
def pair() -> tuple[Still, Still]:
    rng, fan = np.random.default_rng(0), Fan((63.5, 4.0), -38.0, 38.0, 4.0, 110.0)
    labels = np.zeros((128, 128), np.uint8)
    labels[40:70, 50:75], labels[80:100, 50:75] = 1, 3
    clear = np.where(labels > 0, 20, rng.integers(90, 160, labels.shape)) * fan.mask(128, 128)
    stills = [
        Still("p", "ED", image.astype(np.uint8), labels, fan, 1.0) for image in (clear // 2 + 40, clear)
    ]
    return stills[0], stills[1]


def test_the_truth_gains_most_and_the_input_gains_nothing(pair):
    clear = pair[1]
    segmenter = load_segmenter().network
    real = {"good": [clear]}
    nothing = measure(untouched, [pair], real, segmenter)
    assert set(nothing.values()) == {0.0}
    best = measure(lambda frames, sector: clear.image[None], [pair], real, segmenter)
    assert best["semi-real ssim"] > 0.05
    assert best["semi-real psnr_db"] > 10
    assert best["good change"] == 0
    darker = measure(lambda frames, sector: frames // 2, [pair], real, segmenter)
    inside = clear.sector.mask
    expected = np.abs(clear.image[inside] // 2 - clear.image[inside].astype(float)).mean()
    assert darker["good change"] == pytest.approx(expected, rel=1e-3)


def test_without_camus_it_says_so(tmp_path, capsys):
    main(ChooseCheckpointSettings(("echogan",), tmp_path))
    assert "No CAMUS" in capsys.readouterr().out
