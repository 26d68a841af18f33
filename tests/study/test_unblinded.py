"""The tables of the analysis are those of the study: scales, the primary item first, and only after unblinding."""

from dataclasses import replace

import pytest
from studies import opened_study, rating, small

from echogan.core.errors import StudyError, StudyStateError
from echogan.study.store.lifecycle import freeze, unblind
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite
from echogan.study.store.reading import next_task
from echogan.study.store.store import Store
from echogan.study.unblinded import tables_of


def ended(store: Store, value: int | None = None) -> Store:
    """One reader rates everything with the same value, or with the first of each item; then the arms are told."""
    reader, _ = invite(store, "lead")
    while task := next_task(store, reader):
        record(store, reader, rating(task, value, hidden_ms=1500))
    freeze(store, "lead")
    unblind(store, "lead", "analysis")
    return store


def test_single_ratings_and_fidelity_grades(tmp_path):
    protocol = replace(small(), washout_days=0.0, primary="border")
    found = tables_of(ended(opened_study(tmp_path, protocol=protocol)))
    assert [(item.name, item.low, item.high) for item in found.items][:2] == [
        ("border", 1, 5),
        ("overall", 1, 5),
    ]
    assert next(item for item in found.items if item.name == "diagnostic").binary
    assert len(found.main("border")) == 12
    assert len(found.fidelity) == 18
    assert found.about["readers"] == "1 reader."
    assert found.about["cases"] == "Views: 3 A2C, 3 A4C. Baseline quality: 2 medium, 4 poor."
    assert protocol.sha256[:12] in found.about["protocol"]
    assert found.pairs.empty
    assert not found.simulated
    assert set(found.guesses["guess"]) == {"original"}  # the first value of the item
    assert set(found.guesses["arm"]) == {"original", "enhanced"}
    assert len(found.times) == 12 + 2 + 2 + 6  # one a showing, also for two repeats; one item or five
    assert set(found.times["seconds"]) == {20.0 - 1.5}


def test_pairs_are_those_of_the_first_item(tmp_path):
    found = tables_of(ended(opened_study(tmp_path, protocol=small("pair")), 0))
    assert found.ratings.empty
    assert len(found.pairs) == 6
    assert set(found.pairs["value"]) == {0.0}


def test_nothing_is_told_before_unblinding_and_nothing_without_ratings(tmp_path):
    store = opened_study(tmp_path)
    with pytest.raises(StudyStateError, match="blinded"):
        tables_of(store)
    freeze(store, "lead")
    unblind(store, "lead", "analysis")
    with pytest.raises(StudyError, match="nothing to analyse"):
        tables_of(store)
