"""trust.json: written and read back, and refused where it is broken or belongs to other weights."""

import json
from dataclasses import replace

import pytest

from echogan.core.errors import InvalidCheckpoint
from echogan.trust.calibration import TRUST_FILE, Calibration, read_calibration, write_calibration

MADE = Calibration(
    generator="ab" * 32, fusion="cd" * 32, amber=0.2, red=0.7, clips={"faithful": 200}, phantom="1.2.0",
    errors="swapped", date="2026-01-02", reference={"removed": [0.1, 0.2]},
)  # fmt: skip


def test_what_is_written_is_read_back(tmp_path):
    write_calibration(tmp_path, MADE)
    assert read_calibration(tmp_path, MADE.generator, MADE.fusion) == MADE
    assert [path.name for path in tmp_path.iterdir()] == [TRUST_FILE]


def test_without_a_file_or_for_another_fusion_there_is_none(tmp_path):
    assert read_calibration(tmp_path, MADE.generator, MADE.fusion) is None
    write_calibration(tmp_path, MADE)
    assert read_calibration(tmp_path, MADE.generator, "00" * 32) is None


def test_other_weights_are_refused_with_the_remedy(tmp_path):
    write_calibration(tmp_path, MADE)
    with pytest.raises(InvalidCheckpoint, match=r"belongs to other weights.*python -m echogan calibrate"):
        read_calibration(tmp_path, "00" * 32, MADE.fusion)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"format": 1}', '{"format": 2}', "[" * 100_000, "\x00", " " * 2_000_000,
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(tmp_path, text):
    (tmp_path / TRUST_FILE).write_text(text)
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_calibration(tmp_path, MADE.generator, MADE.fusion)


@pytest.mark.parametrize(
    "change",
    [{"amber": 1.5}, {"red": -0.1}, {"amber": 0.8, "red": 0.7}, {"amber": "0.2"}, {"amber": None}, {"more": 1},
     {"red": float("nan")}],
)  # fmt: skip
def test_values_out_of_range_are_refused(tmp_path, change):
    write_calibration(tmp_path, MADE)
    path = tmp_path / TRUST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_calibration(tmp_path, MADE.generator, MADE.fusion)


def test_a_calibration_is_replaced_whole(tmp_path):
    write_calibration(tmp_path, MADE)
    write_calibration(tmp_path, replace(MADE, amber=0.1))
    assert read_calibration(tmp_path, MADE.generator, MADE.fusion).amber == 0.1
