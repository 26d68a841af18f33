"""Tables are checked with sentences, and clips are averaged within patients and paired between arms."""

import numpy as np
import pytest
from rating_tables import fidelity_rows, pair_rows, rating_rows

from echogan.core.errors import StudyError
from echogan.study.analysis.tables import Item, cells, stimuli, study_tables

VALUES = np.array([[[1, 2], [3, 4]], [[2, 4], [np.nan, 5]]], float)


def test_cells_are_reader_by_patient():
    readers, patients, found = cells(study_tables(rating_rows(VALUES)), "overall")
    assert (readers, patients) == (["R0", "R1"], ["P0", "P1"])
    np.testing.assert_array_equal(found, VALUES)


def test_clips_are_averaged_and_only_those_of_both_arms_count():
    second = np.array([[[5, 1], [2, 2]], [[np.nan, 2], [4, 2]]], float)
    _, _, found = cells(study_tables(rating_rows(VALUES) + rating_rows(second, clip=2)), "overall")
    # Reader 0, patient 0: clip 2 lacks the enhanced arm. Reader 1, patient 0: clip 1 does.
    np.testing.assert_array_equal(found, [[[1, 1.5], [2, 3]], [[2, 3], [4, 3.5]]])


def test_repeats_and_gold_do_not_count():
    rows = (
        rating_rows(VALUES)
        + rating_rows(VALUES * 0 + 5, kind="repeat")
        + rating_rows(VALUES * 0 + 1, kind="gold")
    )
    _, _, found = cells(study_tables(rows), "overall")
    np.testing.assert_array_equal(found, VALUES)


def test_stimuli_are_clips_in_one_arm():
    values, patients, readers = stimuli(study_tables(rating_rows(VALUES)), "overall")
    assert values.shape == (2, 4)
    assert list(patients) == ["P0", "P0", "P1", "P1"]
    assert readers == ["R0", "R1"]


def test_items_are_known_or_found_from_their_values():
    rows = (
        rating_rows(VALUES, "artefact")
        + rating_rows(VALUES, "overall")
        + rating_rows(VALUES > 2, "wall_seen")
    )
    items = study_tables(rows).items
    assert [item.name for item in items] == ["overall", "artefact", "wall_seen"]
    assert items[2] == Item("wall_seen", "Wall seen", 0, 1)
    assert items[2].binary


def changed(**what) -> list[dict]:
    rows = rating_rows(VALUES)
    return [rows[0] | what, *rows[1:]]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "There are no ratings to analyse"),
        ([{"reader": "R1"}], "lack the columns patient, clip"),
        (changed(value=6), "A rating of overall is 6: whole numbers from 1 to 5"),
        (changed(value=2.5), "A rating of overall is 2.5"),
        (changed(value="good"), "a value that is no number"),
        (changed(arm="better"), "the arm 'better': it must be one of original, enhanced"),
        (changed(kind="training"), "the kind 'training'"),
        (rating_rows(VALUES) * 2, "Reader R0 has two main ratings of clip P0-1"),
    ],
    ids=["empty", "columns", "range", "fraction", "text", "arm", "kind", "twice"],
)
def test_a_wrong_table_is_refused_with_a_sentence(rows, sentence):
    with pytest.raises(StudyError, match=sentence):
        study_tables(rows)


def test_wrong_pairs_and_events_are_refused():
    with pytest.raises(StudyError, match="A rating of the pairs is 4"):
        study_tables([], pair_rows(np.array([[4]]), np.array([[True]])))
    with pytest.raises(StudyError, match="A rating of the fidelity events is 3"):
        study_tables([], [], fidelity_rows(np.array([[3]])))
