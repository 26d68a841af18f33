"""The acts of the Studies tab: what they do, what they refuse, and that none shows an arm before unblinding."""

import json
import zipfile
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from studies import DAY, draft, rating, small

from echogan.core.errors import EchoGANError, SettingsError, StudyError, StudyStateError
from echogan.study.store.monitor import STALLED_DAYS
from echogan.study.store.ratings import record
from echogan.study.store.reading import next_task
from echogan.study.store.store import Store
from echogan.ui.study.administration import Administration, acts
from echogan.ui.study.making import Making
from echogan.ui.study.studies import Studies

ARM_WORDS = ("enhanced_left", "enhanced_right", '"show"', '"arm"', '"original"')


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def admin(tmp_path: Path, making: Making) -> Administration:
    studies = Studies(tmp_path / "studies")
    return Administration(studies, lambda: [tmp_path / "offered"], lambda: tmp_path / "shown", making)


@pytest.fixture
def store(admin: Administration) -> Store:
    """A draft called one, with somebody to look at its stimuli."""
    made = draft(admin.studies.folder / "one", small("pair"), confirmed=False)
    made.close()
    found = admin.studies.store("one")
    found.clock = made.clock
    return found


def sent(**more: Any) -> dict[str, Any]:
    return {"study": "one", **more}


def read_all(store: Store, reader: Any) -> int:
    count = 0
    while task := next_task(store, reader):
        record(store, reader, rating(task))
        count += 1
    return count


def test_the_way_from_a_draft_to_its_files(admin: Administration, store: Store, tmp_path: Path):
    looked = admin.look(sent())["study"]
    assert [looked["state"], looked["clips"], looked["stimuli"]] == ["draft", 6, 14]
    lacks = [point["sentence"] for point in looked["points"] if point["needed"] and not point["ok"]]
    assert len(lacks) == 1
    with pytest.raises(StudyError, match="Nobody has looked"):
        admin.open(sent())
    admin.confirm(sent())
    made = admin.invite(sent(role="cardiologist", years=12, days=30))
    admin.open(sent())
    reader = admin.studies.reader(made["token"])[1]
    assert reader.name == made["reader"] == "R01"
    count = read_all(store, reader)
    status = admin.look(sent())["study"]["readers"][0]
    assert (status["done"], status["total"], status["state"]) == (count, count, "finished")
    for kind in ("report", "results", "table", "export"):
        with pytest.raises(StudyStateError, match="blinded"):
            admin.file(sent(kind=kind))
    backup = admin.backup(sent())["name"]
    assert (store.folder / backup).stat().st_mode & 0o077 == 0
    admin.freeze(sent())
    with pytest.raises(StudyStateError, match="blinded"):
        admin.file(sent(kind="table"))
    with pytest.raises(StudyError, match="Say why"):
        admin.unblind(sent(reason=" "))
    admin.unblind(sent(reason="all have read"))
    table = Path(admin.file(sent(kind="table"))["path"])
    assert table.is_relative_to(tmp_path / "shown")
    assert len(table.read_text().splitlines()) > count
    with zipfile.ZipFile(admin.file(sent(kind="export"))["path"]) as export:
        assert "study.sqlite" in export.namelist()
    assert Path(admin.file(sent(kind="report"))["path"]).read_bytes().startswith(b"%PDF")
    with zipfile.ZipFile(admin.file(sent(kind="results"))["path"]) as results:
        hashes = json.loads(results.read("manifest.json"))
        assert {"report.html", "report.pdf", "pairs.csv", "clmm.R"} <= set(hashes)
        assert set(results.namelist()) == {*hashes, "manifest.json"}
    admin.close(sent())
    looked = admin.look(sent())["study"]
    assert (looked["state"], looked["unblinded"]) == ("closed", True)
    assert "all have read" in {line["reason"] for line in looked["log"]}
    assert admin.verify(sent()) == {"faults": []}


def test_nothing_that_the_page_gets_before_unblinding_tells_an_arm(admin: Administration, store: Store):
    admin.confirm(sent())
    token = admin.invite(sent(role="reader"))["token"]
    admin.open(sent())
    read_all(store, admin.studies.reader(token)[1])
    admin.freeze(sent())
    answers = [admin.look(sent()), admin.verify(sent()), admin.stimulus(sent(number=0))]
    found = json.dumps(answers)
    # The protocol's questions may name the arms; what was shown and how it was rated must not be there.
    assert not [word for word in ARM_WORDS if word in found]
    with store.read() as db:
        names = [row[0] for row in db.execute("SELECT id FROM stimulus")]
    assert not [name for name in names if name in found]


def test_a_rehearsal_leaves_no_trace(admin: Administration, store: Store):
    token = admin.rehearse(sent())["token"]
    copy, reader = admin.studies.reader(token)
    assert read_all(copy, reader) > 0
    assert admin.look(sent())["study"]["readers"] == []
    assert admin.studies.names() == ["one"]
    folder = copy.folder
    again = admin.rehearse(sent())["token"]
    assert not folder.exists()
    with pytest.raises(EchoGANError):
        admin.studies.reader(token)
    admin.studies.close()
    assert again != token


def test_a_stalled_reader_is_seen(admin: Administration, store: Store):
    admin.confirm(sent())
    admin.invite(sent(role="reader"))
    admin.open(sent())
    assert not admin.look(sent())["study"]["readers"][0]["stalled"]
    store.clock.now += (STALLED_DAYS + 1) * DAY  # type: ignore[attr-defined]
    assert admin.look(sent())["study"]["readers"][0]["stalled"]


def test_links_are_renewed_and_revoked(admin: Administration, store: Store):
    first = admin.invite(sent(role="reader"))
    second = admin.renew(sent(reader="R01"))["token"]
    with pytest.raises(EchoGANError):
        admin.studies.reader(first["token"])
    assert admin.studies.reader(second)[1].name == "R01"
    admin.revoke(sent(reader="R01"))
    with pytest.raises(EchoGANError):
        admin.studies.reader(second)


@pytest.mark.parametrize(
    "place", ["", "/etc", "/nowhere", "../offered", "\0", "~nobody/x", "offered/../../etc"]
)
def test_clips_are_taken_from_offered_folders_alone(admin: Administration, tmp_path: Path, place: str):
    (tmp_path / "offered").mkdir()
    form = {"name": "new", "place": place, "protocol": "pair"}
    with pytest.raises(SettingsError, match="not there among the folders"):
        admin.create(form)
    with pytest.raises(SettingsError, match="not there among the folders"):
        admin.preview({"protocol": place or "/etc/passwd"})


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "../x"}, "plain name"),
        ({"name": ".hidden"}, "plain name"),
        ({"name": "one"}, "already"),
        ({"name": 5}, "Reload"),
        ({"name": "new", "readers": 0}, "readers"),
        ({"name": "new", "readers": "many"}, "Reload"),
        ({"name": "new", "washout_days": 1e9}, "Reload"),
        ({"name": "new", "training": 99}, "training"),
    ],
)
def test_a_wrong_form_is_refused_with_a_sentence(
    admin: Administration, store: Store, tmp_path: Path, form, words
):
    (tmp_path / "offered").mkdir()
    with pytest.raises(EchoGANError, match=words):
        admin.create({"place": str(tmp_path / "offered"), "protocol": "pair", **form})
    assert admin.studies.names() == ["one"]


def test_the_preview_is_the_protocol_with_the_forms_changes(admin: Administration):
    found = admin.preview(
        {"protocol": "single", "title": "Ours", "readers": 7, "training": 2, "washout_days": 14}
    )
    assert (found["title"], found["readers"], found["washout_days"]) == ("Ours", 7, 14.0)
    assert {part["training"] for part in found["parts"]} == {2}


def test_making_is_watched_and_stopped(tmp_path: Path):
    begun, asked = Event(), []

    def make(place, folder, protocol, model, actor, progress, cancel) -> str:
        asked.append((place, folder, model, actor))
        progress(1, 3)
        begun.set()
        assert cancel.wait(20)
        raise StudyError("Stopped in the middle.")

    making = Making(make)
    making.start(tmp_path, tmp_path / "one", small("pair"), "echogan")
    assert begun.wait(20)
    status = making.status()
    assert status is not None
    assert (status["name"], status["done"], status["total"], status["ended"]) == ("one", 1, 3, False)
    with pytest.raises(StudyError, match="Another study"):
        making.start(tmp_path, tmp_path / "two", small("pair"), "echogan")
    making.stop()
    making.wait()
    status = making.status()
    assert status is not None
    assert (status["ended"], status["error"]) == (True, "Stopped in the middle.")
    assert len(asked) == 1


def test_what_is_no_text_reaches_no_store(admin: Administration, store: Store):
    for name, act in acts(admin).items():
        if name not in ("look", "stop"):
            with pytest.raises(EchoGANError):
                act({"study": ["one"], "name": None, "protocol": None})


def test_every_act_is_a_call_of_the_page(admin: Administration):
    scripts = "".join(path.read_text() for path in (Path("echogan/ui/study/admin")).glob("*.js"))
    assert {name for name in acts(admin) if f'"{name}"' not in scripts} == set()
