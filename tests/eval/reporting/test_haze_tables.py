"""The tables of hazy clips, the frontier, the sector finder and lesions have the values of the results."""

from eval.reporting import haze_tables

MEANS = {
    "gcnr": 0.8,
    "wall_db": 0.5,
    "cavity_db": -3.0,
    "structure": 0.95,
    "greatest_flicker": 1.01,
    "change": 5.0,
}
SHARE = {"count": 3, "of": 60, "mean": 0.05, "low": 0.01, "high": 0.14}


def test_haze_has_a_row_per_method_and_names_fans_and_weights():
    result = {
        "means": {"input": {"found": MEANS}, "net": {"found": MEANS | {"gcnr": 0.9}}},
        "clips": {"1": {"fan_iou": 0.97}, "2": {"fan_iou": 0.931}},
        "models": [{"name": "net", "sha256": "abcdef0123456789"}],
    }
    table = haze_tables.haze(result)
    assert "| net | 0.900 | +0.50 | -3.00 | 0.950 | 1.01 | 5.00 |" in table
    assert "2 clips" in table
    assert "0.97, 0.93" in table
    assert "net `abcdef012345`" in table


def test_a_point_of_the_frontier_has_its_training_and_empty_cells_where_not_measured():
    point = {
        "name": "run", "recipe": "pairs", "gcnr": 0.8, "greatest_flicker": 0.99, "change": 4.0,
        "dice": {"Poor": 0.012, "Good": None},
    }  # fmt: skip
    table = haze_tables.frontier({"points": [point], "input_gcnr": 0.666})
    assert "| run | pairs | 0.800 | 0.99 | 4.0 | +1.20 |  |" in table
    assert "0.666" in table


def test_fans_have_the_overlap_and_how_often_the_user_is_asked():
    simulated = {
        "clips": 50, "iou_median": 0.97, "iou_percentile_5": 0.811, "iou_below_0.9": 8, "asks_where_below": 0.625,
        "asks_elsewhere": 0.143, "seconds_median": 0.44, "refused": 1, "traces": 30, "traces_missed": 2,
        "overlay_mean_without_trace": 0.0042, "overlay_mean_beyond_trace": 0.0131,
    }  # fmt: skip
    table = haze_tables.fans(
        {"simulated": simulated, "real": {"hazy_2": {"iou": 0.9701, "confidence": 0.95}}}
    )
    assert "| hazy_2 | 0.970 | 0.95 |" in table
    assert "the 5th percentile 0.811" in table
    assert "62% of these and 14% of the others" in table
    assert (
        "2 of 30. Of the sector, 1.3% counts as overlay beyond them, and 0.4% where there is none." in table
    )


def test_lesions_have_counts_of_erased_and_invented():
    row = {
        "of_input": {"mean": 1.1},
        "of_truth": {"mean": 0.6},
        "erased": SHARE,
        "invented": SHARE | {"count": 0, "mean": 0},
    }
    kinds = {"mass": {"clips": 30, "visible": 20}, "thrombus": {"clips": 40, "visible": 40}}
    table = haze_tables.lesions({"rows": {"net": row}, "drawn": kinds})
    assert "| net | 1.10 | 0.60 | 3/60, 5.0% [1.0%, 14.0%] | 0/60, 0.0% [1.0%, 14.0%] |" in table
    assert "in 60 of 70 simulated clips" in table


def test_the_price_of_enhancement_names_the_shipped_networks_alone():
    row = {"erased": SHARE, "invented": SHARE | {"count": 1, "mean": 0.017}}
    told = haze_tables.lesions_short({"rows": {"input": row, "echogan": row, "CLAHE": row}})
    assert told.startswith(
        "What it costs: of 60 simulated lesions that the poor clip shows, `echogan` erases 3 (5.0"
    )
    assert "invents 1 (1.7" in told
    assert "CLAHE" not in told
