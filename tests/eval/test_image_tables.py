"""The tables of image quality: the short one, and what is said of a reference."""

from eval import image_tables


def test_a_reference_that_saw_too_little_is_labelled():
    reference = {"name": "reference-cyclegan", "kind": "resnet", "frames": 545}
    assert "**under-trained** (545 frames" in image_tables.under_trained(reference)
    assert image_tables.under_trained(reference | {"frames": 20_000}) == ""
    assert image_tables.under_trained({"name": "ours", "kind": "pyramid", "frames": 10}) == ""


def test_the_short_table_has_the_best_filter_and_no_other_network():
    def row(value):
        return {
            metric: {"mean": value, "low": value - 1, "high": value + 1}
            for metric, _, _ in image_tables.QUALITY
        }

    result = {
        "rows": {
            "input": row(1), "mild": row(2), "wild": row(3), "theirs": row(9), "enhanced": row(5), "oracle": row(7)
        },
        "gain": {"input": row(4)}, "others": [{"name": "theirs"}], "settings": {"clips": 200},
        "share_of_oracle": {"enhanced": {"ssim": {"mean": 0.66, "low": 0.6, "high": 0.7}}},
    }  # fmt: skip
    text = image_tables.image_quality_short(result)
    assert "best classical filter by SSIM (wild) | 3.00" in text
    assert "theirs" not in text
    assert "5.00 (+4.00 [+3.00, +5.00])" in text
    assert "66% of the oracle's way" in text
    alone = {way: values for way, values in result["rows"].items() if way != "oracle"}
    assert "oracle" not in image_tables.image_quality_short(result | {"share_of_oracle": {}, "rows": alone})
