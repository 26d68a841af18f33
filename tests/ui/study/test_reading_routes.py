"""The reading page's routes behind the gate: a curious reader, broken requests, and what is said of each state."""

import asyncio
import itertools
import json
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading_server import reading_app
from small_study import small_protocol, small_study

from echogan.core.errors import StudyNotSaved
from echogan.study.store.lifecycle import freeze
from echogan.study.store.readers import invite, readers, revoke
from echogan.study.store.reading import previous_task
from echogan.study.store.store import Store
from echogan.ui.study import reading_routes

Ask = Callable[..., httpx.Response]
NUMBERS = itertools.count(1)  # ids of ratings: a random one may hold a word that is looked for
PAGE = sorted((Path(__file__).parents[3] / "echogan/ui/study/reading").iterdir())


class Visit:
    """A reader's browser, without the browser."""

    def __init__(self, ask: Ask, token: str) -> None:
        self.ask, self.path = ask, f"/read/{token}"
        self.heard: list[httpx.Response] = []

    def get(self, path: str = "") -> httpx.Response:
        self.heard.append(self.ask("GET", f"{self.path}/{path}".rstrip("/")))
        return self.heard[-1]

    def post(self, path: str, body: Any) -> httpx.Response:
        self.heard.append(self.ask("POST", f"{self.path}/{path}", json=body))
        return self.heard[-1]

    def rate(self, case: dict[str, Any], **changed: Any) -> httpx.Response:
        return self.post("ratings", rating(case) | changed)


def rating(case: dict[str, Any], choice: int = 0) -> dict[str, Any]:
    answers = {item["id"]: item["options"][choice]["value"] for item in case["items"] if "options" in item}
    return {
        "id": str(uuid.UUID(int=next(NUMBERS), version=4)), "assignment": case["id"], "replaces": None,
        "answers": answers, "plays": 1, "dwell_ms": 1000, "hidden_ms": 0, "viewport": "1280x800@1",
    }  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    for name in ("SPACE_ID", "SPACE_HOST", "GRADIO_SERVER_NAME", "ECHOGAN_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ECHOGAN_AUTH", "owner:secret")  # readers do not know it
    app = reading_app(tmp_path)

    def send(method: str, path: str, **how: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                return await http.request(method, path, **how)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, request()).result()

    return send


def visit(ask: Ask, store: Store) -> Visit:
    return Visit(ask, invite(store, "owner")[1])


def arms(store: Store) -> dict[str, tuple[str, str, str, str]]:
    """Of each showing: what is shown, the clip, the patient, the kind. Readers must not find out."""
    with store.read() as db:
        rows = db.execute(
            "SELECT a.id, s.show, s.id, c.clip, c.patient, a.kind FROM assignment AS a "
            "JOIN stimulus AS s ON s.id = a.stimulus JOIN clip AS c ON c.clip = s.clip"
        )
        return {row[0]: tuple(row[1:]) for row in rows}


@pytest.mark.parametrize("kind", ["single", "pair", "guess"])
def test_a_curious_reader_finds_nothing(tmp_path: Path, ask: Ask, kind: str):
    protocol = small_protocol(kind, training=1)
    store = small_study(tmp_path / "one", protocol, training=1)
    reader = visit(ask, store)
    reader.get()
    secret = arms(store)
    seen: dict[str, list[str]] = {}
    while (state := reader.get("state").json())["phase"] == "reading":
        case = state["cases"][0]
        media = reader.get(f"media/{case['id']}")
        ranged = ask(
            "GET",
            f"{reader.path}/media/{case['id']}",
            headers={"Range": "bytes=0-9", "Accept-Encoding": "gzip"},
        )
        for answer in (media, ranged):
            headers = json.dumps(sorted(answer.headers.items()))
            seen.setdefault(secret[case["id"]][0], []).append(
                f"{answer.status_code} {headers} {len(answer.content)}"
            )
        reader.post("shown", {"assignment": case["id"]})
        reader.rate(case)
    assert len(seen) == 2
    assert len({each for answers in seen.values() for each in answers}) == 1, "headers or sizes differ"
    told = []
    for answer in reader.heard:
        text = "" if "video" in answer.headers["content-type"] else answer.text
        told.append(f"{answer.request.url} {json.dumps(dict(answer.headers))} {text}".lower())
    words = {
        "enhanced",
        "original",
        "repeat",
        "gold",
        "arm",
        "seed",
        *(w for found in secret.values() for w in found[1:4]),
    }
    # The question of the part `guess` names both arms; that is all.
    allowed = {"enhanced", "original", "arm"} if kind == "guess" else set()
    for word in words - allowed:
        found = [text for text in told if re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text)]
        assert not found, (word, found[0][:300])


def test_names_of_showings_differ_also_between_a_clip_and_its_repeat(tmp_path: Path, ask: Ask):
    store = small_study(tmp_path / "one", small_protocol("pair"))
    found = arms(store)
    assert any(kind == "repeat" for *_, kind in found.values())
    assert not {stimulus for _, stimulus, *_ in found.values()} & set(found)


def test_a_reader_reaches_only_what_is_theirs_and_now(tmp_path: Path, ask: Ask):
    store = small_study(tmp_path / "one", small_protocol("single", washout_days=28.0))
    first, second = visit(ask, store), visit(ask, store)
    other = second.get("state").json()["cases"][0]["id"]
    with store.read() as db:
        later = db.execute("SELECT id FROM assignment WHERE slot = 0 AND session = 2 LIMIT 1").fetchone()[0]
        stimulus = db.execute("SELECT id FROM stimulus LIMIT 1").fetchone()[0]
    for name in (other, later, stimulus, f"{stimulus}.webm"):
        answer = first.get(f"media/{name}")
        assert answer.status_code in (400, 404)
        assert len(answer.content) < 200
    for path in (
        "/read/page/reading.py",
        "/read/page/..%2freading_state.py",
        "/read/x",
        f"{first.path}/audit",
        "/read/",
    ):
        assert ask("GET", path).status_code == 404


def test_a_rating_is_kept_once_and_changed_by_a_revision(tmp_path: Path, ask: Ask):
    store = small_study(tmp_path / "one", small_protocol("pair"))
    reader = visit(ask, store)
    state = reader.get("state").json()
    case, following = state["cases"]
    sent = rating(case)
    told = reader.post("ratings", sent).json()
    assert told["saved"] == sent["id"]
    assert told["done"] == 1
    assert told["cases"][0]["id"] == following["id"]
    assert told["rated"][0]["answers"] == sent["answers"]
    assert reader.post("ratings", sent).json()["done"] == 1
    # Another window, that does not know of it, is told so, and its rating is not mixed in.
    assert reader.rate(case).status_code == 409
    changed = rating(case, choice=3) | {"replaces": sent["id"], "plays": 0}
    assert reader.post("ratings", changed).status_code == 200
    found = previous_task(store, readers(store)[0])
    assert found is not None
    assert found.rated == changed["answers"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"answers": {}}, "has no answer"),
        ({"answers": "all"}, "has no answer"),
        ({"id": 5}, "no proper id"),
        ({"plays": 0}, "to its end"),
        ({"plays": "many"}, "times of the rating"),
        ({"dwell_ms": -1}, "times of the rating"),
        ({"assignment": "0" * 32}, "no such clip"),
        ({"viewport": "<script>"}, "size of the window"),
        ({"answers": {"preference": 9, "border_pair": 0}}, "none of its choices"),
        ({"answers": {"preference": True, "border_pair": 0}}, "none of its choices"),
    ],
)
def test_what_is_no_rating_is_refused_with_a_sentence(tmp_path: Path, ask: Ask, changed: dict, words: str):
    store = small_study(tmp_path / "one", small_protocol("pair"))
    reader = visit(ask, store)
    case = reader.get("state").json()["cases"][0]
    answer = reader.rate(case, **changed)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert reader.get("state").json()["done"] == 0


@pytest.mark.parametrize(
    "how", [{"content": b"{"}, {"json": [1]}, {"data": {"a": 1}}, {"content": b'"' + b"x" * 70_000 + b'"'}]
)
def test_a_body_that_is_no_rating_is_refused(tmp_path: Path, ask: Ask, how: dict):
    reader = visit(ask, small_study(tmp_path / "one", small_protocol("pair")))
    headers = {} if "json" in how or "data" in how else {"content-type": "application/json"}
    answer = ask("POST", f"{reader.path}/ratings", headers=headers, **how)
    assert answer.status_code == 400
    assert "reload" in answer.json()["error"]


def test_links_end(tmp_path: Path, ask: Ask):
    store = small_study(tmp_path / "one", small_protocol("pair"))
    reader = visit(ask, store)
    case = reader.get("state").json()["cases"][0]
    revoke(store, "owner", "R01")
    for answer in (reader.get("state"), reader.get(f"media/{case['id']}"), reader.rate(case)):
        assert answer.status_code == 403
        assert "no longer valid" in answer.json()["error"]
    unknown = Visit(ask, "A" * 43)
    assert unknown.get("state").status_code == 403
    assert unknown.get().content == reader.get().content  # the page itself does not tell which links exist


def test_a_frozen_study_takes_no_rating_and_says_so(tmp_path: Path, ask: Ask):
    store = small_study(tmp_path / "one", small_protocol("pair"))
    reader = visit(ask, store)
    case = reader.get("state").json()["cases"][0]
    freeze(store, "owner")
    answer = reader.rate(case)
    assert answer.status_code == 423
    assert "frozen" in answer.json()["error"]
    state = reader.get("state").json()
    assert (state["phase"], state["cases"], state["rated"]) == ("closed", [], [])
    assert reader.get(f"media/{case['id']}").status_code == 423


def test_between_sessions_the_date_is_said(tmp_path: Path, ask: Ask):
    store = small_study(tmp_path / "one", small_protocol("single", washout_days=28.0, repeats=0))
    reader = visit(ask, store)
    while (state := reader.get("state").json())["phase"] == "reading":
        reader.rate(state["cases"][0])
    assert state["phase"] == "washout"
    assert state["heading"] == "Session 1 of 2 is done"
    assert "UTC" in state["message"]
    assert state["cases"] == []


def test_a_rating_that_the_disk_did_not_take_may_be_sent_again(tmp_path: Path, ask: Ask, monkeypatch):
    reader = visit(ask, small_study(tmp_path / "one", small_protocol("pair")))
    case = reader.get("state").json()["cases"][0]

    def full(*_: Any) -> None:
        raise StudyNotSaved("Not saved (disk full): try again.")

    with monkeypatch.context() as patch:
        patch.setattr(reading_routes, "record", full)
        assert reader.rate(case).status_code == 503
    assert reader.rate(case).status_code == 200


def test_the_page_may_load_only_what_is_its_own(tmp_path: Path, ask: Ask):
    page = visit(ask, small_study(tmp_path / "one", small_protocol("pair"))).get()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in PAGE:
        if path.suffix != ".html":
            answer = ask("GET", f"/read/page/{path.name}")
            assert answer.status_code == 200
            assert answer.content == path.read_bytes()
    assert not [path for path in PAGE if "http" in path.read_text() and path.suffix != ".html"]


def test_what_is_not_below_read_goes_on_to_the_app(tmp_path: Path, ask: Ask):
    assert ask("GET", "/").text == "app"
    assert ask("GET", "/study").status_code == 404
