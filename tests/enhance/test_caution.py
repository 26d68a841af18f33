"""Caution: less of a change where a structure was erased or painted, all of it elsewhere."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle

from echogan.enhance.caution import Caution
from echogan.enhance.enhancer import Enhancer, EnhanceSettings

SHAPE, CENTRE, RADIUS = (160, 200), (90, 100), 12
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
AWAY = np.hypot(ROWS - CENTRE[0], COLUMNS - CENTRE[1])
TISSUE = COLUMNS > 9


def tissue_with_a_disc(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Speckle in [-1, 1] (1, h, w), without and with a disc that is much brighter."""
    field = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    ground = -0.4 + 0.6 * cv2.GaussianBlur(field, (0, 0), 2.5)
    plain = np.where(TISSUE, np.clip(ground, -1, 1), -1).astype(np.float32)[None]
    return plain, np.where(AWAY < RADIUS, np.clip(plain + 1.1, -1, 1), plain).astype(np.float32)


@pytest.mark.parametrize("erased", [True, False])
def test_an_erased_or_painted_disc_changes_less_and_the_rest_as_before(erased):
    plain, disc = tissue_with_a_disc()
    x, g = (disc, plain) if erased else (plain, disc)
    careful = Caution(0.4, TISSUE)(x, g)
    inside = (AWAY < RADIUS - 3)[None]
    assert np.median((careful - x)[inside] / (g - x)[inside]) == pytest.approx(0.6, abs=0.02)
    assert np.array_equal(careful[:, AWAY > 2 * RADIUS + 20], g[:, AWAY > 2 * RADIUS + 20])


def test_a_change_of_brightness_is_left_alone():
    x, _ = tissue_with_a_disc()
    g = np.where(TISSUE, 0.8 * x - 0.1, x).astype(np.float32)
    assert np.allclose(Caution(1.0, TISSUE)(x, g), g, atol=1e-6)


def test_nothing_changes_that_the_generator_did_not_change():
    plain, disc = tissue_with_a_disc()
    careful = Caution(0.7, TISSUE)(disc, plain)
    same = disc == plain
    assert np.array_equal(careful[same], plain[same])


def test_what_is_withheld_has_no_sharp_edge():
    plain, disc = tissue_with_a_disc()
    withheld = np.zeros(SHAPE)
    changed = (disc != plain)[0]
    withheld[changed] = (
        (Caution(1.0, TISSUE)(disc, plain) - plain) / np.where(disc == plain, 1, disc - plain)
    )[0][changed]
    assert withheld[changed].max() > 0.9
    both = changed[:, 1:] & changed[:, :-1]
    assert np.abs(np.diff(withheld, axis=1))[both].max() < 0.25


def test_frames_are_looked_at_alone():
    pairs = [tissue_with_a_disc(seed) for seed in range(3)]
    plain, disc = (np.concatenate(frames) for frames in zip(*pairs, strict=True))
    careful = Caution(0.5, TISSUE)
    assert np.array_equal(careful(disc, plain), np.concatenate([careful(d, p) for p, d in pairs]))


def test_the_enhancer_is_as_careful_as_its_checkpoint_asks():
    model = checkpoint(Scale(0.5))
    careful = replace(model, config=replace(model.config, caution=0.5))
    enhancers = (Enhancer(one, EnhanceSettings(device="cpu")) for one in (model, careful))
    (plain,), (less,) = (one.stream(clip_of(speckle(2)), fan_sector()) for one in enhancers)
    assert np.array_equal(less.g, Caution(0.5, plain.prepared.space.tissue)(plain.x, plain.g))
    assert np.array_equal(less.cycled, less.to_low(less.g, less.x))
