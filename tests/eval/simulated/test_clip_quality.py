"""Image quality of a simulated clip, with planted methods and on planted images."""

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_pair
from echogan.phantom.tissues import Tissue
from eval.measures.baselines import Method, untouched
from eval.measures.metrics import psnr
from eval.simulated.clip_quality import cavity_and_wall, measure, measure_frame
from eval.simulated.image_quality import WANTED
from eval.simulated.phantom_clips import array
from eval.simulated.quality_summary import summarise


@pytest.fixture(scope="module")
def clips():
    settings = PhantomSettings(frame=FrameSettings(size=128))
    return [phantom_pair(seed, settings, frames=1, want=WANTED, view="A4C") for seed in (3, 4)]


def methods(clip) -> dict[str, Method]:
    """The input, a method that is nearly perfect on this clip, and a dark oracle."""
    return {
        "input": untouched,
        "enhanced": lambda frames, sector: np.maximum(clip.clean.numpy(), 6),
        "oracle": lambda frames, sector: frames // 2,
    }


def test_each_method_is_measured_against_the_clear_truth(clips):
    enhancer = Enhancer(checkpoint(Scale(0.5), Scale(1.5)), EnhanceSettings(device="cpu", working_size=128))
    rows = [measure(clip, methods(clip), enhancer) for clip in clips]
    assert 0.95 < rows[0]["enhanced"]["ssim"] < 1
    assert rows[0]["input"]["psnr_db"] == pytest.approx(
        psnr(clips[0].degraded[0].numpy(), clips[0].clean[0].numpy(), clips[0].sector_mask.numpy())
    )
    assert (
        rows[0]["enhanced"]["gcnr"] > rows[0]["input"]["gcnr"]
    )  # cavity and wall are separated in a clear frame
    result = summarise(rows, enhancer, None, {"clips": 2})
    gain = result["gain"]["input"]["ssim"]
    assert gain["mean"] == pytest.approx(
        np.mean([row["enhanced"]["ssim"] - row["input"]["ssim"] for row in rows])
    )
    assert gain["low"] <= gain["mean"] <= gain["high"]
    assert result["share_of_oracle"] == {}
    assert result["model"]["sha256"]


def test_metrics_of_the_supported_part_use_only_its_pixels():
    random = np.random.default_rng(0)
    truth = random.integers(40, 200, (64, 64)).astype(np.uint8)
    mask = np.ones((64, 64), bool)
    supported, none = mask.copy(), np.zeros((64, 64), bool)
    supported[:, 32:] = False
    image = np.where(supported, truth, random.integers(40, 200, (64, 64))).astype(np.uint8)
    image[:, 26:32] = truth[:, 26:32]
    found = measure_frame(image, truth, (supported, ~supported), supported, mask)
    assert found["supported_tone_matched_psnr_db"] == np.inf  # exact in the supported part, noise elsewhere
    assert found["supported_ssim"] > 0.9
    assert found["ssim"] < 0.6
    assert np.isnan(measure_frame(image, truth, (supported, ~supported), none, mask)["supported_ssim"])


def test_rendering_the_support_changes_no_frame(clips):
    settings = PhantomSettings(frame=FrameSettings(size=128))
    plain = phantom_pair(3, settings, frames=1, view="A4C")
    np.testing.assert_array_equal(array(plain.degraded), array(clips[0].degraded))
    np.testing.assert_array_equal(array(plain.clean), array(clips[0].clean))


def test_cavities_and_walls_are_taken_without_their_edges():
    labels = np.zeros((60, 60), np.uint8)
    labels[10:50, 10:50], labels[20:40, 20:40] = Tissue.MYOCARDIUM, Tissue.LV
    cavity, wall = cavity_and_wall(labels)
    assert cavity.sum() == 16 * 16
    assert wall.sum() == 38 * 38 - 22 * 22
    assert not (cavity & wall).any()
