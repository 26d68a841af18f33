"""What stands before Gradio's app: only known hosts, origins, routes and bodies pass; answers get strict headers."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echogan.ui import access
from echogan.ui.content_policy import CONTENT_POLICY, policy
from echogan.ui.listeners import LISTENERS
from echogan.ui.login import Login, RemovedUsers

API = "/gradio_api"
ENDPOINT = "(?:enhance|diagnose|models)"  # the public ones (echogan/ui/enhance/api.py)
MOST_JSON = 4 << 20  # bytes: a folder of 2000 clips by name
# All that the page and gradio_client ask for. Gradio has more, among it routes that fetch for a client.
GET = re.compile(
    r"/(config/?|theme\.css|robots\.txt|favicon\.ico|manifest\.json|pwa_icon(/\d+)?|(assets|static)/.+)?"
    rf"|{API}/(info/?|openapi\.json|app_id/?|startup-events|theme\.css|queue/(data|status)|upload_progress|heartbeat/[^/]+"
    rf"|file=(?![\w+.-]{{2,}}:/).+|call/(v2/)?{ENDPOINT}/\w+)"
)
POST = re.compile(rf"{API}/(queue/join|cancel|reset/?|upload|component_server/?|call/(v2/)?{ENDPOINT}/?)")
AT_ONCE = re.compile(rf"{API}/run/predict/?")  # the Train tab's events that do not wait in the queue
# The reading page of reader studies, which knows its readers by their links.
READ_GET = re.compile(r"/read/(page/[\w.]+|[\w-]{20,100}(/(state|media/\w+))?)")
READ_POST = re.compile(r"/read/[\w-]{20,100}/(shown|ratings)")
LOGIN = re.compile(rf"/login/?|/logout|({API})/(user|login_check|token)/?")
JSON = re.compile(rf"{API}/(?!upload$).*")
STREAM = re.compile(
    rf"{API}/(?:queue/data|heartbeat/(?P<session>[^/]+)|call/(?:v2/)?{ENDPOINT}/(?P<event>\w+))"
)
URL = re.compile(r"\s*[a-z][a-z0-9+.-]*:/", re.I)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
WRONG_HOST = "This server is not served under this name. Its owner can add the name to ECHOGAN_HOSTS."
WRONG_ORIGIN = "This request comes from another website, which this server does not answer."
NOT_HERE = "There is nothing here."
NO_JSON = "This is not JSON that the server understands."
TOO_LONG = "This request is too long."
NO_URLS = "Addresses of files are not taken: send the file itself."


class Refusal(Exception):
    """A request is not let through."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Gate:
    """An ASGI app around another. Raises SettingsError where the environment is not clear."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.named = access.named_hosts()
        self.bound = access.server_name().strip("[]").lower()
        self.space, self.login, self.train = access.is_space(), access.login(), access.training_allowed()
        self.study = access.studies_allowed()
        self.policy = policy(self.space)
        LISTENERS.watching = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a sentence."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            self._check(scope["method"], scope["path"], Headers(scope=scope))
            if scope["method"] == "POST" and JSON.fullmatch(scope["path"]):
                receive = await self._checked_body(Headers(scope=scope), receive)
        except Refusal as refusal:
            await PlainTextResponse(refusal.sentence, refusal.status)(scope, receive, answer)
            return
        with _listening(scope):
            await self.app(scope, receive, answer)

    def _check(self, method: str, path: str, headers: Headers) -> None:
        """Raise Refusal unless this host may be asked by this origin for this route."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(_host_name(hosts[0])):
            raise Refusal(421, WRONG_HOST)
        origins = headers.getlist("origin")
        if any(not self._is_own_page(origin, hosts[0]) for origin in origins):
            raise Refusal(403, WRONG_ORIGIN)
        if method == "POST" and not origins and headers.get("sec-fetch-site") == "cross-site":
            raise Refusal(403, WRONG_ORIGIN)
        if not self._is_route(method, path):
            raise Refusal(404, NOT_HERE)

    def _is_ours(self, name: str | None) -> bool:
        """Whether the page is served under this name."""
        if not name:
            return False
        # A Space is asked by its own proxy alone, whose checks may name it by its address.
        by_address = self.space and re.fullmatch(r"[\d.]+|[\da-f:.]*:[\da-f:.]*", name) is not None
        return access.is_loopback(name) or name == self.bound or name in self.named or by_address

    def _is_own_page(self, origin: str, host: str) -> bool:
        """Whether a page of this origin is this server's own."""
        try:
            asked = urlsplit(origin)
            name = asked.hostname
        except ValueError:
            return False
        if asked.scheme not in ("http", "https") or not name:
            return False
        return asked.netloc.lower() == host.lower() or name in self.named

    def _is_route(self, method: str, path: str) -> bool:
        if self.login is not None and method in ("GET", "POST") and LOGIN.fullmatch(path):
            return True
        if method in ("GET", "HEAD"):
            return GET.fullmatch(path) is not None or READ_GET.fullmatch(path) is not None
        if method != "POST":
            return False
        if POST.fullmatch(path) or READ_POST.fullmatch(path):
            return True
        return (self.train or self.study) and AT_ONCE.fullmatch(path) is not None

    async def _checked_body(self, headers: Headers, receive: Receive) -> Receive:
        """The request with its body read: JSON in which no file is named by an address. Raises Refusal."""
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, NO_JSON)
        body = await _whole(receive)
        try:
            files = list(_file_data(json.loads(body)))
        except (ValueError, RecursionError):
            raise Refusal(400, NO_JSON) from None
        for file in files:
            path, url = file.get("path"), file.get("url")
            if isinstance(path, str) and URL.match(path):
                raise Refusal(400, NO_URLS)
            # What the page has sent it names by this server's address, too.
            if isinstance(url, str) and URL.match(url) and not self._is_ours(_host_of(url)):
                raise Refusal(400, NO_URLS)
        told = False

        async def replay() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        return replay

    def _set_headers(self, headers: MutableHeaders) -> None:
        for name in [name for name in headers if name.lower().startswith("access-control-")]:
            del headers[name]
        headers.update(HEADERS)
        headers.setdefault(CONTENT_POLICY, self.policy)


@asynccontextmanager
async def gated(app: Any, inner: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> AsyncIterator[None]:
    """Gradio's `lifespan`: put the gate before all of its middleware, before the first request is served.

    Middleware given to Gradio would come after its own, which answers other origins, asks for the password and
    compresses. `inner` comes between the gate and Gradio.
    """
    assert app.middleware_stack is not None
    stack, login = app.middleware_stack, access.login()
    if isinstance(login, Login):
        stack = RemovedUsers(stack, login.users, logged_in=app)
    app.middleware_stack = Gate(inner(stack))
    yield


def _host_name(host: str) -> str | None:
    """The name in a Host header, without its port; None where it is none."""
    return _host_of(f"//{host}") if re.fullmatch(r"[\w.:\[\]-]+", host) else None


def _host_of(url: str) -> str | None:
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


async def _whole(receive: Receive) -> bytes:
    """The body of a request. Raises Refusal where it is too long."""
    parts, length, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal(400, NO_JSON)
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > MOST_JSON:
            raise Refusal(413, TOO_LONG)
        more = message.get("more_body", False)
    return b"".join(parts)


def _file_data(found: Any) -> Iterator[dict[str, Any]]:
    """All that may name a file, anywhere in JSON."""
    left = [found]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _listening(scope: Scope) -> AbstractContextManager[None]:
    """Note who listens, while a stream is open."""
    found = STREAM.fullmatch(scope["path"])
    if found is None or scope["method"] != "GET":
        return nullcontext()
    query = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])
    return LISTENERS.listening(found["session"] or found["event"] or query[0])
