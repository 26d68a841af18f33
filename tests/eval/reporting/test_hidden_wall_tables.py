"""The table of hidden walls has the values of the result."""

from eval.reporting.hidden_wall_tables import hidden_walls

MEAN = {"mean": 0.5, "low": 0.4, "high": 0.6}
ROW = {
    "auroc": MEAN | {"mean": 0.91}, "auprc": MEAN | {"mean": 0.25}, "base_rate": 0.021,
    "found_at_1%": MEAN | {"mean": 0.33}, "found_at_5%": MEAN | {"mean": 0.75},
}  # fmt: skip


def test_there_is_a_row_for_each_set_kind_and_map():
    likely = {"cleared": MEAN, "faithful": MEAN | {"mean": 0.01}, "tissue": MEAN | {"mean": 0.02}}
    result = {
        "sets": {
            "simulated": {"frames": 120, "likely": likely, "hidden": {"map": ROW}, "cleared": {"map": ROW}},
            "Poor stills": {"frames": 60, "likely": likely, "cleared": {"map": ROW, "other": ROW}},
        },
        "likely": 0.5,
        "walls": {"sha256": "0123456789abcdef"},
        "models": [{"name": "net", "sha256": "abcdef0123456789"}],
        "phantom": "1.3",
    }
    table = hidden_walls(result)
    row = "map | 0.91 [0.40, 0.60] | 0.250 (0.021) | 33% | 75% [40%, 60%] |"
    assert f"| simulated (120) | hidden in the input | {row}" in table
    assert f"| Poor stills (60) | dark in the result | {row}" in table
    assert table.count("| Poor stills (60) |") == 2
    assert "| simulated | 50.0% [40.0%, 60.0%] | 1.0% [40.0%, 60.0%] | 2.0% [40.0%, 60.0%] |" in table
    assert "`0123456789ab`" in table
