"""The image quality table on a clip and two planted networks, and its arithmetic on known numbers."""

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_pair
from echogan.phantom.tissues import Tissue
from eval.measures.kid import kid
from eval.measures.metrics import psnr
from eval.simulated.image_quality import (
    METRICS,
    WANTED,
    Settings,
    cavity_and_wall,
    kid_rows,
    measure,
    measure_frame,
    share_of_oracle,
    summarise,
    tensor_frames,
)


@pytest.fixture(scope="module")
def clips():
    settings = PhantomSettings(frame=FrameSettings(size=128))
    return [phantom_pair(seed, settings, frames=1, want=WANTED, view="A4C") for seed in (3, 4)]


def test_each_way_is_measured_against_the_clear_truth(clips):
    enhancer = Enhancer(checkpoint(Scale(0.5), Scale(1.5)), EnhanceSettings(device="cpu", working_size=128))
    ways = {
        "input": lambda frames, clip: frames,
        "enhanced": lambda frames, clip: np.maximum(clip.clean.numpy(), 6),  # all but perfect
        "oracle": lambda frames, clip: frames // 2,
    }
    rows = [measure(clip, ways, enhancer) for clip in clips]
    assert 0.95 < rows[0]["enhanced"]["ssim"] < 1
    assert rows[0]["input"]["psnr_db"] == pytest.approx(
        psnr(clips[0].degraded[0].numpy(), clips[0].clean[0].numpy(), clips[0].sector_mask.numpy())
    )
    assert rows[0]["enhanced"]["gcnr"] > rows[0]["input"]["gcnr"]  # a clear frame tells cavity from wall
    result = summarise(rows, enhancer, None, Settings())
    gain = result["gain"]["input"]["ssim"]
    assert gain["mean"] == pytest.approx(
        np.mean([row["enhanced"]["ssim"] - row["input"]["ssim"] for row in rows])
    )
    assert gain["low"] <= gain["mean"] <= gain["high"]
    assert result["share_of_oracle"] == {}
    assert result["model"]["sha256"]


def test_where_signal_survives_only_those_pixels_count():
    random = np.random.default_rng(0)
    truth = random.integers(40, 200, (64, 64)).astype(np.uint8)
    mask = np.ones((64, 64), bool)
    supported, none = mask.copy(), np.zeros((64, 64), bool)
    supported[:, 32:] = False
    image = np.where(supported, truth, random.integers(40, 200, (64, 64))).astype(np.uint8)
    image[:, 26:32] = truth[:, 26:32]
    found = measure_frame(image, truth, (supported, ~supported), supported, mask)
    assert found["supported_tone_matched_psnr_db"] == np.inf  # exact there, and noise elsewhere
    assert found["supported_ssim"] > 0.9
    assert found["ssim"] < 0.6
    assert np.isnan(measure_frame(image, truth, (supported, ~supported), none, mask)["supported_ssim"])


def test_support_changes_no_frame(clips):
    settings = PhantomSettings(frame=FrameSettings(size=128))
    plain = phantom_pair(3, settings, frames=1, view="A4C")
    np.testing.assert_array_equal(tensor_frames(plain.degraded), tensor_frames(clips[0].degraded))
    np.testing.assert_array_equal(tensor_frames(plain.clean), tensor_frames(clips[0].clean))


def test_a_clip_with_too_little_support_leaves_the_others_their_shares():
    values = {way: dict.fromkeys(METRICS, np.array([10.0, 12.0])) for way in ("input", "half", "oracle")}
    for way, gain in (("half", 1.0), ("oracle", 2.0)):
        values[way] = dict.fromkeys(METRICS, np.array([10.0, 12.0]) + gain)
    for way in values:
        values[way]["supported_ssim"] = np.array([values[way]["ssim"][0], np.nan])
    assert share_of_oracle(values, "half")["supported_ssim"]["mean"] == 0.5


def test_kid_compares_each_way_with_clear_frames_of_other_clips():
    random = np.random.default_rng(1)

    def features(shift: float) -> np.ndarray:
        return random.normal(shift, 1, (2, 8))

    rows = [{"features": {"poor": features(1.0), "clear": features(0.0)}} for _ in range(40)]
    found = kid_rows(rows)
    assert found["poor"]["low"] > 0
    assert found["clear"]["low"] < 0 < found["clear"]["high"]
    others = np.concatenate([row["features"]["clear"] for row in rows[1::2]])
    own = np.concatenate([row["features"]["poor"] for row in rows[0::2]])
    assert found["poor"]["mean"] == kid(own, others)


def test_the_share_of_the_oracle_is_that_of_the_mean_gains():
    random = np.random.default_rng(0)
    start = random.uniform(10, 20, 300)
    gains = random.uniform(1, 3, 300)
    values = {
        way: dict.fromkeys(METRICS, start + share * gains)
        for way, share in (("input", 0.0), ("half", 0.5), ("worse", -0.25), ("oracle", 1.0))
    }
    for way, share in (("half", 0.5), ("worse", -0.25)):
        found = share_of_oracle(values, way)["ssim"]
        assert found == pytest.approx({"mean": share, "low": share, "high": share})


def test_cavities_and_walls_are_taken_without_their_edges():
    labels = np.zeros((60, 60), np.uint8)
    labels[10:50, 10:50], labels[20:40, 20:40] = Tissue.MYOCARDIUM, Tissue.LV
    cavity, wall = cavity_and_wall(labels)
    assert cavity.sum() == 16 * 16
    assert wall.sum() == 38 * 38 - 22 * 22
    assert not (cavity & wall).any()
