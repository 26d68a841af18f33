"""The tables of image quality: the short and the full one, and the note on an under-trained reference."""

import json

from eval.reporting import image_tables


def test_an_under_trained_reference_is_labelled():
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
    assert "66% of the oracle's gain" in text
    alone = {way: values for way, values in result["rows"].items() if way != "oracle"}
    assert "oracle" not in image_tables.image_quality_short(result | {"share_of_oracle": {}, "rows": alone})


def test_lesions_and_the_second_table_are_shown_where_measured(tmp_path, monkeypatch):
    def mean(value):
        return {"mean": value, "low": value, "high": value}

    metrics = [name for name, *_ in (*image_tables.QUALITY, *image_tables.SUPPORTED)]
    rows = {way: {m: mean(0.5) for m in [*metrics, "speckle_snr"]} for way in ("input", "enhanced")}
    result = {
        "rows": rows, "gain": {"input": {m: mean(0.125) for m in metrics}}, "share_of_oracle": {},
        "model": {"name": "net", "sha256": "1" * 64}, "settings": {"clips": 200, "frames": 1}, "phantom": "1",
        "change": {"poor": mean(1), "clear": mean(1), "clear_to_poor": 1}, "supported": mean(0.625),
    }  # fmt: skip
    cost = {"of_input": mean(1.25), "erased": mean(0.05), "invented": mean(0.01)}
    lesions = {"models": [{"name": "net", "sha256": "1" * 64}], "rows": {"net": cost}}
    monkeypatch.setattr(image_tables, "LESIONS", tmp_path / "lesions.json")
    (tmp_path / "lesions.json").write_text(json.dumps(lesions))
    text = image_tables.image_quality(result)
    assert "| 1.25 | 5.0% | 1.0% |" in text
    assert "where at least half of the signal survives | SSIM (net minus row) |" in text
    assert "These pixels are 62% of the sector." in text
    (tmp_path / "lesions.json").write_text(json.dumps(lesions | {"models": []}))
    assert "lesion" not in image_tables.image_quality(result).lower()
    older = {key: value for key, value in result.items() if key != "supported"}
    assert "survives" not in image_tables.image_quality(older)
