"""The long table of ratings as a file that a spreadsheet opens."""

import csv
import io

from studies import opened_study, rating, small

from echogan.study.store.lifecycle import freeze, unblind
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite
from echogan.study.store.reading import next_task
from echogan.study.store.tables import as_csv

COMMENT = '=HYPERLINK("http://x";"y")\rnext'


def test_a_comment_is_no_formula_and_numbers_stay(tmp_path):
    store = opened_study(tmp_path, protocol=small("fidelity"))
    reader, _ = invite(store, "lead")
    while task := next_task(store, reader):
        given = rating(task)
        answers = dict(given.answers) | {"comment": COMMENT}
        record(store, reader, type(given)(**{**vars(given), "answers": answers}))
    freeze(store, "lead")
    unblind(store, "lead", "analysis")
    rows = list(csv.DictReader(io.StringIO(as_csv(store), newline="")))
    assert {row["comment"] for row in rows} == {"'" + COMMENT}
    assert {float(row["value"]) for row in rows} == {0.0}
