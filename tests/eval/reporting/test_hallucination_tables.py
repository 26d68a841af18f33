"""The tables of hallucination have the values of the result, and say where there is nothing to detect."""

from detection_rows import SEEN, about

from eval.reporting.hallucination_tables import hallucination

SHARES = {"erased": about(0.012), "invented": about(0.0), "unverifiable": about(0.034)}


def network(erased, invented):
    return {
        "contrast_left": about(0.31),
        "share": SHARES,
        "diagnostics": {"tone-matched residual": {"erased": erased, "invented": invented}},
    }


RESULT = {
    "faulty": {
        "erasing-x": {"fitted_on": False, "share": SHARES, "diagnostics": network(SEEN, None)["diagnostics"]}
    },
    "calibration": None,
    "rows": {"50% to 0%": {"runs": [{"seed": 61}, {"seed": 62}], **network(SEEN, None)}},
    "shipped": network(None, SEEN | {"regions": 0}),
    "swapped": network(SEEN, SEEN) | {"contrast_left": None},
    "ladder": {"steps": 1200, "size": 128},
    "settings": {
        "clips": 4,
        "held_out_clips": 8,
        "frames": 5,
        "tau": 0.2,
        "least_support": 0.5,
        "found": 0.5,
    },
    "models": [{"name": "net", "sha256": "abcdef0123456789"}],
    "phantom": "1.3.0",
}


def test_networks_have_a_row_each_with_their_shares():
    table = hallucination(RESULT)
    assert (
        "| lesions 50% to 0% | 2 | 0.31 [0.30, 0.32] | 1.20 [0.20, 2.20] | 0.00 [-1.00, 1.00] | 3.40 [2.40, 4.40] |"
        in table
    )
    assert "| net, swapped | 1 |  | 1.20" in table


def test_detection_has_a_table_for_each_network_and_dashes_for_nothing():
    table = hallucination(RESULT)
    cells = "0.90 [0.89, 0.91] | 0.400 | 25% | 50% [49%, 51%]"
    assert f"| tone-matched residual | {cells} | - | - | - | - |" in table
    assert f"| tone-matched residual | {cells} | {cells} |" in table
    assert "| tone-matched residual | - | - | - | - | - | - | - | - |" in table  # specks, but no region
    assert "lesions 50% to 0%: erased: base rate 1.23%, 7 regions; nothing invented." in table


def test_it_is_said_how_short_the_ladder_is():
    table = hallucination(RESULT)
    assert "1,200 steps at 128 px" in table
    assert "net `abcdef012345`" in table


def test_faulty_networks_are_said_to_be_held_out_or_not():
    assert "| erasing-x (held out) | 1 |  | 1.20" in hallucination(RESULT)


def test_promises_and_discs_have_their_tables():
    at = {
        "clips": 30, "with_errors": 11, "missed_at_amber": about(0.1), "flagged_at_amber": about(0.05),
        "flagged_at_red": about(0.004),
    }  # fmt: skip
    seen = {"flagged": {"count": 17, "of": 20}, "elsewhere": about(-0.01)}
    found = {
        "amber": 0.0675, "red": 0.43, "fresh": at, "by_kind": {"mass": at | {"missed_at_amber": None}},
        "by_error": {"painted": at},
        "shifted": {"erasing-x": at}, "splits": {"missed_at_amber": [0.0, 0.2], "flagged_at_red": [0.01, 0.03]},
        "discs": {"cine": {"painted, static": seen, "truly there": None}},
    }  # fmt: skip
    table = hallucination(RESULT | {"calibration": found})
    assert "| fresh clips, all kinds of lesion | 30 | 11 | 10% [9%, 11%] | 5% [4%, 6%] |" in table
    assert "| fresh clips, mass | 30 | 11 | - |" in table
    assert "missed on average 10.0% (0.0% to 20.0%), flagged at red 2.00% (1.00% to 3.00%)" in table
    assert "| cine | 17 of 20 | - | -1.00 |" in table
