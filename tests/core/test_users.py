"""The users file: what stands in it, who is let in, and what is refused."""

import hashlib
import stat
from base64 import b64decode

import pytest

from echogan.core.errors import SettingsError
from echogan.core.users import Users

PASSWORD = "correct horse battery"


@pytest.fixture
def users(tmp_path) -> Users:
    return Users(tmp_path / "kept" / "users")


def test_the_right_password_alone_is_let_in(users):
    assert users.put("ann", PASSWORD) is False
    users.put("bob@ward-3", "another password")
    assert users.names() == ["ann", "bob@ward-3"]
    assert users.check("ann", PASSWORD)
    for name, password in (
        ("ann", "another password"),
        ("ann", ""),
        ("ann", PASSWORD + "x" * 10_000),
        ("Ann", PASSWORD),
        ("eve", PASSWORD),
        ("", ""),
    ):
        assert not users.check(name, password)


def test_the_file_holds_what_scrypt_gives_and_never_the_password(users):
    users.put("ann", PASSWORD)
    text = users.path.read_text()
    assert PASSWORD not in text
    name, method, n, r, p, salt, key = text.strip().split(":")
    assert (name, method) == ("ann", "scrypt")
    found = hashlib.scrypt(
        PASSWORD.encode(), salt=b64decode(salt), n=int(n), r=int(r), p=int(p), maxmem=2**26, dklen=32
    )
    assert found == b64decode(key)
    assert int(n) * int(p) >= 2**14 * 5
    assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
    users.put("ann", PASSWORD)
    assert salt not in users.path.read_text(), "each hash has a salt of its own"


def test_a_password_is_changed_and_a_user_removed(users):
    users.put("ann", PASSWORD)
    users.put("bob", PASSWORD)
    assert users.put("ann", "a new password") is True
    assert not users.check("ann", PASSWORD)
    assert users.check("ann", "a new password")
    users.remove("ann")
    assert users.names() == ["bob"]
    with pytest.raises(SettingsError, match="no user"):
        users.remove("ann")


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "-a", "ä", "a" * 65, "a b"])
def test_a_name_that_would_break_the_file_is_refused(users, name):
    with pytest.raises(SettingsError, match="name is"):
        users.put(name, PASSWORD)
    assert not users.path.exists()


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_of_a_wrong_length_is_refused(users, password):
    with pytest.raises(SettingsError, match="8 to 256") as caught:
        users.put("ann", password)
    assert not password or password not in str(caught.value).replace("another", "")


@pytest.mark.parametrize(
    "line",
    [
        "ann:secret",
        "ann:scrypt:16384:8:5:AAAA:AAAA",
        "ann:scrypt:1073741824:8:1:AAAA:" + "A" * 43 + "=",  # a terabyte
        "ann:scrypt:16384:8:0:AAAA:" + "A" * 43 + "=",
        "ann:scrypt:16383:8:5:AAAA:" + "A" * 43 + "=",
        "ann:scrypt:16384:8:5:A:" + "A" * 43 + "=",
    ],
)
def test_a_damaged_line_is_named_and_lets_nobody_in(users, line):
    users.put("bob", PASSWORD)
    with users.path.open("a") as file:
        file.write(f"# a remark\n{line}\n")
    with pytest.raises(SettingsError, match="Line 3 of") as caught:
        users.check("bob", PASSWORD)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(users):
    with pytest.raises(SettingsError, match="cannot be read"):
        users.check("ann", PASSWORD)
