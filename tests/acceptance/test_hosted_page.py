"""A page as a host serves it: users with hashed passwords, an allow-list of models, one folder for what is kept."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from app_process import LOG, ROOT, serving
from gradio_client import Client, handle_file

from echogan.core.users import Users

PASSWORD = "correct horse battery"
# As in many a hospital: a proxy for the internet, which does not reach this machine's own page.
PROXY = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "",
    "NO_PROXY": "",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hosted")


@pytest.fixture(scope="module")
def hosted(folder) -> Iterator[httpx.Client]:
    users = Users(folder / "data" / "users")
    users.put("ann", PASSWORD)
    with serving(
        folder,
        ECHOGAN_AUTH=str(users.path),
        ECHOGAN_MODELS="echogan-camus,echogan",
        ECHOGAN_DATA=str(folder / "data"),
        ECHOGAN_HOSTS="echo.example.org",
        **PROXY,
    ) as http:
        yield http


def client(http: httpx.Client, name: str, password: str) -> Client:
    return Client(str(http.base_url), auth=(name, password), verbose=False)


def test_nothing_is_there_before_the_login(hosted):
    assert hosted.get("/config").status_code == 401
    assert hosted.post("/gradio_api/call/models", json={"data": []}).status_code == 401
    for name, password in (("ann", "wrong"), ("eve", PASSWORD), ("ann", "")):
        assert hosted.post("/login", data={"username": name, "password": password}).status_code in (400, 422)


def test_the_container_is_found_healthy_with_a_login(hosted):
    health = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if "urllib" in line)
    path = health.partition("127.0.0.1:7860")[2].partition("'")[0]
    assert hosted.get(path).status_code == 200


def test_programs_log_in_as_the_page_does_and_get_what_is_offered(hosted, cine):
    program = client(hosted, "ann", PASSWORD)
    assert [model["name"] for model in program.predict(api_name="/models")] == ["echogan", "echogan-camus"]
    for name in ("echogan-unpaired", "user/model"):
        with pytest.raises(Exception, match=f"does not offer the model {name}") as refused:
            program.predict(file=handle_file(cine), model=name, strength=1.0, api_name="/enhance")
        assert len(str(refused.value).splitlines()) == 1


def test_who_is_added_may_log_in_at_once_and_no_password_is_kept(hosted, folder):
    with pytest.raises(Exception, match="Could not login"):
        client(hosted, "bob", PASSWORD)
    Users(folder / "data" / "users").put("bob", PASSWORD)
    assert client(hosted, "bob", PASSWORD).predict(api_name="/models")
    for path in (folder / LOG, folder / "data" / "users"):
        assert PASSWORD not in path.read_text()


def test_who_is_removed_is_out_at_the_next_request(hosted, folder):
    users = Users(folder / "data" / "users")
    users.put("carl", PASSWORD)
    with httpx.Client(base_url=hosted.base_url, trust_env=False, timeout=30) as carl:
        assert carl.post("/login", data={"username": "carl", "password": PASSWORD}).status_code == 200
        assert carl.get("/config").status_code == 200
        users.remove("carl")
        assert carl.get("/config").status_code == 401
