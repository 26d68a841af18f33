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


def read(folder, generator=MADE.generator, fusion=MADE.fusion, **applied):
    """The calibration in a folder, for the checkpoint that MADE is of unless told otherwise."""
    as_is = {"gain": 1.25, "haze_gain": 0.0, "caution": 0.0, "dark_level": 0.0, "keep_walls": 0.0}
    return read_calibration(folder, generator, fusion, as_is | applied)


def test_what_is_written_is_read_back(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    found = read(tmp_path)
    assert replace(found, reference="") == MADE
    arrays = read_reference(tmp_path, found)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert sorted(path.name for path in tmp_path.iterdir()) == [TRUST_FILE, REFERENCE_FILE]


def test_a_reference_that_was_changed_or_is_gone_is_refused(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    found = read(tmp_path)
    path = tmp_path / REFERENCE_FILE
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InvalidCheckpoint, match="does not belong"):
        read_reference(tmp_path, found)
    path.unlink()
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_reference(tmp_path, found)


def test_without_a_file_or_for_another_fusion_there_is_none(tmp_path):
    assert read(tmp_path) is None
    write_calibration(tmp_path, MADE, ARRAYS)
    assert read(tmp_path, fusion="00" * 32) is None


def test_other_weights_are_refused_with_the_remedy(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    with pytest.raises(InvalidCheckpoint, match=r"belongs to other weights.*python -m echogan calibrate"):
        read(tmp_path, generator="00" * 32)


def test_a_calibration_of_what_is_applied_otherwise_is_refused(tmp_path):
    made_for = {"gain": 1.5, "haze_gain": 0.2, "caution": 0.3, "dark_level": 0.1, "keep_walls": 1.0}
    write_calibration(tmp_path, replace(MADE, **made_for), ARRAYS)
    assert read(tmp_path, **made_for).gain == 1.5
    for other in made_for:
        with pytest.raises(
            InvalidCheckpoint, match=r"another gain, haze gain, caution.*python -m echogan calibrate"
        ):
            read(tmp_path, **made_for | {other: 0.05})


def test_where_the_gain_was_not_noted_only_the_others_must_agree(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    assert read(tmp_path, gain=2.0).gain is None
    with pytest.raises(InvalidCheckpoint, match="another gain, haze gain, caution, dark level"):
        read(tmp_path, caution=0.3)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"format": 1}', '{"format": 2}', "[" * 100_000, "\x00", " " * 2_000_000,
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(tmp_path, text):
    (tmp_path / TRUST_FILE).write_text(text)
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read(tmp_path)


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
        read(tmp_path)


def test_a_calibration_is_replaced_whole(tmp_path):
    write_calibration(tmp_path, MADE, ARRAYS)
    write_calibration(tmp_path, replace(MADE, amber=0.1), ARRAYS)
    assert read(tmp_path).amber == 0.1
