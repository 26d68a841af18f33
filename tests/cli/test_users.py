"""`python -m echogan users`: the file it writes, where, and what it refuses."""

import getpass
import io

import pytest

from echogan.cli.main import main
from echogan.core.users import Users

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("ECHOGAN_AUTH", "ECHOGAN_DATA", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def typed(monkeypatch):
    """What is typed, line by line, on a terminal; or sent through a pipe."""

    def given(*lines: str, terminal: bool = True) -> None:
        stream = io.StringIO("".join(f"{line}\n" for line in lines))
        stream.isatty = lambda: terminal  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stdin", stream)
        left = list(lines)
        monkeypatch.setattr(getpass, "getpass", lambda prompt: left.pop(0))

    return given


def test_users_are_added_listed_and_removed(typed, tmp_path, capsys):
    typed(PASSWORD, PASSWORD)
    assert main(["users", "add", "ann"]) == 0
    typed(PASSWORD, terminal=False)
    assert main(["users", "add", "bob"]) == 0
    assert main(["users", "list"]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith("ann\nbob\n")
    assert PASSWORD not in shown.out + shown.err
    users = Users(tmp_path / "users")
    assert users.check("ann", PASSWORD)
    assert users.check("bob", PASSWORD)
    assert main(["users", "remove", "ann"]) == 0
    assert users.names() == ["bob"]


def test_the_file_is_the_one_that_the_page_reads(typed, tmp_path, monkeypatch):
    for number, (variable, value, path) in enumerate(
        (
            ("ECHOGAN_DATA", str(tmp_path / "data"), tmp_path / "data" / "users"),
            ("ECHOGAN_AUTH", str(tmp_path / "named"), tmp_path / "named"),
        )
    ):
        monkeypatch.setenv(variable, value)
        typed(PASSWORD, PASSWORD)
        assert main(["users", "add", f"user{number}"]) == 0
        assert Users(path).names() == [f"user{number}"]
    typed(PASSWORD, PASSWORD)
    assert main(["users", "add", "ann", "--file", str(tmp_path / "given")]) == 0
    assert Users(tmp_path / "given").names() == ["ann"]


@pytest.mark.parametrize(
    ("arguments", "lines", "sentence"),
    [
        (["add", "ann"], (PASSWORD, "another password"), "differ"),
        (["add", "ann"], ("short", "short"), "8 to 256"),
        (["add", "a:b"], (PASSWORD, PASSWORD), "name is"),
        (["remove", "ann"], (), "cannot be read"),
        (["list"], (), "cannot be read"),
    ],
)
def test_mistakes_are_sentences_and_leave_no_file(typed, tmp_path, capsys, arguments, lines, sentence):
    typed(*lines)
    assert main(["users", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert PASSWORD not in error
    assert list(tmp_path.iterdir()) == []


def test_a_login_in_the_variable_is_no_file(typed, monkeypatch, capsys):
    monkeypatch.setenv("ECHOGAN_AUTH", "ann:secret")
    typed(PASSWORD, PASSWORD)
    assert main(["users", "add", "bob"]) == 2
    error = capsys.readouterr().err
    assert "--file" in error
    assert "secret" not in error
