"""The login by a users file: right and wrong passwords, guessing, and a file that changes."""

import inspect

import pytest

from echogan.core.errors import SettingsError
from echogan.core.users import Users
from echogan.ui.login import AT_A_NAME, AT_ALL, WITHIN, Login

PASSWORD = "correct horse battery"


class Known(Users):
    """Without hashing: ann's password is PASSWORD. `asked` counts the checks."""

    asked = 0

    def names(self) -> list[str]:
        return ["ann"]

    def check(self, name: str, password: str) -> bool:
        self.asked += 1
        return (name, password) == ("ann", PASSWORD)


def test_guessing_at_a_name_is_refused_unheard_for_a_while(tmp_path):
    now = [0.0]
    users = Known(tmp_path / "users")
    login = Login(users, lambda: now[0])
    assert login("ann", PASSWORD)
    for _ in range(AT_A_NAME):
        assert not login("ann", "wrong")
    asked = users.asked
    assert not login("ann", PASSWORD), "not even the right one"
    assert users.asked == asked
    now[0] = WITHIN + 1
    assert login("ann", PASSWORD)


def test_guessing_at_many_names_is_refused_too(tmp_path):
    users = Known(tmp_path / "users")
    login = Login(users, lambda: 0.0)
    for number in range(3 * AT_ALL):
        assert not login(f"name{number}", "wrong")
    assert users.asked == AT_ALL


def test_it_is_a_plain_function(tmp_path):
    """Gradio lets in by the truth of the answer, and a coroutine that is not awaited is true."""
    login = Login(Known(tmp_path / "users"))
    assert not inspect.iscoroutinefunction(login.__call__)
    assert login("ann", "wrong") is False


def test_the_file_is_read_each_time(tmp_path):
    users = Users(tmp_path / "users")
    users.put("ann", PASSWORD)
    login = Login(users)
    assert not login("bob", PASSWORD)
    users.put("bob", PASSWORD)
    assert login("bob", PASSWORD)
    users.path.unlink()
    assert not login("bob", PASSWORD)


def test_a_file_without_users_is_refused(tmp_path):
    (tmp_path / "users").write_text("# nobody yet\n")
    with pytest.raises(SettingsError, match="users add NAME"):
        Login(Users(tmp_path / "users"))
    with pytest.raises(SettingsError, match="cannot be read"):
        Login(Users(tmp_path / "missing"))
