"""trust.json: written and read back, and refused where it is broken or belongs to other weights."""

import json
from dataclasses import replace

import numpy as np
import pytest

from echogan.core.errors import InvalidCheckpoint
from echogan.trust.calibration import (
    REFERENCE_FILE,
    TRUST_FILE,
    Calibration,
    read_calibration,
    read_reference,
    write_calibration,
)

MADE = Calibration(
    generator="ab" * 32, fusion="cd" * 32, amber=0.2, red=0.7, clips={"faithful": 200}, phantom="1.2.0",
    errors="swapped", date="2026-01-02",
)  # fmt: skip
ARRAYS = {"removed": np.array([0.1, 0.2]), "features": np.eye(3, dtype=np.float32)}


def test_what_is_written_is_read_back(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    found = read_calibration(tmp_path, MADE.generator, MADE.fusion)
    assert replace(found, reference="") == MADE
    read = read_reference(tmp_path, found)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
    assert sorted(path.name for path in tmp_path.iterdir()) == [TRUST_FILE, REFERENCE_FILE]


def test_a_reference_that_was_changed_or_is_gone_is_refused(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    found = read_calibration(tmp_path, MADE.generator, MADE.fusion)
    path = tmp_path / REFERENCE_FILE
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InvalidCheckpoint, match="does not belong"):
        read_reference(tmp_path, found)
    path.unlink()
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_reference(tmp_path, found)


def test_without_a_file_or_for_another_fusion_there_is_none(tmp_path):
    assert read_calibration(tmp_path, MADE.generator, MADE.fusion) is None
    write_calibration(tmp_path, MADE, ARRAYS)
    assert read_calibration(tmp_path, MADE.generator, "00" * 32) is None


def test_other_weights_are_refused_with_the_remedy(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
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
    write_calibration(tmp_path, MADE, ARRAYS)
    path = tmp_path / TRUST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_calibration(tmp_path, MADE.generator, MADE.fusion)


def test_a_calibration_is_replaced_whole(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    write_calibration(tmp_path, replace(MADE, amber=0.1), ARRAYS)
    assert read_calibration(tmp_path, MADE.generator, MADE.fusion).amber == 0.1
