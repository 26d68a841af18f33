"""The tables of the segmentation evaluation have the values of the result."""

import numpy as np

from eval.camus.grade_gap import gap_and_share
from eval.camus.still_scores import summarise
from eval.reporting import segmentation_tables


def test_tables_have_the_values_of_the_result():
    names = [f"p{k // 2}" for k in range(24)]
    wobble = np.repeat(np.linspace(-0.02, 0.02, 12), 2)
    tables = {
        name: {row: {"dice": mean + wobble} for row, mean in {"input": 0.8, "ours": 0.825}.items()}
        for name in segmentation_tables.SETS
    }
    for found in tables["semi-real"].values():
        measures = ("psnr_db", "tone_matched_psnr_db", "ssim", "area_error LV")
        found |= dict.fromkeys(measures, 10 * found["dice"])
    tables["Good"]["input"]["dice"] = tables["Good"]["input"]["dice"] + 0.1
    result = {
        "sets": {name: summarise(table, names) for name, table in tables.items()},
        "gap": gap_and_share(tables, dict.fromkeys(tables, names), draws=50),
        "models": [{"name": "ours", "sha256": "ab" * 32}], "phantom": "1.0",
    }  # fmt: skip
    text = segmentation_tables.segmentation(result)
    assert "| ours | 82.50" in text
    assert "82.50 (+2.50 [+2.50, +2.50])" in text
    assert "+25% [" in text
    assert "+10.00 [" not in text  # the gap itself carries no sign
    assert "10.00 [" in text
    assert "`abababababab`" in text
    assert segmentation_tables.semi_real(result).count("8.25 (+0.25 [+0.25, +0.25])") == 2
