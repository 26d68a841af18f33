"""The load's limits find what they are for, and its calls are those that the page makes and the app answers."""

import time

import pytest
from small_workplace import QuickModels

from echogan.clips.files import open_clip
from echogan.ui.enhance.workplace import Workplace
from eval.performance import load, load_clients
from eval.performance.load_clients import Greedy, Seen, Work, clip_of, visit
from eval.performance.page_client import Page, PageError

PART = {
    "memory_before_mb": 900,
    "memory_after_mb": 950,
    "descriptors_before": 20,
    "descriptors_after": 21,
    "files_left": 0,
    "files_after_end": 0,
    "refused": 0,
}
CROWD = PART | {"visitors": 3, "visitors_served": 3, "longest_without_news_s": 2.0, "throughput_share": 0.9}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of the app with a quick model under the name that the visitors ask for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        from app import build, launch_settings

        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("load")))
        patch.setattr(QuickModels, "names", lambda self: ["echogan"])
        place = Workplace(models=QuickModels())
        page = build(place)
        settings = launch_settings() | {"server_name": "127.0.0.1", "prevent_thread_lock": True}
        _, address, _ = page.launch(**settings)
        yield address.rstrip("/")
        page.close()
        place.close()


def test_each_visitor_s_clip_is_another_and_has_its_frames(tmp_path):
    for seed in (1, 2):
        (tmp_path / f"{seed}.gif").write_bytes(clip_of(seed, 3))
    assert open_clip(tmp_path / "1.gif").frames == 3
    assert (tmp_path / "1.gif").read_bytes() != (tmp_path / "2.gif").read_bytes()
    assert clip_of(1, 3) == (tmp_path / "1.gif").read_bytes()


def test_a_visitor_is_served_beside_a_greedy_client(url):
    seen, work = Seen(), Work(0.5, 3)
    greedy = Greedy(url, work, 2)
    greedy.start()
    visit(url, work, 1, seen, at_once=2)
    assert seen.refused == []
    assert seen.served[0] >= 2
    assert len(seen.waits) == seen.served[0]
    assert seen.stills
    end = time.monotonic() + 60
    while greedy.accepted + greedy.refused < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert greedy.accepted + greedy.refused == 2


def test_a_refusal_is_told_with_its_sentence(url, monkeypatch):
    with pytest.raises(PageError, match="no longer in the list"):
        Page(url).call("clip", id="nothing")
    monkeypatch.setattr(load_clients, "clip_of", lambda seed, frames: b"no clip")
    seen = Seen()
    visit(url, Work(0.1, 3), 1, seen)
    assert seen.served == [0]
    assert "PageError" in seen.refused[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"memory_after_mb": 1000}, "memory grew"),
        ({"files_left": 1}, "files were left"),
        ({"descriptors_after": 40}, "descriptors"),
        ({"refused": 1}, "1 requests were refused"),
        ({"visitors_served": 2}, "not served"),
        ({"longest_without_news_s": 60.0}, "their place"),
        ({"throughput_share": 0.7}, "fewer clips"),
    ],
)
def test_each_limit_is_judged(change, said):
    assert load.judged({"visitors": CROWD, "soak": PART}) == []
    (missed,) = load.judged({"visitors": CROWD | change, "soak": PART})
    assert said in missed
