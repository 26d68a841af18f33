"""The tables of semi-real lesions have the values of the result, and say where nothing was erased."""

from eval.reporting.semireal_tables import semireal

SHARE = {"count": 3, "of": 60, "mean": 0.05, "low": 0.01, "high": 0.14}
MEAN = {"mean": 0.012, "low": 0.01, "high": 0.02, "groups": 9}
LEVELS = {"amber": SHARE, "red": SHARE | {"count": 1}}


def test_there_is_a_table_of_lesions_and_one_of_flags():
    row = {
        "of_input": {"mean": 0.9, "low": 0.8, "high": 1.0},
        "erased": SHARE,
        "invented": SHARE | {"count": 0},
    }
    flags = {
        "erased": None, "kept": LEVELS, "swapped": {"erased": LEVELS, "invented": LEVELS},
        "own": {"amber": MEAN, "red": MEAN}, "thresholds": {"missed_at_amber": MEAN | {"mean": 0.4}, "with_errors": 7},
    }  # fmt: skip
    found = {
        "rows": {"net": row},
        "drawn": {"mass": {"clips": 40, "visible": 30}, "thrombus": {"clips": 45, "visible": 20}},
        "detector": {"detected": {"invented": SHARE}},
        "flags": {"net": flags, "uncalibrated": None},
    }
    result = {
        **found,
        "models": [{"name": "net", "sha256": "abcdef0123456789"}],
        "phantom": "1.3",
    }
    table = semireal(result)
    assert "| net | 0.90 [0.80, 1.00] | 3/60, 5.0% [1.0%, 14.0%] | 0/60, 5.0% [1.0%, 14.0%] |" in table
    assert "visible in 50 of 85 stills (30 mass, 20 thrombus)" in table
    assert "| net, amber | none | 3/60" in table
    assert "| net, red | none | 1/60" in table
    assert "1.20% [1.00%, 2.00%] | 40% [1%, 2%] in 7 |" in table
    assert "uncalibrated" not in table
    assert "net `abcdef012345`" in table
