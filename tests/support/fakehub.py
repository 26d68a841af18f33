"""A Hugging Face Hub on 127.0.0.1 for tests: repositories with commits, branches and tags, read and written."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
INFO = re.compile(r"/api/(?:models|spaces)/([^/]+/[^/]+)(?:/revision/([^/]+))?")
TREE = re.compile(r"/api/(?:models|spaces)/([^/]+/[^/]+)/tree/([^/]+)")
WRITE = re.compile(r"/api/(?:models|spaces)/([^/]+/[^/]+)/(preupload|commit)/main")
LFS_BATCH = re.compile(r"/(?:spaces/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch")
LFS_OBJECT = re.compile(r"/lfs/([0-9a-f]{64})")


@dataclass
class Repository:
    """`commits` maps a hash to its files, `refs` a branch or tag to a hash."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)


class FakeHub:
    """Serves what was pushed. `log` holds "METHOD path" of every request, `tokens` what was sent with it.

    `gated` repositories list their files but refuse to give them; `private` ones want `token`.
    Whoever sends `token` may create repositories and commit to them; `created` holds what was asked for each.
    As the real Hub does, it takes what is not text through LFS alone: `large` holds those files by their hash.
    `status` answers every request with that code, `delay` (s) holds answers back, and `after` is called with the
    logged line once the answer is out, which is where a test pushes something new between two downloads.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repository] = {}
        self.gated: set[str] = set()
        self.private: set[str] = set()
        self.token = "hf_loopbackSecret0123456789"
        self.created: list[dict[str, Any]] = []
        self.large: dict[str, bytes] = {}
        self.status: int | None = None
        self.body: bytes | None = None
        self.delay = 0.0
        self.after: Callable[[str], None] | None = None
        self.log: list[str] = []
        self.tokens: list[str | None] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def push(self, repo: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Make a commit of exactly these files the head of the branch; its 40-hex hash."""
        repository = self.repos.setdefault(repo, Repository())
        commit = hashlib.sha1(repr((repo, len(repository.commits), sorted(files))).encode()).hexdigest()
        repository.commits[commit] = dict(files)
        repository.refs[branch] = commit
        return commit

    def tag(self, repo: str, name: str, commit: str) -> None:
        self.repos[repo].refs[name] = commit

    def close(self) -> None:
        """Stop listening: from now on connections are refused."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0, a connection per request, so that closing the hub leaves no pooled connection alive."""

    hub: FakeHub

    def log_message(self, *args: object) -> None:
        """Say nothing; the hub keeps its own log."""

    def do_GET(self) -> None:
        hub, line = self.hub, f"{self.command} {self.path}"
        hub.log.append(line)
        hub.tokens.append(self.headers.get("Authorization"))
        time.sleep(hub.delay)
        if hub.status is not None:
            self.answer(hub.status, hub.body or b"down")
        else:
            self.route(urlsplit(self.path).path)
        if hub.after is not None:
            hub.after(line)

    do_HEAD = do_POST = do_PUT = do_GET

    def route(self, path: str) -> None:
        if match := RESOLVE.fullmatch(path):
            repo, revision, name = (unquote(part) for part in match.groups())
            self.give(repo, revision, name)
        elif match := INFO.fullmatch(path):
            repo, revision = (unquote(part) if part else "main" for part in match.groups())
            if (commit := self.find(repo, revision)) is not None:
                self.describe(repo, commit)
        elif match := TREE.fullmatch(path):
            self.list_files(*match.groups())
        elif self.command == "PUT" and (match := LFS_OBJECT.fullmatch(path)):
            self.take_large(match[1])
        elif self.command == "POST":
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if path == "/api/validate-yaml":
                self.tell({"errors": [], "warnings": []})
            elif self.headers.get("Authorization") != f"Bearer {self.hub.token}":
                self.fail(401, "", "Invalid credentials in Authorization header")
            elif path == "/api/repos/create":
                self.create(json.loads(body))
            elif match := WRITE.fullmatch(path):
                self.write(*match.groups(), body)
            elif LFS_BATCH.fullmatch(path):
                self.tell(
                    {"transfer": "basic", "objects": [self.place_of(o) for o in json.loads(body)["objects"]]}
                )
        else:
            self.fail(404, "NotFound")

    def create(self, asked: dict[str, Any]) -> None:
        repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = f"{self.hub.url}/{'spaces/' if asked.get('type') == 'space' else ''}{repo}"
        if repo in self.hub.repos:
            return self.tell({"error": "You already created this repo", "url": url}, 409)
        private = asked.get("private") or asked.get("visibility") == "private"  # before and since version 2
        self.hub.created.append(asked | {"private": bool(private)})
        if private:
            self.hub.private.add(repo)
        self.hub.push(repo, {})
        self.tell({"url": url, "name": repo})

    def write(self, repo: str, what: str, body: bytes) -> None:
        """Take a commit of whole files, as huggingface_hub sends it: lines of JSON."""
        if what == "preupload":
            return self.tell({"files": [_mode(file) for file in json.loads(body)["files"]]})
        repository = self.hub.repos[repo]
        files = dict(repository.commits[repository.refs["main"]])
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                files[line["value"]["path"]] = self.hub.large[line["value"]["oid"]]
            elif line["key"] == "deletedFile":
                files.pop(line["value"]["path"], None)
        commit = self.hub.push(repo, files)
        self.tell(
            {"commitOid": commit, "commitUrl": f"{self.hub.url}/{repo}/commit/{commit}", "hookOutput": ""}
        )

    def place_of(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Where an object of LFS is to be put."""
        where = {"href": f"{self.hub.url}/lfs/{asked['oid']}"}
        return {"oid": asked["oid"], "size": asked["size"], "actions": {"upload": where}}

    def take_large(self, oid: str) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if hashlib.sha256(data).hexdigest() != oid:
            return self.fail(400, "", "This is not the object")
        self.hub.large[oid] = data
        self.answer(200, b"")

    def list_files(self, repo: str, revision: str) -> None:
        if (commit := self.find(repo, unquote(revision))) is not None:
            files = self.hub.repos[repo].commits[commit]
            found = [
                {"type": "file", "path": name, "size": len(data), "oid": "0"} for name, data in files.items()
            ]
            self.answer(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def tell(self, found: dict[str, Any], status: int = 200) -> None:
        self.answer(status, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def find(self, repo: str, revision: str) -> str | None:
        """The commit, or None when an error was answered, with the real Hub's codes."""
        sent = self.headers.get("Authorization")
        if sent and sent != f"Bearer {self.hub.token}":
            self.fail(401, "", "Invalid credentials in Authorization header")
        elif repo not in self.hub.repos or (repo in self.hub.private and not sent):
            self.fail(404 if sent else 401, "RepoNotFound")
        else:
            repository = self.hub.repos[repo]
            commit = repository.refs.get(revision, revision)
            if commit in repository.commits:
                return commit
            self.fail(404, "RevisionNotFound")
        return None

    def describe(self, repo: str, commit: str) -> None:
        files = self.hub.repos[repo].commits[commit]
        siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
        facts = {
            "id": repo,
            "modelId": repo,
            "sha": commit,
            "private": repo in self.hub.private,
            "tags": [],
            "siblings": siblings,
        }
        self.tell(facts)

    def give(self, repo: str, revision: str, name: str) -> None:
        commit = self.find(repo, revision)
        if commit is None:
            return
        if repo in self.hub.gated:
            return self.fail(403, "GatedRepo")
        data = self.hub.repos[repo].commits[commit].get(name)
        if data is None:
            return self.fail(404, "EntryNotFound")
        self.answer(200, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": commit})

    def fail(self, status: int, code: str, message: str = "") -> None:
        headers = {"X-Error-Message": message or code} | ({"X-Error-Code": code} if code else {})
        self.answer(status, json.dumps({"error": message or code}).encode(), headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    """How a file is to be sent, told by its first bytes: what is no text goes through LFS."""
    mode = "lfs" if b"\0" in base64.b64decode(file["sample"]) else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
