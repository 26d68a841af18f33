"""The page as a program meets it: three public endpoints, neutral names, sentences for mistakes."""

import json
import shutil
import threading
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from small_workplace import until

from echogan.model.checkpoints import checkpoint as store
from echogan.model.checkpoints.checkpoint import CheckpointConfig, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.ui.enhance import endpoint
from echogan.ui.enhance.admission import OF_CLIENT
from echogan.ui.enhance.fair_queue import Job
from echogan.ui.enhance.workplace import Workplace


@pytest.fixture(scope="module")
def served():
    """The workplace behind the page."""
    return Workplace()


@pytest.fixture(scope="module")
def client(tmp_path_factory, served):
    """A client of the app, launched on loopback with one small untrained model."""
    folder = tmp_path_factory.mktemp("endpoint")
    torch.manual_seed(0)
    config = CheckpointConfig(name="tiny", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    save_checkpoint(
        folder / "models" / "tiny",
        config,
        build_generator(config.generator),
        build_generator(config.generator),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "BUNDLED", folder / "models")
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        from app import build, launch_settings

        page = build(served)
        settings = launch_settings() | {"server_name": "127.0.0.1", "prevent_thread_lock": True}
        _, url, _ = page.launch(**settings)
        yield Client(url, verbose=False, download_files=folder / "downloads")
        page.close()


def test_one_client_may_send_the_same_clip_again_while_another_waits(client, cine, tmp_path):
    other = tmp_path / "other.png"
    cv2.imwrite(str(other), np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    jobs = [
        client.submit(handle_file(path), "tiny", 1.0, api_name="/enhance") for path in (cine, other, cine)
    ]
    assert [job.result()[1]["input"]["frames"] for job in jobs] == [30, 1, 30]


def test_a_strength_that_is_too_large_for_a_float_gets_a_sentence(client, cine):
    with pytest.raises(Exception, match="strength is 1000"):
        client.predict(handle_file(cine), "tiny", 10**400, api_name="/enhance")


def test_a_strength_that_is_not_a_number_gets_a_sentence(client, cine):
    with pytest.raises(Exception, match="strength is not a number"):
        client.predict(handle_file(cine), "tiny", None, api_name="/enhance")


def test_these_are_the_only_public_endpoints(client):
    api = client.view_api(return_format="dict", print_info=False)
    assert list(api["named_endpoints"]) == ["/enhance", "/diagnose", "/models"]
    assert api["unnamed_endpoints"] == {}
    taken = {
        name: [(one["parameter_name"], one["python_type"]["type"]) for one in facts["parameters"]]
        for name, facts in api["named_endpoints"].items()
    }
    clip = [("file", "filepath"), ("model", "str")]
    enhance = [*clip, ("strength", "float"), ("keep_original", "bool")]
    assert taken == {"/enhance": enhance, "/diagnose": clip, "/models": []}


def test_a_clip_is_diagnosed_without_an_enhanced_clip(client, cine, tmp_path):
    maps, card, report = client.predict(handle_file(cine), "tiny", api_name="/diagnose")
    assert Path(maps).read_bytes().startswith(b"\x89PNG")
    assert Path(card).read_bytes().startswith(b"%PDF")
    assert (report["strength"], report["input"]["frames"]) == (1.0, 30)
    assert report["trust"]


def test_the_models_are_listed_without_folders_of_the_server(client):
    (model,) = client.predict(api_name="/models")
    assert (model["name"], model["kind"], model["calibrated"]) == ("tiny", "bundled", False)
    assert len(model["sha256"]) == 64
    assert str(store.BUNDLED) not in json.dumps(model)


def test_a_mistake_in_diagnose_arrives_as_its_sentence(client, cine):
    with pytest.raises(Exception, match="no bundled model"):
        client.predict(handle_file(cine), "../tiny", api_name="/diagnose")


def test_a_clip_goes_out_enhanced_and_a_report_comes_with_it(client, cine, tmp_path):
    named = tmp_path / "doe_jane_1950.dcm"
    shutil.copy(cine, named)
    enhanced, report = client.predict(handle_file(named), "tiny", 0.5, api_name="/enhance")
    with av.open(enhanced) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 240)
        frames = [frame.to_ndarray(format="gray") for frame in video.decode(stream)]
    assert len(frames) == 30
    # The scanner's menu bar at the foot is blacked out; at most the mark is written there, in two lines at most.
    written = cv2.dilate((np.stack(frames)[:, -20:].max(0) > 24).astype(np.uint8), np.ones((9, 9), np.uint8))
    assert cv2.connectedComponents(written)[0] <= 3
    assert (report["input"]["frames"], report["strength"], report["model"]["name"]) == (30, 0.5, "tiny")
    assert len(report["per_frame"]["difference"]) == 30
    assert Path(enhanced).name == "enhanced.mp4"
    assert "doe_jane" not in json.dumps(report)


@pytest.mark.parametrize(
    ("model", "strength", "sentence"),
    [
        ("nothing/of/this", 1.0, "no bundled model"),
        ("../tiny", 1.0, "no bundled model"),
        ("tiny", 7.0, "0 to 1"),
    ],
)
def test_a_mistake_arrives_as_its_sentence(client, cine, model, strength, sentence):
    with pytest.raises(Exception, match=sentence):
        client.predict(handle_file(cine), model, strength, api_name="/enhance")


def test_nothing_can_be_kept_without_a_calibration(client, cine):
    with pytest.raises(Exception, match="tiny has no calibration"):
        client.predict(handle_file(cine), "tiny", 1.0, True, api_name="/enhance")


def test_a_text_file_is_refused_with_a_sentence(client, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("this is no clip\n" * 100)
    with pytest.raises(Exception, match="not a clip that can be read"):
        client.predict(handle_file(path), "tiny", 1.0, api_name="/enhance")


def test_the_page_keeps_no_history_and_calls_nobody(client):
    config = client.config
    assert not config.get("run_history")
    assert config.get("analytics_enabled") is not True
    assert "googleapis" not in json.dumps(config.get("stylesheets", []))


def test_clients_and_visitors_wait_in_one_queue(client, cine, served):
    """Nothing else may use the device while it is at work."""
    begun, go = threading.Event(), threading.Event()
    first = served.enhancing.queue.submit(Job("a visitor", lambda job: begun.set() or go.wait(30), 30))
    assert begun.wait(10)
    job = client.submit(handle_file(cine), "tiny", 1.0, api_name="/enhance")
    until(lambda: served.enhancing.queue.places())
    (place,) = served.enhancing.queue.places().values()
    assert place.before == 1
    assert not job.done()
    go.set()
    assert job.result(timeout=120)[1]["input"]["frames"] == 30
    assert first.over.is_set()


def test_what_waits_in_gradios_queue_is_bounded():
    from app import build

    page = build()
    assert page._queue.max_size is not None
    assert page.delete_cache is not None


@pytest.fixture
def http(client):
    """Raw calls to the server."""
    with httpx.Client(base_url=client.src_prefixed, timeout=60, trust_env=False) as found:
        yield found


def post(http, cine, session=None) -> str:
    """A call of the endpoint by nobody that will listen: its event."""
    with cine.open("rb") as file:
        (path,) = http.post("upload", files={"files": ("clip.dcm", file)}).json()
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, "tiny", 1.0, False]} | ({"session_hash": session} if session else {})
    return http.post("call/enhance", json=body).json()["event_id"]


@pytest.fixture
def busy(served):
    """The device is at work until the test ends."""
    go = threading.Event()
    job = served.enhancing.queue.submit(Job("a visitor", lambda job: go.wait(60), 30))
    until(lambda: job.running)
    yield
    go.set()
    until(job.over.is_set)


def test_calls_without_a_session_share_nothing(http, cine, served, busy):
    for _ in range(OF_CLIENT + 1):
        post(http, cine)
    until(lambda: len(served.enhancing.queue.places()) == OF_CLIENT + 1)
    assert len({job.visitor for job in served.enhancing.queue.places()}) == OF_CLIENT + 1
    for job in served.enhancing.queue.places():
        served.enhancing.queue.cancel(job)


def test_a_greedy_client_is_told_to_wait_and_others_are_served(client, http, cine, served, busy, tmp_path):
    greedy = [client.submit(handle_file(cine), "tiny", 1.0, api_name="/enhance") for _ in range(40)]
    until(lambda: sum(job.done() for job in greedy) == 40 - OF_CLIENT)
    refused = [job for job in greedy if job.done()]
    assert all("Wait for one to end" in str(job.exception()) for job in refused)
    post(http, cine)
    until(lambda: len(served.enhancing.queue.places()) == OF_CLIENT + 1)
    for job in served.enhancing.queue.places():
        served.enhancing.queue.cancel(job)
    until(lambda: all(job.done() for job in greedy))


def test_a_call_that_nobody_listens_to_is_dropped(http, cine, served, busy, monkeypatch):
    monkeypatch.setattr(endpoint, "UNHEARD_SECONDS", 0.5)
    event = post(http, cine)
    with http.stream("GET", f"call/enhance/{event}") as answer:
        until(lambda: served.enhancing.queue.places())
        (job,) = served.enhancing.queue.places()
        assert not job.over.wait(1.5)
        assert answer.status_code == 200
    assert job.over.wait(10)
    assert not served.enhancing.queue.places()
