"""The segmentation evaluation: every set and method is named, and nothing is written without CAMUS."""

from eval.camus import segmentation
from eval.camus.segmentation import SegmentationSettings


def test_a_result_names_every_set_and_method():
    result = {"sets": {"Good": {"input": {}, "net": {}}, "Poor": {"input": {}}}}
    assert segmentation.measured(result) == ["Good input", "Good net", "Poor input"]


def test_without_camus_it_says_so_and_writes_nothing(tmp_path, capsys):
    segmentation.main(SegmentationSettings(data=tmp_path, out=tmp_path / "out.json"))
    assert "No CAMUS" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
