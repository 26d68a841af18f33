"""A Space: what is uploaded, that its header is complete, and that the page works from the uploaded files alone."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import pytest
import yaml
from app_process import ask
from copied_page import HOST, serving_space
from fakehub import FakeHub
from gradio_client import Client, handle_file
from huggingface_hub import constants

from echogan.cli.main import main
from echogan.cli.space_files import CPU_TORCH, ROOT, space_files
from echogan.core.errors import OutputError
from echogan.phantom_files.examples import EXAMPLES
from echogan.ui.enhance.examples import example_path

SPACE = "heart/echo"
MOST_START_SECONDS = 30  # of processors: the clock tells what else the machine does
CLIP = next(iter(EXAMPLES))


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator[FakeHub]:
    """A Hub whose token is in the environment."""
    fake = FakeHub()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the loopback Hub speaks plain LFS
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
    monkeypatch.setattr(constants, "ENDPOINT", fake.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", fake.token)
    huggingface_hub.close_session()
    yield fake
    fake.close()
    huggingface_hub.close_session()


def head(hub: FakeHub) -> dict[str, bytes]:
    repository = hub.repos[SPACE]
    return repository.commits[repository.refs["main"]]


def written(files: dict[str, bytes], folder: Path) -> Path:
    """The files of the Space in a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_a_dry_run_lists_everything_and_asks_nobody(hub, monkeypatch, capsys):
    monkeypatch.delenv("HF_TOKEN")
    assert main(["space", SPACE, "--dry-run"]) == 0
    shown, files = capsys.readouterr().out, space_files()
    for name, data in files.items():
        assert f"{len(data):>10,}  {name}\n" in shown
    assert f"{len(files)} files, " in shown
    assert "private Space heart/echo; nothing was sent" in shown
    assert hub.log == []


def test_what_was_uploaded_serves_the_page(hub, tmp_path, capfd):
    assert main(["space", SPACE]) == 0
    shown = capfd.readouterr()
    assert "(private; " in shown.out
    assert hub.token not in shown.out + shown.err
    made = hub.created[0]
    assert (made["type"], made["sdk"], made["private"]) == ("space", "gradio", True)
    files = head(hub)
    assert files == space_files()
    assert not any(hub.token.encode() in data for data in files.values())
    with serving_space(written(files, tmp_path / "space"), zero_gpu=False) as space:
        print(f"the Space starts in {space.start_seconds:.0f} s, {space.start_cpu_seconds:.1f} CPU-s")
        assert space.start_cpu_seconds < MOST_START_SECONDS
        config = space.http.get("/config", headers={"host": HOST})
        assert config.status_code == 200
        assert "Training is switched off" in config.text
        assert space.http.get("/config", headers={"host": "evil.example"}).status_code == 421
        log = space.log
    assert str(ROOT) not in log.read_text()  # nothing of this checkout was run


def test_a_renewed_space_keeps_no_file_of_the_old_one(hub):
    hub.push(SPACE, {"old.py": b"", "app.py": b"", ".gitattributes": b""})
    hub.private.add(SPACE)
    assert main(["space", SPACE]) == 0
    assert head(hub) == space_files()


def test_under_the_rules_of_zero_gpu_clips_are_enhanced(tmp_path):
    folder = written(space_files("zero-gpu"), tmp_path / "space")
    with serving_space(folder, zero_gpu=True) as space:
        print(f"for ZeroGPU it starts in {space.start_seconds:.0f} s, {space.start_cpu_seconds:.1f} CPU-s")
        assert space.start_cpu_seconds < MOST_START_SECONDS
        client = Client(space.url, verbose=False, download_files=str(tmp_path))
        clip, report = client.predict(
            handle_file(str(example_path(CLIP))), "echogan", 1.0, api_name="/enhance"
        )
        assert Path(clip).stat().st_size > 10_000
        assert report["device"] == "cuda"
        done = _enhanced_on_the_page(space.http)
        assert ["Device", "cuda", ""] in done["result"]["badge"]
        log = space.log.read_text()
    assert "Traceback" not in log
    assert "Low-level CUDA" not in log


def _enhanced_on_the_page(http: httpx.Client) -> dict[str, Any]:
    """What the page is told of an example once its result is there."""
    visit = ask(http, "workspace", {})["visit"]
    clip = ask(http, "example", {"visit": visit, "name": CLIP})["added"][0]
    ask(http, "enhance", {"visit": visit, "ids": [clip], "model": "echogan"})
    end = time.monotonic() + 300
    while time.monotonic() < end:
        told = ask(http, "poll", {"visit": visit})["clips"][0]
        assert not told["error"], told
        if told["state"] == "done":
            return ask(http, "clip", {"visit": visit, "id": clip})
        time.sleep(0.5)
    raise AssertionError(told)


def test_only_what_is_needed_is_uploaded():
    files = space_files()
    assert {name.split("/")[0] for name in files} == {
        *("app.py", "packages.txt", "LICENSE", "README.md", "requirements.txt", ".gitattributes"),
        *("echogan", "checkpoints"),
    }
    assert not [name for name in files if "__pycache__" in name or name.endswith((".pyi", ".pyc"))]
    assert "checkpoints/echogan/model.safetensors" in files
    assert files["requirements.txt"].decode().startswith(CPU_TORCH)
    assert sum(map(len, files.values())) < 20e6
    attributes = files[".gitattributes"].decode()
    for name, data in files.items():
        in_lfs = f"*{Path(name).suffix} filter=lfs" in attributes
        assert in_lfs == (b"\0" in data), name


@pytest.mark.parametrize(("hardware", "suggested"), [("cpu-basic", "cpu-basic"), ("zero-gpu", "zero-a10g")])
def test_the_header_has_what_a_space_asks_for(hardware, suggested):
    files = space_files(hardware, ["heart/net"])
    header = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    for field in (
        *("title", "emoji", "colorFrom", "colorTo", "sdk_version", "python_version", "app_file"),
        *("license", "tags"),
    ):
        assert header[field]
    assert header["sdk"] == "gradio"
    assert header["suggested_hardware"] == suggested
    assert header["models"] == ["heart/net"]
    assert len(header["short_description"]) <= 60  # the Hub refuses longer ones
    assert yaml.safe_load(space_files()["README.md"].decode().split("---\n")[1])["models"] == []


def test_zero_gpu_has_a_torch_that_it_runs():
    needed = space_files("zero-gpu")["requirements.txt"].decode().splitlines()
    assert "torch>=2.8,<2.12" in needed
    assert "torchvision>=0.23,<0.27" in needed
    assert any(line.startswith("spaces") for line in needed)
    assert "whl/cpu" not in "".join(needed)


def test_without_sources_or_token_nothing_is_asked(hub, tmp_path, monkeypatch, capsys):
    with pytest.raises(OutputError, match="clone"):
        space_files(root=tmp_path)
    monkeypatch.delenv("HF_TOKEN")
    assert main(["space", SPACE]) == 2
    assert "HF_TOKEN" in capsys.readouterr().err
    assert main(["space", "no name"]) == 2
    assert hub.log == []
