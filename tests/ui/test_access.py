"""Who may use the server, from the environment alone."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from echogan.core.errors import SettingsError
from echogan.core.users import Users
from echogan.ui import access
from echogan.ui.login import Login

NAMES = (
    "GRADIO_SERVER_NAME",
    "SPACE_ID",
    "SPACE_HOST",
    "ECHOGAN_HOSTS",
    "ECHOGAN_AUTH",
    "ECHOGAN_MODELS",
    "ECHOGAN_TRAIN",
    "ECHOGAN_DATA_FOLDERS",
)
SPACE = {"SPACE_ID": "someone/space", "SPACE_HOST": "someone-space.hf.space", "GRADIO_SERVER_NAME": "0.0.0.0"}
LOGIN = {"ECHOGAN_AUTH": "ann:secret"}


@pytest.fixture
def given(monkeypatch):
    """A function that sets the environment to these variables of ours and no others."""

    def give(**variables: str) -> None:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return give


@pytest.mark.parametrize(
    ("variables", "allowed"),
    [
        ({}, True),
        ({"GRADIO_SERVER_NAME": "localhost"}, True),
        ({"GRADIO_SERVER_NAME": "::1"}, True),
        ({"ECHOGAN_TRAIN": "0"}, False),
        ({"ECHOGAN_TRAIN": "0"} | LOGIN, False),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, False),
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "ECHOGAN_TRAIN": "1"}, False),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"} | LOGIN, False),
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "ECHOGAN_TRAIN": "1"} | LOGIN, True),
        ({"ECHOGAN_HOSTS": "echo.example.org"}, False),  # a proxy on this machine
        (SPACE, False),
        (SPACE | {"ECHOGAN_TRAIN": "1"}, False),
        (SPACE | {"ECHOGAN_TRAIN": "1"} | LOGIN, True),
    ],
)
def test_who_may_train(given, variables, allowed):
    given(**variables)
    assert access.training_allowed() is allowed


def test_hosts_are_names_and_a_space_has_its_own(given):
    given(ECHOGAN_HOSTS=" Echo.Example.org., 192.168.1.5,[fd00::1]", SPACE_HOST="a.hf.space,b.example")
    assert access.named_hosts() == {"echo.example.org", "192.168.1.5", "fd00::1", "a.hf.space", "b.example"}


@pytest.mark.parametrize("wrong", ["https://echo.example.org", "echo.example.org:443", "*", "a b"])
def test_what_is_no_host_name_is_refused(given, wrong):
    given(ECHOGAN_HOSTS=wrong)
    with pytest.raises(SettingsError, match="ECHOGAN_HOSTS takes host names"):
        access.named_hosts()


@pytest.mark.parametrize("wrong", ["ann:", ":secret"])
def test_half_a_login_is_refused(given, wrong):
    given(ECHOGAN_AUTH=wrong)
    with pytest.raises(SettingsError, match="name:password"):
        access.login()


def test_a_login_is_a_users_file_too_and_opens_training(given, tmp_path):
    given(ECHOGAN_AUTH=str(tmp_path / "users"))
    with pytest.raises(SettingsError, match="cannot be read"):
        access.login()
    Users(tmp_path / "users").put("ann", "correct horse")
    login = access.login()
    assert isinstance(login, Login)
    assert login.users.names() == ["ann"]
    given(ECHOGAN_AUTH=str(tmp_path / "users"), ECHOGAN_TRAIN="1", GRADIO_SERVER_NAME="0.0.0.0")
    assert access.training_allowed()


def test_models_that_a_host_offers(given):
    given()
    assert access.offered_models() == ()
    given(ECHOGAN_MODELS=" echogan, user/model@v1.0,echogan ,")
    assert access.offered_models() == ("echogan", "user/model@v1.0")


@pytest.mark.parametrize("wrong", ["nothing", "/etc/passwd", "user/model@", "a b", "../x/y"])
def test_what_can_be_no_model_is_refused(given, wrong):
    given(ECHOGAN_MODELS=f"echogan,{wrong}")
    with pytest.raises(SettingsError, match="ECHOGAN_MODELS takes"):
        access.offered_models()


def test_a_login_may_hold_colons_and_folders_are_separated_as_path_is(given, tmp_path):
    given(ECHOGAN_AUTH="ann:a:b", ECHOGAN_DATA_FOLDERS=f"{tmp_path / 'a' / '..'}:{tmp_path / 'b'}")
    assert access.login() == ("ann", "a:b")
    assert access.data_folders() == [Path(tmp_path), tmp_path / "b"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("testclient", ""),
        (None, ""),
    ],
)
def test_an_address_is_what_one_household_has(host, address):
    assert access.address_of(SimpleNamespace(client=SimpleNamespace(host=host))) == address
    assert access.address_of(SimpleNamespace(client=None)) == ""
