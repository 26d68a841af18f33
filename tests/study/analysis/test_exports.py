"""The exported tables: no cell is a formula to a spreadsheet, whatever people typed."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rating_tables import pair_rows, rating_rows

from echogan.study.analysis.exports import write_exports
from echogan.study.analysis.tables import study_tables

TYPED = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from("=+-@\t\r"), TYPED, TYPED)
def test_no_cell_of_an_export_is_a_formula(start: str, rest: str, other: str):
    rows = rating_rows(np.array([[[1, 2]], [[3, 4]]], float))
    rows = [
        row | {"reader": start + rest, "patient": other, "clip": f"{other}{row['patient']}"} for row in rows
    ]
    pairs = [row | {"clip": start} for row in pair_rows(np.array([[-3, 2]]), np.eye(1, 2, dtype=bool))]
    with TemporaryDirectory() as folder:
        write_exports(study_tables(rows, pairs), Path(folder))
        for path in Path(folder).glob("*.csv"):
            with path.open(newline="") as file:
                for line in csv.DictReader(file):
                    texts = [cell for column, cell in line.items() if column not in ("value", "grade")]
                    assert not [cell for cell in texts if cell.startswith(tuple("=+-@\t\r"))]
        with (Path(folder) / "pairs.csv").open(newline="") as file:
            assert [float(line["value"]) for line in csv.DictReader(file)] == [-3, 2]
