"""The Content-Security-Policy of the page: its own files, and of inline scripts only those that the server wrote."""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_POLICY = "Content-Security-Policy"
INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.S)
SPACES = "https://huggingface.co"  # shows a Space in a frame


def policy(space: bool, scripts: tuple[str, ...] = ()) -> str:
    """The policy; `scripts` are hashes of inline scripts.

    Gradio runs the scripts of a component by `new Function`, hence unsafe-eval, and sets styles inline.
    """
    hashes = "".join(f" '{found}'" for found in scripts)
    return (
        f"default-src 'none'; script-src 'self' 'unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' blob: data:; "
        "worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'self'; "
        f"frame-ancestors 'self'{' ' + SPACES if space else ''}"
    )


class InlineScripts:
    """Middleware before the compression of answers: gives each HTML page the policy that allows its own scripts."""

    def __init__(self, app: ASGIApp, space: bool) -> None:
        self.app, self.space = app, space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold back an HTML page until all of it is there."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        parts: list[bytes] = []

        async def answer(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                kind = MutableHeaders(scope=message).get("content-type", "")
                if kind.startswith("text/html"):
                    held = message
                    return
            elif held is not None:
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = b"".join(parts)
                found = policy(self.space, tuple(sorted(set(map(_hash, INLINE.findall(body))))))
                MutableHeaders(scope=held)[CONTENT_POLICY] = found
                await send(held)
                message = {"type": "http.response.body", "body": body}
                held = None
            await send(message)

        await self.app(scope, receive, answer)


def _hash(script: bytes) -> str:
    # A browser normalises line ends before it hashes.
    plain = script.replace(b"\r\n", b"\n")
    return "sha256-" + base64.b64encode(hashlib.sha256(plain).digest()).decode()
