"""The examples of docs/api.md, run as they stand there against a page that serves."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from app_process import ROOT, free_port
from copied_page import started

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.S)
ADDRESS = "http://127.0.0.1:7860"
ENDPOINTS = ["/enhance", "/diagnose", "/models"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A page, and a folder with poor.dcm to run the examples in."""
    from pydicom import examples

    folder = tmp_path_factory.mktemp("api")
    shutil.copy(str(examples.get_path("ybr_color")), folder / "poor.dcm")
    environment = {
        "GRADIO_SERVER_PORT": str(free_port()),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "HF_HUB_OFFLINE": "1",
    }
    with started(ROOT, environment, folder / "log.txt") as page:
        yield page, folder


def run(served, *command: str, text: str = "") -> str:
    """What a program prints that is started in the folder; the page's address is the only thing changed."""
    page, folder = served
    text = text.replace(ADDRESS, page.url)
    done = subprocess.run(
        [*command, text], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_line(printed: str) -> str:
    """What an example prints, after the client's own words."""
    return printed.splitlines()[-1]


def test_there_is_one_example_for_each_endpoint():
    assert len(PYTHON) == len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert sum(f'api_name="{endpoint}"' in example for example in PYTHON) == 1
    assert all(ADDRESS in example for example in [*PYTHON, *SHELL])


def test_the_models_are_listed(served):
    (example,) = (one for one in PYTHON if "/models" in one)
    lines = run(served, sys.executable, "-c", text=example).splitlines()
    assert "echogan bundled MIT True" in lines
    assert "echogan-camus bundled CC BY-NC-SA 4.0 True" in lines


def test_a_clip_is_enhanced(served):
    (example,) = (one for one in PYTHON if "/enhance" in one)
    clip, sha256, _ = last_line(run(served, sys.executable, "-c", text=example)).split(maxsplit=2)
    assert Path(clip).read_bytes()[4:8] == b"ftyp"
    assert len(sha256) == 64


def test_a_clip_is_diagnosed(served):
    (example,) = (one for one in PYTHON if "/diagnose" in one)
    maps, card, mean = last_line(run(served, sys.executable, "-c", text=example)).split()
    assert Path(maps).read_bytes().startswith(b"\x89PNG")
    assert Path(card).read_bytes().startswith(b"%PDF")
    assert 0 < float(mean) < 255 or -255 < float(mean) < 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_example_without_python(served):
    (example,) = (one for one in SHELL if "/call/diagnose" in one)
    told = run(served, "sh", "-c", text=example)
    assert "event: complete" in told
    data = json.loads(told.partition("event: complete\ndata: ")[2].splitlines()[0])
    assert [one["path"].rpartition("/")[2] for one in data[:2]] == ["maps.png", "trust_card.pdf"]
    assert data[2]["model"]["name"] == "echogan"


def test_openapi_describes_the_endpoints(served):
    page, _ = served
    schema = page.http.get("/gradio_api/openapi.json").json()
    described = {path.rpartition("/")[2]: what for path, what in schema["paths"].items()}
    for endpoint in ENDPOINTS:
        assert described[endpoint.strip("/")]["post"]["description"]
    assert "not for diagnosis" in json.dumps(described["enhance"])
    called = {found[1] for path in schema["paths"] if (found := re.search(r"/call/(?:v2/)?(\w+)", path))}
    assert {f"/{name}" for name in called} == set(ENDPOINTS)
