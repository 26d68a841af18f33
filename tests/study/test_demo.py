"""The simulated study on phantom clips: the store gives back what its readers meant, and all of it is marked."""

import pytest
from fake_checkpoint import Scale, checkpoint

from echogan.core.errors import SettingsError
from echogan.enhance.enhancer import EnhanceSettings
from echogan.model.checkpoints import hub
from echogan.study.analysis.analysis import analyse
from echogan.study.analysis.checklists import claim
from echogan.study.analysis.simulation import simulated_study
from echogan.study.analysis.tables import cells
from echogan.study.demo import simulate_study
from echogan.study.store.audit import verify
from echogan.study.store.lifecycle import facts
from echogan.study.store.monitor import monitor
from echogan.study.unblinded import tables_of

READERS, PATIENTS = 3, 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5, -0.3)))
        return simulate_study(folder, READERS, PATIENTS, frames=3, settings=EnhanceSettings(device="cpu"))


@pytest.fixture(scope="module")
def tables(store):
    return tables_of(store)


def test_the_study_is_read_to_its_end(store):
    known = facts(store)
    assert (known.state, known.unblinded) == ("frozen", True)
    assert {(one.role, one.done == one.total) for one in monitor(store)} == {("simulated reader", True)}
    assert all(one.repeats > 0 for one in monitor(store))
    assert verify(store) == []


def test_the_store_gives_back_what_the_readers_meant(tables):
    meant = simulated_study(READERS, PATIENTS, 1, seed=0)
    for item in meant.items:
        found, wanted = (cells(study, item.name)[2] for study in (tables, meant))
        assert found == pytest.approx(wanted, nan_ok=True)
    assert sorted(tables.pairs["value"]) == sorted(meant.pairs["value"])
    assert tables.fidelity["grade"].sum() == meant.fidelity["grade"].sum()


def test_guesses_and_times_come_along(tables):
    analysis = analyse(tables)
    assert sum(sum(found.guessed.values()) for found in analysis.blinding.values()) == len(tables.guesses) > 0
    assert analysis.dwell is not None
    assert set(tables.times["part"]) == {"single", "pair", "guess", "fidelity"}
    assert 5 < analysis.dwell.median("original") < 120


def test_it_is_marked_as_simulated(tables):
    assert tables.simulated
    assert "Simulated" in tables.title
    answers = {number: answer for number, _, answer in claim(analyse(tables))}
    assert answers[16] == "3 simulated reader."
    assert "Scale" not in answers[36]
    assert answers[22].startswith("fake ") or "strength 1" in answers[22]


@pytest.mark.parametrize(("readers", "patients"), [(1, 5), (6, 2), (101, 5), (6, 501)])
def test_a_size_that_no_study_has_is_refused(readers, patients, tmp_path):
    with pytest.raises(SettingsError, match="2 to 100 readers"):
        simulate_study(tmp_path / "new" / "study", readers, patients)
    assert not (tmp_path / "new").exists()
