"""The tables of the parts and rivals have the values of the result, and say what a rival costs."""

from detection_rows import SEEN, about

from eval.reporting.rivals_tables import rivals

RESULT = {
    "networks": {
        "erasing-x": {
            "seeds": [{"name": "erasing-x", "sha256": "1234"}],
            "diagnostics": {
                "fused": {"erased": SEEN, "invented": None},
                "error head alone": {"erased": SEEN | {"auroc": about(0.8)}, "invented": None},
            },
        }
    },
    "head": {"weights": 57194},
    "settings": {"clips": 6, "frames": 5},
    "models": [{"name": "net", "sha256": "abcdef0123456789"}],
    "phantom": "1.3.0",
}


def test_each_part_has_a_row_beside_the_fusion():
    table = rivals(RESULT)
    rest = "0.400 | 25% | 50% [49%, 51%] | - | - | - | - |"
    assert f"| fused | 0.90 [0.89, 0.91] | {rest}" in table
    assert f"| error head alone | 0.80 [0.79, 0.81] | {rest}" in table
    assert "erasing-x: erased: base rate 1.23%, 7 regions; nothing invented." in table


def test_it_is_said_how_they_were_made():
    table = rivals(RESULT)
    assert "57,194 weights" in table
    assert "6 clips of each kind" in table
    assert "net `abcdef012345`" in table
    assert "three trainings" not in table
    seeds = {"erasing-x": RESULT["networks"]["erasing-x"] | {"seeds": [{}, {}, {}]}}
    assert "three trainings" in rivals(RESULT | {"networks": seeds})
