"""The advice of the data check: one sentence for each thing that is wrong, and a verdict."""

from dataclasses import replace

import pytest

from echogan.jobs.data_check_advice import DataCheck, Side, advise

SIDE = Side(clips=500, patients=400, frames=4, pixels=256, mean_grey=60, sd_grey=30)
PLAIN = DataCheck(SIDE, SIDE, 0.9, True, 0, 0, 256, 1.0, 1.0, (), True)


@pytest.mark.parametrize(
    ("changed", "worth", "words"),
    [
        ({}, True, ["Worth starting"]),
        ({"separability": 0.65}, True, ["long run only"]),
        ({"separability": 0.55}, False, ["Not worth starting"]),
        ({"duplicates": 3}, True, ["3 clips are on both sides", "Worth starting"]),
        ({"shared_patients": 2}, True, ["2 patients are on both sides", "Worth starting"]),
        ({"shared_patients": None}, True, ["on both sides is unknown", "Worth starting"]),
        ({"unseen": False}, True, ["true separability is lower", "Perhaps worth starting"]),
        (
            {"size": 512, "low": replace(SIDE, pixels=512)},
            True,
            ["high frames have 256 pixels", "Worth starting"],
        ),
        ({"low": replace(SIDE, clips=20)}, True, ["20 low clips are few", "Worth starting"]),
        ({"low": replace(SIDE, clips=0, patients=0, frames=0, pixels=0)}, True, ["Worth starting"]),
    ],
)
def test_the_advice_names_what_is_wrong_and_ends_with_a_verdict(changed, worth, words):
    advice, start = advise(replace(PLAIN, **changed))
    assert start is worth
    assert len(advice) == len(words)
    assert all(word in line for word, line in zip(words, advice, strict=True))
