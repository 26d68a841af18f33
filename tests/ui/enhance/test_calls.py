"""The calls as anyone may make them: over HTTP, with anything in them, and with other people's tokens."""

import json
import random
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from gradio import Blocks
from small_workplace import QuickModels, gif, small_workplace, until

from echogan.ui.enhance import news, sent
from echogan.ui.enhance.calls import server_functions
from echogan.ui.enhance.inbox import NOT_SENT, UNZIPPING
from echogan.ui.enhance.sent import UNCLEAR
from echogan.ui.error_words import FAILED


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The app on loopback with quick models; `call` makes one call, `upload` sends a file as the page does."""
    from app import build, launch_settings

    folder = tmp_path_factory.mktemp("calls")
    with pytest.MonkeyPatch.context() as patch, small_workplace(folder / "gradio", patch) as place:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        page: Blocks = build(place)
        _, url, _ = page.launch(
            **launch_settings() | {"server_name": "127.0.0.1", "prevent_thread_lock": True}
        )
        http = httpx.Client(base_url=f"{url.rstrip('/')}/gradio_api", timeout=60, trust_env=False)
        player = next(i for i, block in page.blocks.items() if getattr(block, "elem_id", "") == "eg-player")

        def call(name: str, data: Any, page_hash: str = "page") -> Any:
            body = {"session_hash": page_hash, "component_id": player, "fn_name": name, "data": data}
            answer = http.post(
                "/component_server", content=json.dumps(body), headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 200, answer.text
            return answer.json()

        def upload(path, name: str) -> dict[str, str]:
            with path.open("rb") as file:
                (stored,) = http.post("/upload", files={"files": (name, file)}).json()
            return {"path": stored, "name": name}

        yield SimpleNamespace(
            place=place, call=call, upload=upload, http=http, folder=folder, player=player, page=page
        )
        page.close()


@pytest.fixture
def visit(served) -> str:
    return served.call("workspace", {"visit": None})["visit"]


def test_the_page_begins_with_all_that_it_needs(served):
    first = served.call("workspace", {"visit": None})
    assert not first["found"]
    assert first["models"] == QuickModels().names()
    assert first["examples"][1] == {"name": "Recorded DICOM cine", "label": "Recorded DICOM cine"}
    assert first["keep_minutes"] == 60
    assert first["mark"] == "AI-enhanced, not for diagnosis"
    again = served.call("workspace", {"visit": first["visit"]})
    assert again["found"]
    assert again["visit"] == first["visit"]


def test_the_page_that_calls_is_known_so_that_its_end_is_noticed(served):
    token = served.call("workspace", {"visit": None}, "hash of this page")["visit"]
    visit = served.place.visits.find(token)
    assert visit.pages == {"hash of this page"}
    served.place.leave("hash of this page")
    assert visit.left is not None


def test_what_gradio_keeps_of_a_page_goes_with_it(served):
    served.call("workspace", {"visit": None}, "short")
    kept = served.page.state_holder.session_data
    assert "short" in kept
    with served.http.stream("GET", "/heartbeat/short") as beat:
        next(beat.iter_lines())
    until(lambda: "short" not in kept)


def test_a_clip_from_upload_to_export(served, visit, tmp_path):
    file = served.upload(gif(tmp_path / "a.gif", 9), "Jane Doe.gif")
    answer = served.call("add_clips", {"visit": visit, "files": [file]})
    (clip,) = answer["added"]
    assert answer["clips"][0]["name"] == "Jane Doe.gif"

    def now() -> dict:
        return served.call("poll", {"visit": visit})["clips"][0]

    until(lambda: now()["state"] == "ready")
    assert served.call("enhance", {"visit": visit, "ids": [clip], "model": "halve"})["clips"][0]["id"] == clip
    until(lambda: now()["state"] == "done")
    detail = served.call("clip", {"visit": visit, "id": clip})
    tiles = served.http.get(f"/file={detail['result']['folder']}/000000.tiles")
    assert tiles.content.startswith(b"EGT1")
    assert served.http.get(f"/file={detail['original']['folder']}/000008.tiles").status_code == 200
    assert served.http.get(f"/file={detail['mask']}").headers["content-type"] == "image/png"
    assert served.call("sector", {"visit": visit, "id": clip, "fan": "60,2,-30,30,3,80"})["sector"]["given"]
    assert served.call("sector", {"visit": visit, "id": clip, "fan": None})["result"]["stale"] == ""
    assert served.call("blackout", {"visit": visit, "id": clip, "on": True})["blackout"]
    asked = {"visit": visit, "ids": [clip], "kind": "report", "strength": {clip: 0.5}, "mark": True}
    served.call("export", asked)
    (export,) = until(
        lambda: (found := served.call("poll", {"visit": visit})["exports"]) and found[0]["file"] and found
    )
    assert served.http.get(f"/file={export['file']}").json()["strength"] == 0.5
    assert served.call("drop_export", {"visit": visit, "export": export["id"]}) == {"exports": []}
    assert served.call("remove", {"visit": visit, "ids": [clip]}) == {"clips": []}
    assert served.http.get(f"/file={detail['result']['folder']}/000000.tiles").status_code == 403


def test_two_models_on_one_clip_and_back(served, visit, tmp_path):
    file = served.upload(gif(tmp_path / "a.gif", 9), "a.gif")
    (clip,) = served.call("add_clips", {"visit": visit, "files": [file]})["added"]
    asked = {"visit": visit, "id": clip, "model": "halve", "second": "dim"}
    until(lambda: served.call("poll", {"visit": visit})["clips"][0]["state"] == "ready")
    refused = served.call("compare", asked | {"second": "../dim"})
    assert "There is no bundled model" in refused["error"]
    served.call("compare", asked)
    until(lambda: served.call("poll", {"visit": visit})["clips"][0]["second"]["state"] == "done")

    def shown() -> list[str]:
        found = served.call("clip", {"visit": visit, "id": clip})
        return [one["result"]["model"] for one in (found, found["second"]) if one]

    assert shown() == ["halve", "dim"]
    assert "error" not in served.call("swap", {"visit": visit, "id": clip})
    assert shown() == ["dim", "halve"]
    assert served.call("alone", {"visit": visit, "id": clip})["clips"][0]["second"] is None
    assert shown() == ["dim"]
    other = served.call("workspace", {"visit": None})["visit"]
    for name in ("compare", "swap", "alone"):
        assert "no longer in the list" in served.call(name, asked | {"visit": other})["error"]


def test_news_are_told_as_soon_as_there_are_any(served, visit, tmp_path, monkeypatch):
    monkeypatch.setattr(news, "HOLD_SECONDS", 20.0)
    first = served.call("news", {"visit": visit, "seen": ""})
    assert first["clips"] == []
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(served.call, "news", {"visit": visit, "seen": first["seen"]})
        assert not asked.done()
        served.call("example", {"visit": visit, "name": "Recorded DICOM cine"})
        began = time.monotonic()
        answer = asked.result()
    assert time.monotonic() - began < 10
    assert answer["seen"] != first["seen"]
    assert len(answer["clips"]) == 1


def test_a_question_for_news_is_held_for_a_moment_only(served, visit, monkeypatch):
    monkeypatch.setattr(news, "HOLD_SECONDS", 0.3)
    seen = served.call("news", {"visit": visit, "seen": ""})["seen"]
    began = time.monotonic()
    assert served.call("news", {"visit": visit, "seen": seen})["seen"] == seen
    assert time.monotonic() - began >= 0.3


def test_a_visitor_has_few_questions_waiting(served, visit, monkeypatch):
    monkeypatch.setattr(news, "HOLD_SECONDS", 20.0)
    seen = served.call("news", {"visit": visit, "seen": ""})["seen"]
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(served.call, "news", {"visit": visit, "seen": seen}) for _ in range(60)]
        until(lambda: sum(one.done() for one in asked) == 60 - news.PAGES)
        served.call("example", {"visit": visit, "name": "Recorded DICOM cine"})


def test_files_of_the_server_cannot_be_added(served, visit, tmp_path):
    secret = tmp_path / "secret.gif"
    gif(secret)
    own = next(iter(served.folder.rglob("*.png")), secret)
    paths = [
        str(secret),
        "/etc/passwd",
        str(own),
        str(served.folder),
        "",
        "a\0b",
        "~",
        "../" * 40 + "etc/passwd",
    ]
    answer = served.call(
        "add_clips", {"visit": visit, "files": [{"path": path, "name": "a.gif"} for path in paths]}
    )
    assert answer["added"] == []
    assert answer["refused"] == [{"name": "a.gif", "sentence": NOT_SENT}] * len(paths)
    assert secret.exists()


def test_what_is_no_visit_is_gone(served):
    for name in NAMES[1:]:
        answer = served.call(name, {"visit": "not a visit", "seen": ""})
        assert answer["gone"] is True
        assert "Reload the page" in answer["error"]


NASTY: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "",
    "x" * 100_000,
    "../../etc/passwd",
    "a\0b",
    [],
    ["a"] * 5000,
    {},
    {"a": {"b": []}},
    [{"path": 1}],
    [None],
    "<script>alert(1)</script>",
]
FIELDS = (
    "visit",
    "seen",
    "files",
    "name",
    "id",
    "ids",
    "model",
    "second",
    "fan",
    "on",
    "kind",
    "strength",
    "mark",
    "export",
)
NAMES = (
    "workspace",
    "poll",
    "news",
    "add_clips",
    "example",
    "clip",
    "remove",
    "enhance",
    "compare",
    "swap",
    "alone",
    "stop",
    "sector",
    "blackout",
    "export",
)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_sent_the_answer_is_json_and_a_fault_is_never_met(served, visit, seed, caplog):
    draw = random.Random(seed)
    clip = served.call("example", {"visit": visit, "name": "Recorded DICOM cine"})["added"][0]
    usual = {
        "visit": visit,
        "id": clip,
        "ids": [clip],
        "kind": "mp4",
        "model": "halve",
        "second": "dim",
        "files": [],
        "mark": True,
        "seen": "",
    }
    for _ in range(60):
        data = {name: value for name, value in usual.items() if draw.random() < 0.8}
        for field in draw.sample(FIELDS, draw.randint(0, 3)):
            data[field] = draw.choice(NASTY)
        name = draw.choice((*NAMES, "drop_export"))
        answer = served.call(name, data)
        assert isinstance(answer, dict)
        assert answer.get("error") != FAILED, (name, data)
        assert len(str(answer.get("error", ""))) < 400, (name, data)
    for name in NAMES[1:]:
        for data in (None, [], "x", 3, [{"visit": visit}]):
            assert served.call(name, data)["error"] == UNCLEAR
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf"), "1", True, None, [1]])
def test_a_strength_out_of_its_range_is_refused(strength):
    with pytest.raises(Exception, match="0 to 1"):
        sent.strengths({"a": strength})


def test_names_are_shown_without_what_cannot_be_shown(tmp_path):
    assert sent.shown_name("Jane\n\tDoe\u202e.gif\0") == "Jane  Doe .gif"
    assert sent.shown_name("x/" * 400 + "a.gif").endswith("x/a.gif")
    assert len(sent.shown_name("x" * 9000)) == sent.LONGEST["name"]


def test_a_fault_of_ours_is_said_and_logged_without_what_it_quotes(tmp_path, monkeypatch, caplog):
    with small_workplace(tmp_path, monkeypatch) as place:
        words = "of " + "Jane"

        def fail(visit):
            raise RuntimeError(words)

        functions = {function.__name__: function for function in server_functions(place)}
        token = functions["workspace"]({"visit": None}, None)["visit"]
        monkeypatch.setattr(place, "clips", fail)
        assert functions["poll"]({"visit": token}) == {"error": FAILED}
    assert "RuntimeError" in caplog.text
    assert "Jane" not in caplog.text


def test_one_visitors_list_says_nothing_of_another(served, visit, tmp_path):
    other = served.call("workspace", {"visit": None})["visit"]
    file = served.upload(gif(tmp_path / "a.gif", 3, seed=5), "Jane Doe.gif")
    (clip,) = served.call("add_clips", {"visit": other, "files": [file]})["added"]
    served.call("enhance", {"visit": other, "ids": [clip], "model": "halve"})
    for name in ("workspace", "poll", "news", "stop"):
        assert "Jane" not in json.dumps(served.call(name, {"visit": visit, "seen": ""}))
    assert "no longer in the list" in served.call("clip", {"visit": visit, "id": clip})["error"]
    until(lambda: served.call("poll", {"visit": other})["clips"][0]["state"] == "done")


def test_a_function_that_is_no_call_cannot_be_called(served):
    for name in ("postprocess", "get_config", "__init__", "_answer", "push_to_hub"):
        body = {"session_hash": "x", "component_id": served.player, "fn_name": name, "data": {}}
        assert served.http.post("/component_server", json=body).status_code == 404


def test_forty_calls_that_wait_leave_the_others_answered(served, tmp_path):
    """Gradio has forty threads for calls; a zip that waits for its turn to be unpacked must not hold one."""
    clips = tmp_path / "clips.zip"
    with zipfile.ZipFile(clips, "w") as packed:
        packed.writestr("a.gif", gif(tmp_path / "a.gif").read_bytes())
    visits = [served.call("workspace", {"visit": None})["visit"] for _ in range(45)]
    file = served.upload(clips, "clips.zip")
    with ThreadPoolExecutor(len(visits)) as threads:
        for _ in range(2):
            UNZIPPING.acquire()
        try:
            sent = [threads.submit(served.call, "add_clips", {"visit": v, "files": [file]}) for v in visits]
            until(lambda: len(served.place.taking.places()) >= 42)
            assert served.call("poll", {"visit": visits[0]})["clips"] == []
        finally:
            for _ in range(2):
                UNZIPPING.release()
        assert all(len(call.result()["added"]) == 1 for call in sent)
    for visit in visits:
        served.place.visits.close(served.place.visits.find(visit))
