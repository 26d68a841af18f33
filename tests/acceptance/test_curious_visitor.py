"""A curious visitor of a real server, by raw HTTP: hosts, origins, sessions, paths, addresses, Train. Gets nothing."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from app_process import ROOT, ask, component, events, serving

from echogan.jobs.job import Job
from echogan.ui.train.comparison import ALONG
from echogan.ui.train.ownership import claim

PLANTED = "Planted^Doe"
FOREIGN = {"origin": "http://evil.example"}


@pytest.fixture(scope="module")
def default(tmp_path_factory) -> Iterator[httpx.Client]:
    """The default start, for this machine alone, where somebody has trained with clips of patients."""
    folder = tmp_path_factory.mktemp("default")
    job = Job(folder / "runs" / "theirs")
    claim(job, "t" * 43)
    job.previews.mkdir()
    job.config.write_text(json.dumps({"name": "theirs", "steps": 100, "low": f"/{PLANTED}"}))
    job.log.write_text(f"reading {PLANTED}")
    frames = np.zeros((1, 32, 32), np.uint8)
    np.savez(job.preview(10), poor=frames, enhanced=frames)
    with serving(folder) as http:
        yield http


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[httpx.Client]:
    """Behind a proxy on this machine, whose name is echo.example.org, with no word of training."""
    with serving(tmp_path_factory.mktemp("shared"), ECHOGAN_HOSTS="echo.example.org") as http:
        yield http


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[httpx.Client]:
    """A server with a login, and training."""
    folder = tmp_path_factory.mktemp("guarded")
    with serving(
        folder, ECHOGAN_AUTH="ann:secret", ECHOGAN_TRAIN="1", ECHOGAN_HOSTS="echo.example.org"
    ) as http:
        yield http


@pytest.fixture
def beacon() -> Iterator[SimpleNamespace]:
    """A server of the visitor's, which notes whether it is asked for anything."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PLANTED.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/clip.png", asked=asked)
    server.shutdown()


# Hosts and origins.


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/info", "/assets/x.js", "/gradio_api/startup-events"]
)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "10.0.0.1", "", "a@b"]
)
def test_under_another_name_nothing_is_served(default, path, host):
    answer = default.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert "gradio" not in answer.text.lower()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1234", "[::1]:7860", "LOCALHOST:80"])
def test_this_machine_is_served_under_its_own_names(default, host):
    assert default.get("/", headers={"host": host}).status_code == 200


def test_a_named_host_is_served_and_may_ask(shared):
    headers = {"host": "echo.example.org", "origin": "https://echo.example.org"}
    assert shared.get("/", headers=headers).status_code == 200
    sent = shared.post("/gradio_api/upload", headers=headers, files={"files": ("a.gif", b"x")})
    assert sent.status_code == 200
    # A proxy that names the server by its address: the page is still the owner's.
    assert shared.post(
        "/gradio_api/upload", headers=headers | {"host": "127.0.0.1"}, files={"files": b"x"}
    ).is_success


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://echo.example.org.evil.example",
        "x",
        "http://[",
    ],
)
def test_another_websites_page_may_not_ask(shared, origin):
    headers = {"origin": origin}
    for path in ("queue/join", "component_server", "upload", "call/enhance", "cancel", "reset"):
        answer = shared.post(f"/gradio_api/{path}", headers=headers, json={})
        assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False), path
    upload = shared.post("/gradio_api/upload", headers=headers, files={"files": ("a.gif", b"x")})
    assert upload.status_code == 403
    preflight = headers | {"access-control-request-method": "POST"}
    answer = shared.request("OPTIONS", "/gradio_api/queue/join", headers=preflight)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_browsers_request_without_an_origin_from_elsewhere_is_refused(default):
    headers = {"sec-fetch-site": "cross-site"}
    assert default.post("/gradio_api/cancel", headers=headers, json={}).status_code == 403


def test_every_answer_has_strict_headers_and_no_origin_is_reflected(default):
    origin = str(default.base_url).rstrip("/")
    for path, host in (
        ("/", None),
        ("/config", None),
        ("/nothing", None),
        ("/", "evil.example"),
        ("/theme.css", None),
    ):
        answer = default.get(path, headers={"origin": origin} | ({"host": host} if host else {}))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert policy.endswith("frame-ancestors 'self'")
        assert not [name for name in answer.headers if name.startswith("access-control")]
    scripts = default.get("/").headers["content-security-policy"].split("script-src")[1].split(";")[0]
    assert "'unsafe-inline'" not in scripts
    assert "sha256-" in scripts


# Routes and addresses.


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file={}",
        "gradio_api/file={}%20",
        "gradio_api/proxy={}",
        "gradio_api/file/{}",
        "gradio_api/file=%20{}",
    ],
)
def test_nothing_is_fetched_for_a_visitor(default, beacon, path):
    for url in (
        beacon.url,
        beacon.url.upper(),
        beacon.url.replace("http:", "ftp:"),
        "https://example.org/a.png",
    ):
        answer = default.get("/" + path.format(quote(url, safe=":/")))
        assert answer.status_code in (403, 404)
    assert beacon.asked == []


@pytest.mark.parametrize("where", ["path", "url"])
def test_files_are_not_taken_from_addresses(default, beacon, where):
    file = {"path": "/tmp/x.png", "meta": {"_type": "gradio.FileData"}} | {where: "https://example.org/a.png"}
    enhance = next(one["id"] for one in events(default) if one["api_name"] == "enhance")
    body = {"data": [file, "echogan", 1.0], "fn_index": enhance, "session_hash": "s"}
    for path in ("queue/join", "call/enhance", "component_server"):
        answer = default.post(f"/gradio_api/{path}", json=body)
        assert (answer.status_code, "send the file itself" in answer.text) == (400, True)
    nested = {"files": [[{"deep": file | {where: beacon.url.replace("127.0.0.1", "example.org")}}]]}
    assert default.post("/gradio_api/call/enhance", json={"data": [nested]}).status_code == 400
    assert beacon.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("POST", f"/gradio_api/{one}")
            for one in ("run/enhance", "api/enhance", "call/leave", "process_recording")
        ),
        *(
            ("POST", f"/gradio_api/{one}")
            for one in ("stream/x", "vibe-code", "vibe-edit", "run-history/connect")
        ),
        *(
            ("GET", f"/gradio_api/{one}")
            for one in ("runs", "deep_link?session_hash=a", "stream/a/b/1/playlist-file")
        ),
        *(
            ("GET", one)
            for one in ("/monitoring", "/monitoring/summary", "/docs", "/openapi.json", "/gradio_api/mcp/")
        ),
        *(("GET", one) for one in ("/login", "/gradio_api/token", "/gradio_api/custom_component/a/b/c/d")),
        *(("PUT", "/"), ("DELETE", "/config"), ("TRACE", "/"), ("POST", "/"), ("OPTIONS", "/")),
    ],
)
def test_no_other_route_is_there(default, method, path):
    assert default.request(method, path).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff", b'{"data": NaN' + b" " * 100])
def test_what_is_no_json_gets_a_sentence(default, body):
    answer = default.post(
        "/gradio_api/queue/join", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert "Traceback" not in answer.text


def test_a_form_or_a_very_long_body_is_no_call(default):
    assert default.post("/gradio_api/component_server", files={"data": b"{}"}).status_code == 415
    assert (
        default.post(
            "/gradio_api/queue/join", content=b"{}", headers={"content-type": "text/plain"}
        ).status_code
        == 415
    )
    long = json.dumps({"data": ["x" * (5 << 20)]}).encode()
    answer = default.post(
        "/gradio_api/queue/join", content=long, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


# Paths.


def test_no_file_of_the_machine_is_served(default, tmp_path):
    secret = tmp_path / "planted.txt"
    secret.write_text(PLANTED)
    wanted = [secret, ROOT / "app.py", ROOT / "README.md", "/etc/passwd", "app.py", "../../../../etc/passwd"]
    for path in map(str, wanted):
        for form in (path, quote(path, safe=""), path.replace("/", "//"), f"/./{path}", f"file://{path}"):
            answer = default.get(f"/gradio_api/file={form}")
            assert answer.status_code in (403, 404), form
            assert PLANTED not in answer.text
    for path in (
        "/assets/../../../../app.py",
        "/static/..%2f..%2f..%2fapp.py",
        "/assets/%2e%2e/%2e%2e/routes.py",
    ):
        assert default.get(path).status_code in (403, 404)


def test_no_file_of_the_machine_becomes_a_clip(default, tmp_path):
    secret = tmp_path / "planted.gif"
    secret.write_bytes(b"GIF89a" + PLANTED.encode())
    visit = ask(default, "workspace", {"visit": None})["visit"]
    answer = ask(default, "add_clips", {"visit": visit, "files": [{"path": str(secret), "name": "a.gif"}]})
    assert answer["added"] == []
    assert secret.exists()
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    event = default.post("/gradio_api/call/enhance", json={"data": [file, "echogan", 1.0]}).json()["event_id"]
    told = default.get(f"/gradio_api/call/enhance/{event}").text
    assert "event: error" in told
    assert str(secret) not in told


# Sessions.


def test_a_visit_is_found_by_its_token_alone(default):
    visit = ask(default, "workspace", {"visit": None}, "ann")["visit"]
    ask(default, "example", {"visit": visit, "name": "Recorded DICOM cine"}, "ann")
    for guess in ("None", "null", "", "ann", visit[:-1], visit.lower(), "0" * 43):
        assert ask(default, "poll", {"visit": guess}, "ann").keys() == {"error", "gone"}
    for guess in (None, "None", "ann"):
        other = ask(default, "workspace", {"visit": guess}, "ann")
        assert (other["found"], other["clips"]) == (False, [])


def test_the_session_none_holds_nothing_of_others(default):
    """A heartbeat closed on it must end nobody's work."""
    visit = ask(default, "workspace", {"visit": None}, "None")["visit"]
    clip = ask(default, "example", {"visit": visit, "name": "Recorded DICOM cine"}, "None")["added"][0]
    with default.stream("GET", "/gradio_api/heartbeat/None") as answer:
        next(answer.iter_bytes())
    time.sleep(0.5)
    assert ask(default, "poll", {"visit": visit}, "x")["clips"][0]["id"] == clip


def test_only_the_players_calls_are_there(default):
    for one in default.get("/config").json()["components"]:
        if one["props"].get("elem_id") != "eg-player":
            body = {"session_hash": "s", "component_id": one["id"], "fn_name": "ls", "data": ["/"]}
            assert default.post("/gradio_api/component_server", json=body).status_code == 404


# Train.


def test_on_a_shared_server_there_is_no_training(shared):
    assert "Training is switched off" in shared.get("/config").text
    names = [one["api_name"] for one in events(shared)]
    clicks = [one["api_name"] for one in events(shared) if one["targets"] and one["targets"][0][1] == "click"]
    # The endpoints, and the button that removes a model, which the owner's machine alone obeys.
    assert sorted(clicks) == ["diagnose", "enhance", "models", "remove"]
    assert "enhance" in names
    body = {"data": [], "fn_index": 1, "session_hash": "s"}
    assert shared.post("/gradio_api/run/predict", json=body).status_code == 404


def event_of(http: httpx.Client, elem_id: str | None, kind: str) -> dict[str, Any]:
    """The event of a component; of the only one that has this kind of event, where there is no id."""
    of = None if elem_id is None else component(http, elem_id)
    return next(
        one for one in events(http) if any(k == kind and of in (None, target) for target, k in one["targets"])
    )


def fire(http: httpx.Client, event: dict[str, Any], *data: Any) -> str:
    """What an event of the page answers to a program."""
    body = {"data": data, "fn_index": event["id"], "session_hash": "curious"}
    if event["queue"] is False:
        return http.post("/gradio_api/run/predict", json=body).text
    http.post("/gradio_api/queue/join", json=body).raise_for_status()
    text = ""
    with http.stream("GET", "/gradio_api/queue/data?session_hash=curious") as answer:
        for line in answer.iter_lines():
            text += line
            if "process_completed" in line:
                return text
    return text


@pytest.mark.parametrize("token", ["", "x" * 43, None])
def test_anothers_run_shows_no_sample_and_no_log_and_takes_no_order(default, token):
    shown = fire(default, event_of(default, None, "load"), token)
    assert "tr-head" in shown
    assert PLANTED not in shown
    assert "data:image" not in shown
    for event in (
        event_of(default, None, "tick"),
        event_of(default, "tr-stop", "click"),
        event_of(default, "tr-resume", "click"),
    ):
        answer = fire(default, event, "theirs", 1, None, token, [], ALONG[0])
        assert '"error"' not in answer
        assert PLANTED not in answer
        assert "data:image" not in answer
    answer = fire(default, event_of(default, "tr-at", "input"), "theirs", 1, token)
    assert "only in the browser that started" in answer
    assert "data:image" not in answer
    assert "data:image" in fire(default, event_of(default, "tr-at", "input"), "theirs", 1, "t" * 43)


def test_train_tells_nothing_of_the_machines_folders(default, tmp_path):
    event = event_of(default, "tr-start", "click")
    fields = [one for one in default.get("/config").json()["components"] if one["id"] in event["inputs"]]
    values = {one["id"]: one["props"].get("value") for one in fields}
    values[component(default, "tr-preset")] = "From my folders"
    told = set()
    for path in (tmp_path, tmp_path / "nowhere", "/etc", "/root"):
        values[component(default, "tr-low-path")] = values[component(default, "tr-high-path")] = str(path)
        answer = fire(default, event, *(values[one] for one in event["inputs"]))
        assert "clips are missing" in answer
        assert str(path) not in answer
        told.add(answer.split("clips are missing")[1].split('"')[0])
    assert len(told) == 1


def test_with_a_login_nothing_is_there_before_it(guarded):
    assert guarded.get("/config").status_code == 401
    for path in ("upload", "queue/join", "component_server", "call/enhance"):
        answer = guarded.post(f"/gradio_api/{path}", json={"session_hash": "s", "fn_index": 0, "data": []})
        assert answer.status_code == 401, path
    assert guarded.post("/login", data={"username": "ann", "password": "wrong"}).status_code == 400
    foreign = guarded.post("/login", data={"username": "ann", "password": "secret"}, headers=FOREIGN)
    assert foreign.status_code == 403
    assert guarded.post("/login", data={"username": "ann", "password": "secret"}).status_code == 200
    assert "tr-start" in guarded.get("/config").text


def test_a_server_that_is_not_clear_does_not_start(monkeypatch, capsys, tmp_path):
    import app

    monkeypatch.setenv("ECHOGAN_HOSTS", "https://echo.example.org")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("ECHOGAN_HOSTS takes host names")
