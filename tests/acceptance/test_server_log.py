"""What the server prints after hostile requests holds nothing that was sent: read from a real process."""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from app_process import LOG, ask, component, events, serving
from dicom_samples import moving, save, ultrasound

MARK = "Planted"
NAME = f"{MARK}^Doe"
SLOW_SECONDS = 20


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> str:
    """All that a server has printed which was sent the mark in every place there is."""
    folder = tmp_path_factory.mktemp("log")
    with serving(folder) as http:
        send_paths(http)
        send_headers(http)
        send_raw(http)
        send_files(http, folder)
        send_json(http)
        send_calls(http)
        http.get("/config").raise_for_status()  # it is still there
    return (folder / LOG).read_text(errors="replace")


def send_paths(http: httpx.Client) -> None:
    for path in (
        f"/{NAME}",
        f"/assets/{NAME}.js",
        f"/static/../{NAME}",
        f"/gradio_api/file={NAME}",
        f"/gradio_api/file=/tmp/{NAME}.dcm",
        f"/gradio_api/file=%00{NAME}",
        f"/gradio_api/file={MARK * 100}",
        f"/gradio_api/file=%ed%a0%80{NAME}",
        f"/gradio_api/file=https://{MARK}.example/a",
        f"/gradio_api/call/enhance/{MARK}",
        f"/gradio_api/queue/data?session_hash={NAME}",
        f"/gradio_api/queue/data?{NAME}",
        f"/gradio_api/upload_progress?upload_id={NAME}",
        f"/pwa_icon/{MARK}",
        f"/config?{NAME}={NAME}",
        f"/?__theme={NAME}&view={NAME}",
        f"/gradio_api/info?all_endpoints={NAME}",
    ):
        for method in ("GET", "HEAD", "POST"):
            with suppress(httpx.HTTPError), http.stream(method, path, timeout=3):
                pass


def send_headers(http: httpx.Client) -> None:
    for name in (
        *("host", "origin", "referer", "user-agent", "cookie", "authorization", "range", "accept-language"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-gradio-user", "content-type"),
        *("if-modified-since", "x-ip-token", "x-zerogpu-uuid", "accept-encoding"),
    ):
        for path in ("/", "/config", "/theme.css", "/gradio_api/startup-events"):
            http.get(path, headers={name: NAME})
        http.post("/gradio_api/queue/join", headers={name: NAME}, json={})
        http.post("/gradio_api/upload", headers={name: NAME}, files={"files": ("a.gif", b"x")})


def send_raw(http: httpx.Client) -> None:
    head = f"Host: 127.0.0.1\r\nX-A: {NAME}\r\n"
    for text in (
        f"{NAME}\r\n\r\n",
        f"GET /{NAME} HTTP/9.9\r\n{head}\r\n",
        f"GET /{NAME} HTTP/1.1\r\n{NAME}\r\n\r\n",
        f"GET /{NAME} HTTP/1.1\r\nHost: a\r\nHost: {NAME}\r\n\r\n",
        f"POST /gradio_api/upload HTTP/1.1\r\n{head}Content-Length: {NAME}\r\n\r\n",
        f"POST /gradio_api/upload HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n{NAME}\r\n",
        f"GET /{NAME} HTTP/1.1\r\n{head}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        f"GET /{NAME} HTTP/1.1\r\n{head}Upgrade: {NAME}\r\nConnection: Upgrade\r\n\r\n",
        f"GET /{MARK * 20_000} HTTP/1.1\r\n{head}\r\n",
    ):
        with socket.create_connection((http.base_url.host, http.base_url.port or 80)) as connection:
            connection.settimeout(2)
            connection.sendall(text.encode())
            with suppress(OSError):
                connection.recv(1000)


def send_files(http: httpx.Client, folder: Path) -> None:
    """Uploads that are well made and ill made, and then clips of them."""
    dicom = save(ultrasound(moving(), PatientName=NAME, PatientID=MARK), folder / "in.dcm").read_bytes()
    names = {
        f"{NAME}.dcm": dicom,
        f"{NAME}-cut.dcm": dicom[: len(dicom) * 3 // 4],
        f"{MARK * 60}.gif": b"GIF89a" + MARK.encode(),
        f"../../{NAME}.png": b"\x89PNG\r\n\x1a\n" + MARK.encode(),
        f"{NAME}.zip": b"PK\3\4" + MARK.encode() * 9,
        f"{NAME}\u2028\u202e.mp4": b"\0\0\0\x18ftypmp42" + MARK.encode() * 9,
        f"{NAME}.txt": MARK.encode(),
    }
    paths = {}
    for name, data in names.items():
        answer = http.post("/gradio_api/upload", files={"files": (name, data)}, params={"upload_id": NAME})
        if answer.is_success:
            paths[name] = answer.json()[0]
    for boundary, body in (
        ("", MARK.encode()),
        ("; boundary=b", f"--b\r\n{NAME}\r\n\r\n".encode()),
        ("; boundary=b", f'--b\r\nContent-Disposition: form-data; name="{NAME}"\r\n\r\n{NAME}'.encode()),
        ("; boundary=b", f'--b\r\nContent-Disposition: form-data; filename="{NAME}"\r\n\r\nx'.encode()),
        (f"; boundary={NAME}", b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n--b--\r\n'),
    ):
        http.post(
            "/gradio_api/upload", headers={"content-type": f"multipart/form-data{boundary}"}, content=body
        )
    visit = ask(http, "workspace", {"visit": None})["visit"]
    files = [{"path": path, "name": name} for name, path in paths.items()]
    ask(http, "add_clips", {"visit": visit, "files": files})
    end = time.monotonic() + SLOW_SECONDS
    while any(clip["state"] == "opening" for clip in ask(http, "poll", {"visit": visit})["clips"]):
        assert time.monotonic() < end
        time.sleep(0.2)


def send_json(http: httpx.Client) -> None:
    """Bodies with the mark in each field, of the right type and of others."""
    for path in ("queue/join", "call/enhance", "component_server", "cancel", "reset", "run/predict"):
        for event in [None, *(one["id"] for one in events(http))]:
            for data in ([NAME], {NAME: NAME}, NAME, [[NAME]] * 40, None):
                body = {
                    "data": data,
                    "fn_index": event,
                    "session_hash": NAME,
                    "event_id": NAME,
                    "fn_name": NAME,
                    "component_id": component(http, "eg-player"),
                    "event_data": {NAME: NAME},
                    "trigger_id": NAME if event is None else None,
                }
                http.post(f"/gradio_api/{path}", json=body)
    http.post("/gradio_api/queue/join", json={"fn_index": NAME, "session_hash": 1, NAME: [NAME]})
    broken = f'{{"data": ["\\ud800{NAME}"], "fn_index": 0, "session_hash": "\\ud800{NAME}"}}'
    for content in (broken, f'{{"{NAME}"', f'["{NAME}"]', f'"{NAME}"'):
        http.post("/gradio_api/queue/join", content=content, headers={"content-type": "application/json"})


def send_calls(http: httpx.Client) -> None:
    """Calls of /enhance and of the page that are let through to where they are worked on."""
    for path in (
        f"/tmp/{NAME}.dcm",
        NAME,
        f"\0{NAME}",
        MARK * 100,
        f"\ud800{NAME}",
        f"/etc/{NAME}/../passwd",
    ):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": NAME}
        for data in (
            [file, NAME, 1.0, False],
            [file, "echogan", NAME, NAME],
            [file, {NAME: NAME}, [NAME], {NAME: NAME}],
            [NAME, NAME, 1, False],
            [file, NAME, 1.0],
        ):
            sent = json.dumps({"data": data, "session_hash": NAME})
            answer = http.post(
                "/gradio_api/call/enhance", content=sent, headers={"content-type": "application/json"}
            )
            if answer.is_success:
                http.get(f"/gradio_api/call/enhance/{answer.json()['event_id']}")
    visit = ask(http, "workspace", {"visit": NAME, NAME: NAME}, NAME)["visit"]
    for name in ("add_clips", "example", "clip", "enhance", "export", "sector", "blackout", "news", MARK):
        for value in (NAME, [NAME], {NAME: NAME}, [{"path": NAME, "name": NAME}]):
            fields = (
                "files",
                "name",
                "id",
                "ids",
                "model",
                "kind",
                "strength",
                "fan",
                "on",
                "export",
                "seen",
            )
            ask(http, name, dict.fromkeys(fields, value) | {"visit": visit}, NAME)
            ask(http, name, value, NAME)


@pytest.mark.parametrize("mark", [MARK, MARK.lower(), quote(NAME)])
def test_nothing_that_was_sent_is_printed(printed, mark):
    assert mark not in printed, [line for line in printed.splitlines() if mark in line]


def test_where_it_happened_is_printed(printed):
    assert "InvalidPathError at" in printed
    assert "gradio/processing_utils.py" in printed
