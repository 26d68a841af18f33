"""The exported tables: no cell is a formula to a spreadsheet, whatever people typed."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rating_tables import pair_rows, rating_rows

from echogan.study.analysis.exports import imrmc_input, write_exports
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


def read_imrmc(text: str) -> tuple[dict[str, int], dict[str, int], dict[tuple[str, str, str], float]]:
    """Sizes, truth and scores as the iMRMC application reads them, by the rules of its InputFile class.

    A size is taken from any line of the header that holds its name, from the fourth character on. Reader -1 gives the
    truth, 0 or 1; each case has one, and each reader one score for a case in a modality.
    """
    lines = text.splitlines()
    sizes: dict[str, int] = {}
    start = next(i for i, line in enumerate(lines) if line.upper().startswith("BEGIN DATA:"))
    for line in lines[:start]:
        for name in ("N0", "N1", "NR", "NM"):
            if f"{name}:" in line.upper():
                sizes[name] = int(line[3:])
    rows = [[part.replace(" ", "") for part in line.split(",")] for line in lines[start + 1 :]]
    truth = {case: int(score) for reader, case, _, score in rows if reader == "-1"}
    assert len(truth) == sum(row[0] == "-1" for row in rows)
    assert set(truth.values()) <= {0, 1}
    scores: dict[tuple[str, str, str], float] = {}
    for reader, case, modality, score in rows:
        if reader != "-1":
            assert case in truth
            assert (reader, case, modality) not in scores
            scores[reader, case, modality] = float(score)
    return sizes, truth, scores


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.integers(2, 4), st.integers(2, 5))
@example("Border, N0: first\nBEGIN DATA:", 2, 2)
@example("STATION NR: 7", 2, 2)
def test_imrmc_reads_its_file_whatever_the_title(title: str, readers: int, patients: int):
    values = np.random.default_rng(0).integers(1, 6, (2, readers, patients)).astype(float)
    values[0, 0, 0] = np.nan
    tables = study_tables(rating_rows(values), title=title)
    sizes, truth, scores = read_imrmc(imrmc_input(tables, tables.items[0]))
    assert sizes == {"N0": patients, "N1": patients, "NR": readers, "NM": 1}
    assert sum(truth.values()) == patients
    assert len(scores) == 2 * readers * patients - 1
    enhanced = np.mean([score for (_, case, _), score in scores.items() if truth[case]])
    assert enhanced == values[1].mean()
