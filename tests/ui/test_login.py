"""The login by a users file: right and wrong passwords, guessing, and a file that changes."""

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from echogan.core.errors import SettingsError
from echogan.core.users import Users
from echogan.ui.login import AT_A_NAME, AT_ALL, WITHIN, Login, RemovedUsers

PASSWORD = "correct horse battery"


class Known(Users):
    """Without hashing: ann's password is PASSWORD. `asked` counts the checks."""

    asked = 0

    def names(self) -> list[str]:
        return ["ann"]

    def check(self, name: str, password: str) -> bool:
        self.asked += 1
        return (name, password) == ("ann", PASSWORD)


def lets_in(login: Login, name: str, password: str) -> bool:
    """In a loop and a thread of its own: a browser's tests, run before in this process, leave a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, login.lets_in(name, password)).result()


def test_guessing_at_a_name_is_refused_unheard_for_a_while(tmp_path):
    now = [0.0]
    users = Known(tmp_path / "users")
    login = Login(users, lambda: now[0])
    assert lets_in(login, "ann", PASSWORD)
    for _ in range(AT_A_NAME):
        assert not lets_in(login, "ann", "wrong")
    asked = users.asked
    assert not lets_in(login, "ann", PASSWORD), "not even the right one"
    assert users.asked == asked
    now[0] = WITHIN + 1
    assert lets_in(login, "ann", PASSWORD)


def test_guessing_at_many_names_is_refused_too(tmp_path):
    users = Known(tmp_path / "users")
    login = Login(users, lambda: 0.0)
    for number in range(3 * AT_ALL):
        assert not lets_in(login, f"name{number}", "wrong")
    assert users.asked == AT_ALL


def test_gradio_awaits_the_answer(tmp_path):
    """Gradio lets in by the truth of the answer, and a coroutine that is not awaited is true."""
    login = Login(Known(tmp_path / "users"))
    assert inspect.iscoroutinefunction(login.lets_in)
    assert lets_in(login, "ann", "wrong") is False


def test_the_loop_goes_on_while_a_password_is_hashed(tmp_path):
    hashing, go_on = threading.Event(), threading.Event()

    class Slow(Known):
        def check(self, name: str, password: str) -> bool:
            hashing.set()
            return go_on.wait(10) and super().check(name, password)

    async def log_in_and_work() -> bool:
        answer = asyncio.create_task(Login(Slow(tmp_path / "users")).lets_in("ann", PASSWORD))
        while not hashing.is_set():
            await asyncio.sleep(0.01)
        go_on.set()  # never reached if the loop waited for the hash
        return await answer

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, log_in_and_work()).result(20)


def test_the_file_is_read_each_time(tmp_path):
    users = Users(tmp_path / "users")
    users.put("ann", PASSWORD)
    login = Login(users)
    assert not lets_in(login, "bob", PASSWORD)
    users.put("bob", PASSWORD)
    assert lets_in(login, "bob", PASSWORD)
    users.path.unlink()
    assert not lets_in(login, "bob", PASSWORD)


def test_a_file_without_users_is_refused(tmp_path):
    (tmp_path / "users").write_text("# nobody yet\n")
    with pytest.raises(SettingsError, match="users add NAME"):
        Login(Users(tmp_path / "users"))
    with pytest.raises(SettingsError, match="cannot be read"):
        Login(Users(tmp_path / "missing"))


def logged_in_after(users: Users, change) -> set[str]:
    """Who of ann, bob and eve is logged in at the first request after the change."""
    gradio = SimpleNamespace(tokens={"1": "ann", "2": "bob", "3": "ann", "4": "eve"})
    served: list[dict[str, str]] = []

    async def app(scope, receive, send) -> None:
        served.append(dict(gradio.tokens))

    before = RemovedUsers(app, users, gradio)
    change()

    async def ask() -> None:
        await before({"type": "http"}, None, None)  # pyright: ignore[reportArgumentType]

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()
    return set(served[0].values())


def test_who_is_removed_or_has_another_password_is_logged_out(tmp_path):
    users = Users(tmp_path / "users")
    for name in ("ann", "bob", "eve"):
        users.put(name, PASSWORD)
    assert logged_in_after(users, lambda: None) == {"ann", "bob", "eve"}
    assert logged_in_after(users, lambda: users.put("new", PASSWORD)) == {"ann", "bob", "eve"}
    assert logged_in_after(users, lambda: users.put("bob", "another password")) == {"ann", "eve"}
    assert logged_in_after(users, lambda: users.remove("ann")) == {"bob", "eve"}
    assert logged_in_after(users, lambda: users.path.write_text("damaged")) == set()
    users.path.unlink()
    users.put("ann", PASSWORD)
    assert logged_in_after(users, users.path.unlink) == set()
