"""The gate and the content policy around a small app, without Gradio."""

import asyncio
import base64
import hashlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from echogan.ui.content_policy import InlineScripts
from echogan.ui.gate import Gate
from echogan.ui.listeners import LISTENERS, Listeners

SPACE = {"SPACE_ID": "someone/space", "SPACE_HOST": "someone-space.hf.space", "GRADIO_SERVER_NAME": "0.0.0.0"}
INLINE = "window.a = 1 < 2;\n"
PAGE = f"<script>{INLINE}</script><script type=module src=a.js></script><p onclick='x()'>"


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: a browser's tests, run before in this process, leave theirs with a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


async def small_app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/":
        await HTMLResponse(PAGE)(scope, receive, send)
        return
    headers = {
        "Access-Control-Allow-Origin": "http://evil.example",
        "Access-Control-Allow-Credentials": "true",
    }
    message = await receive()
    await PlainTextResponse(message.get("body", b""), headers=headers)(scope, receive, send)


@pytest.fixture
def ask(monkeypatch):
    """A function that sends a request through a gate that was made with these variables."""
    for name in (
        "SPACE_ID",
        "SPACE_HOST",
        "GRADIO_SERVER_NAME",
        "ECHOGAN_HOSTS",
        "ECHOGAN_AUTH",
        "ECHOGAN_TRAIN",
    ):
        monkeypatch.delenv(name, raising=False)

    def send(
        method: str, path: str, variables: dict[str, str] | None = None, app: ASGIApp = small_app, **how: Any
    ):
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)

        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app=Gate(app))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                return await http.request(method, path, **how)

        return run(request())

    return send


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("someone-space.hf.space", 200),
        ("10.20.30.40:7860", 200),
        ("[fd00::1]", 200),
        ("other-space.hf.space", 421),
    ],
)
def test_a_space_is_served_under_its_own_name_and_to_checks_by_address(ask, host, status):
    answer = ask("GET", "/", SPACE, headers={"host": host})
    assert answer.status_code == status
    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self' https://huggingface.co")


def test_a_spaces_page_may_ask_it_and_the_hub_may_not(ask):
    host = {"host": "someone-space.hf.space"}
    for origin, status in (("https://someone-space.hf.space", 200), ("https://huggingface.co", 403)):
        answer = ask("POST", "/gradio_api/queue/join", SPACE, headers=host | {"origin": origin}, json={})
        assert answer.status_code == status


def test_the_address_that_the_owner_named_is_served(ask):
    named = {"GRADIO_SERVER_NAME": "192.168.1.5"}
    assert ask("GET", "/", named, headers={"host": "192.168.1.5:7860"}).status_code == 200
    assert ask("GET", "/", named, headers={"host": "192.168.1.6:7860"}).status_code == 421


def test_a_body_arrives_as_it_was_sent_and_no_origin_comes_back(ask):
    body = {
        "data": [
            {"path": "/tmp/a.gif", "url": "http://127.0.0.1:80/gradio_api/file=/tmp/a.gif"},
            "http://x/y",
        ]
    }
    answer = ask("POST", "/gradio_api/queue/join", json=body, headers={"origin": "http://127.0.0.1"})
    assert answer.json() == body
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_only_the_inline_scripts_of_the_page_may_run(ask):
    answer = ask("GET", "/", app=InlineScripts(small_app, space=False))
    own = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert answer.text == PAGE
    assert f"script-src 'self' 'unsafe-eval' 'sha256-{own}';" in answer.headers["content-security-policy"]


def test_who_listens_is_known_while_the_stream_is_open(ask):
    heard = []

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append([key for key in ("ann", "bob", "e1") if LISTENERS.hears(key)])
        await PlainTextResponse("")(scope, receive, send)

    for path in ("queue/data?session_hash=ann", "heartbeat/bob", "call/enhance/e1", "call/v2/enhance/e1"):
        ask("GET", f"/gradio_api/{path}", app=listening)
    assert heard == [["ann"], ["bob"], ["e1"], ["e1"]]
    assert not any(LISTENERS.hears(key) for key in ("ann", "bob", "e1"))


def test_without_a_gate_everybody_is_taken_to_listen():
    assert Listeners().hears("ann")


def test_a_websocket_is_closed():
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    run(Gate(small_app)({"type": "websocket", "path": "/"}, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
