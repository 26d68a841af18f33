"""The command `study`: from clips to a table, with the sentences and exit codes of what goes wrong."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint, clip_of, speckle
from studies import rating

from echogan.cli.main import main
from echogan.clips.files import write_clip
from echogan.core.geometry import Fan
from echogan.model.checkpoints import hub
from echogan.study.store.audit import events
from echogan.study.store.ratings import record
from echogan.study.store.readers import reader_by_token, readers
from echogan.study.store.reading import next_task
from echogan.study.store.store import Store

FAN = "60,2,-38,38,3,86"


def run(*arguments: object) -> int:
    return main(["study", *map(str, arguments)])


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """A list of six short originals whose names hold a patient's; enhanced clips are to be made."""
    folder = tmp_path_factory.mktemp("clips")
    mask = Fan.parse(FAN).mask(96, 120)
    rows = []
    for n in range(6):
        frames = np.where(mask, speckle(4, seed=n), 0).astype(np.uint8)
        name = f"Doe_Jane{n}_A4C.gif"
        write_clip(folder / name, frames, clip_of(frames, path=folder / "source.avi"))
        rows.append({"original": name, "patient": f"Jane Doe {n}", "quality": "poor", "sector": FAN})
    with (folder / "list.csv").open("w", newline="") as file:
        lines = csv.DictWriter(file, list(rows[0]))
        lines.writeheader()
        lines.writerows(rows)
    return folder


@pytest.fixture(autouse=True)
def fake_model(monkeypatch):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5, -0.3)))


@pytest.fixture(scope="module")
def protocol_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("protocol") / "mine.json"
    assert run("protocol", "single", path) == 0
    data = json.loads(path.read_text())
    data["readers"] = 1
    for part in data["parts"]:
        part["training"] = min(part["training"], 1)
        part["repeat_least"] = 0
    path.write_text(json.dumps(data))
    return path


@pytest.fixture(scope="module")
def made(clips, protocol_file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5, -0.3)))
        assert run("create", clips / "list.csv", folder, "--protocol", protocol_file, "--device", "cpu") == 0
    return folder


@pytest.fixture
def study(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "study"))


def test_from_clips_to_a_table(study, tmp_path, capsys):
    assert run("check", study) == 1
    shown = capsys.readouterr().out
    assert "[x] 5 patients are read." in shown
    assert "[ ] Nobody has looked at the stimuli" in shown
    assert run("open", study) == 2
    assert "Nobody has looked at the stimuli" in capsys.readouterr().err
    assert run("open", study, "--looked-at-media") == 0
    assert run("invite", study, "--role", "cardiologist", "--years", 8) == 0
    token = re.search(r"R01: /read/(\S+)", capsys.readouterr().out)
    assert token is not None
    store = Store(study)
    reader = reader_by_token(store, token[1])
    done = 0
    for washout in (True, False):
        while task := next_task(store, reader):
            record(store, reader, rating(task))
            done += 1
        assert run("override", study, "R01", "--reason", "a test") == (0 if washout else 2)
        capsys.readouterr()
    assert run("status", study) == 0
    assert f"R01 cardiologist: {done}/{done}, finished" in capsys.readouterr().out
    assert run("table", study, tmp_path / "ratings.csv") == 2
    assert "blinded: freeze and unblind it first" in capsys.readouterr().err
    for step in (("freeze",), ("unblind", "--reason", "the analysis"), ("close",)):
        assert run(step[0], study, *step[1:]) == 0
    assert run("table", study, tmp_path / "ratings.csv") == 0
    with (tmp_path / "ratings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["arm"] for row in rows} == {"original", "enhanced", "both"}
    assert {row["reader"] for row in rows} == {"R01"}
    assert run("analyse", study, tmp_path / "analysis") == 0
    result = json.loads((tmp_path / "analysis" / "analysis.json").read_text())
    assert "Image quality of echo clips" in json.dumps(result)
    assert (tmp_path / "analysis" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert run("check", study) == 0
    assert "closed, unblinded" in capsys.readouterr().out


def test_a_study_goes_through_one_file(study, tmp_path, capsys):
    assert run("export", study, tmp_path / "study.zip") == 0
    assert run("import", tmp_path / "study.zip", tmp_path / "other") == 0
    assert run("backup", tmp_path / "other", tmp_path / "copy.sqlite") == 0
    assert re.search(r"copy.sqlite: SHA-256 [0-9a-f]{64}", capsys.readouterr().out)
    assert events(Store(tmp_path / "other"))[:2] == events(Store(study))[:2]


def test_no_name_is_in_what_readers_get_or_in_the_log(study):
    for path in [study / "study.sqlite", *(study / "media").iterdir()]:
        content = path.read_bytes()
        assert b"Doe_" not in content
        assert b"Jane" not in content
        assert "Doe" not in path.name
    assert "Doe_Jane" in (study / "linkage.csv").read_text()
    assert (study / "linkage.csv").stat().st_mode & 0o077 == 0


def test_a_link_is_renewed(study, capsys):
    assert run("invite", study) == 0
    assert run("invite", study, "--renew", "R01") == 0
    old, new = re.findall(r"/read/(\S+)", capsys.readouterr().out)
    store = Store(study)
    assert reader_by_token(store, new) == readers(store)[0]
    assert old != new
    with pytest.raises(Exception, match="no longer valid"):
        reader_by_token(store, old)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "{clips}/none", "{new}"), "Give a folder of clips, or a list"),
        (("create", "{clips}/list.csv", "{new}", "--protocol", "triple"), "There is no protocol 'triple'"),
        (("create", "{clips}/list.csv", "{study}"), "is not empty"),
        (("check", "{new}"), "There is no study in the folder"),
        (("override", "{study}", "R09", "--reason", "x"), "There is no reader 'R09'"),
        (("invite", "{study}", "--role", "Dr. Doe, MD"), "no names"),
        (("unblind", "{study}", "--reason", "x"), "only while it is frozen"),
        (("import", "{clips}/list.csv", "{new}"), "no exported study"),
        (("analyse", "{study}", "{new}"), "blinded: freeze and unblind it first"),
        (("demo", "{new}", "--readers", "1"), "Give 2 to 100 readers"),
        (("freeze",), "required"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_exit_code_2(study, clips, tmp_path, capsys, arguments, sentence):
    places = {"clips": clips, "study": study, "new": tmp_path / "new"}
    assert run(*(argument.format(**places) for argument in arguments)) == 2
    complaint = capsys.readouterr().err
    assert sentence in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "new").exists()
