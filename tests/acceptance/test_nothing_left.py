"""Whatever is sent in a wrong way leaves the disk, and no request stops that: over raw HTTP, on the launched app."""

import os
import socket
import tempfile
import time
from pathlib import Path

import httpx
import pytest
from small_workplace import QuickModels, until

from echogan.ui.enhance.workplace import Workplace
from echogan.ui.session import Sessions

CLIP = ("Doe^Jane.dcm", b"x" * 2000)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The app's address, the folder of uploads, and the one of other temporary files. It sweeps ten times a second."""
    folder = tmp_path_factory.mktemp("left")
    uploads, temporary = folder / "uploads", folder / "temporary"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        from app import build, launch_settings

        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        patch.setattr(tempfile, "tempdir", str(temporary))
        place = Workplace(Sessions(temporary=temporary), QuickModels(), grace=0.4)
        place.visits.keep_sweeping()
        page = build(place)
        _, url, _ = page.launch(
            **launch_settings() | {"server_name": "127.0.0.1", "prevent_thread_lock": True}
        )
        yield url.rstrip("/"), uploads, temporary
        page.close()
        place.close()


def multipart(field: str, name: str, data: bytes, end: bytes = b"\r\n--b--\r\n") -> tuple[dict, bytes]:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    return {"Content-Type": "multipart/form-data; boundary=b"}, head + data + end


def left(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def grow_old(*folders: Path) -> None:
    """Let everything in the folders be as if it had come two hours ago."""
    then = time.time() - 7200
    for folder in folders:
        for path in folder.iterdir():
            os.utime(path, (then, then), follow_symlinks=False)


def send_wrongly(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        for field, name in (("files", "."), ("other", CLIP[0]), ("files", CLIP[0]), ("files", "")):
            headers, body = multipart(field, name, CLIP[1])
            client.post("/gradio_api/upload", headers=headers, content=body)
        headers, body = multipart("file", CLIP[0], CLIP[1])
        client.post("/gradio_api/process_recording", headers=headers, content=body)
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as broken_off:
        headers, body = multipart("files", CLIP[0], CLIP[1], end=b"")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: 99999\r\n\r\n"
        broken_off.sendall(request.encode() + body)
        time.sleep(0.3)


def test_what_was_sent_wrongly_goes_by_its_age_though_a_request_named_a_folder(server):
    url, uploads, temporary = server
    folder = {"path": str(uploads / "sessions"), "meta": {"_type": "gradio.FileData"}}
    call = {"data": [folder, "halve", 1.0], "session_hash": "stranger"}
    httpx.post(f"{url}/gradio_api/call/enhance", json=call)
    httpx.post(f"{url}/gradio_api/run/enhance", json=call)
    send_wrongly(url)
    assert left(uploads, temporary)
    time.sleep(0.5)
    assert left(uploads, temporary)  # what is young stays
    grow_old(uploads, temporary)
    until(lambda: not left(uploads, temporary), 20)
    assert (uploads / "sessions").is_dir()
    assert not [path for path in uploads.iterdir() if path.name != "sessions"]
