"""The summary of image quality: shares of the oracle's gain and KID on known numbers."""

import numpy as np
import pytest

from eval.measures.kid import kid
from eval.simulated.clip_quality import METRICS
from eval.simulated.quality_summary import kid_rows, share_of_oracle


def test_a_clip_with_too_little_support_leaves_the_others_their_shares():
    values = {name: dict.fromkeys(METRICS, np.array([10.0, 12.0])) for name in ("input", "half", "oracle")}
    for name, gain in (("half", 1.0), ("oracle", 2.0)):
        values[name] = dict.fromkeys(METRICS, np.array([10.0, 12.0]) + gain)
    for name in values:
        values[name]["supported_ssim"] = np.array([values[name]["ssim"][0], np.nan])
    assert share_of_oracle(values, "half")["supported_ssim"]["mean"] == 0.5


def test_the_share_of_the_oracle_is_that_of_the_mean_gains():
    random = np.random.default_rng(0)
    start = random.uniform(10, 20, 300)
    gains = random.uniform(1, 3, 300)
    values = {
        name: dict.fromkeys(METRICS, start + share * gains)
        for name, share in (("input", 0.0), ("half", 0.5), ("worse", -0.25), ("oracle", 1.0))
    }
    for name, share in (("half", 0.5), ("worse", -0.25)):
        found = share_of_oracle(values, name)["ssim"]
        assert found == pytest.approx({"mean": share, "low": share, "high": share})


def test_kid_compares_each_method_with_clear_frames_of_other_clips():
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
