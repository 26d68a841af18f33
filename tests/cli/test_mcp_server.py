"""`python -m echogan mcp` as an MCP client meets it: the SDK's own client, over standard input and output."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import torch
from small_workplace import gif, until

from echogan.core.notice import IN_FULL
from echogan.model.checkpoints.checkpoint import CheckpointConfig, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator

pytest.importorskip("mcp.server.mcpserver", reason="the MCP SDK (mcp>=2) is not installed")

from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with clips, and a small untrained model."""
    folder = tmp_path_factory.mktemp("mcp")
    torch.manual_seed(0)
    config = CheckpointConfig(name="tiny", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    generators = [build_generator(config.generator) for _ in range(2)]
    save_checkpoint(folder / "tiny", config, *generators)
    (folder / "clips").mkdir()
    gif(folder / "clips" / "poor.gif", frames=10)
    gif(folder / "clips" / "long.gif", frames=400)
    (folder / "clips" / "bad.mp4").write_bytes(b"no clip" * 100)
    gif(folder / "secret.gif", frames=2)
    return folder


def example(folder: Path, results: str) -> tuple[list[str], dict[str, str]]:
    """The command of the page's configuration and its environment, with other paths and the small model."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, flags=re.S)
    block = block.replace("/path/to/EchoGANhance/.venv/bin/python", sys.executable)
    block = block.replace("/path/to/EchoGANhance", str(ROOT))
    block = block.replace("/path/to/clips", str(folder / "clips"))
    block = block.replace("/path/to/results", str(folder / results))
    server = json.loads(block)["mcpServers"]["echogan"]
    own = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [server["env"]["PYTHONPATH"], own]))
    command = [server["command"], *server["args"], "--model", str(folder / "tiny")]
    return command, {**os.environ, "PYTHONPATH": path}


@asynccontextmanager
async def connected(folder: Path, results: str):
    """A session of the SDK's client with a server of its own, started from a folder that has nothing to do with it."""
    (program, *arguments), environment = example(folder, results)
    server = StdioServerParameters(command=program, args=arguments, env=environment, cwd=folder)
    with anyio.fail_after(600):
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            yield session


@pytest.fixture(scope="module")
def heard(folder):
    """What a client hears in one session: the answers by name, and the progress of one call."""
    heard = {}

    async def talk() -> None:
        async with connected(folder, "results") as session:
            heard["start"] = await session.initialize()
            heard["tools"] = (await session.list_tools()).tools
            heard["models"] = await session.call_tool("models")
            heard["progress"] = []

            async def progress(done: float, total: float | None, message: str | None) -> None:
                heard["progress"].append((done, total))

            asked = {"file": "poor.gif", "strength": 0.5}
            heard["enhance"] = await session.call_tool("enhance", asked, progress_callback=progress)
            heard["again"] = await session.call_tool("enhance", asked)
            heard["diagnose"] = await session.call_tool("diagnose", {"file": str(folder / "clips/poor.gif")})
            for name, asked in MISTAKES.items():
                heard[name] = await session.call_tool("enhance", asked)
            heard["unknown tool"] = await session.call_tool("train")
            heard["cancelled"] = await cancelled(session, folder / "results")
            heard["alive"] = await session.call_tool("models")

    anyio.run(talk)
    return heard


async def cancelled(session: ClientSession, results: Path) -> bool:
    """Whether a call that the client cancels leaves nothing."""
    with anyio.CancelScope() as scope:

        async def stop(done: float, total: float | None, message: str | None) -> None:
            assert (results / "long").is_dir()
            scope.cancel()

        await session.call_tool("enhance", {"file": "long.gif"}, progress_callback=stop)
    assert scope.cancelled_caught, "it was done before it could be cancelled"
    with anyio.move_on_after(120):
        while (results / "long").exists():
            await anyio.sleep(0.1)
    return not (results / "long").exists()


MISTAKES = {
    "a bad file": {"file": "bad.mp4"},
    "a missing file": {"file": "none.gif"},
    "an address": {"file": "http://127.0.0.1:9/poor.gif"},
    "another folder": {"file": "../secret.gif"},
    "no file": {},
    "a file as Gradio has it": {"file": {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}},
    "a wrong strength": {"file": "poor.gif", "strength": "much"},
    "too much strength": {"file": "poor.gif", "strength": 3},
    "a model of the Hub": {"file": "poor.gif", "model": "user/model"},
    "no calibration": {"file": "poor.gif", "keep_original": True},
}
SENTENCES = {
    "a bad file": "'bad.mp4' is not a clip that can be read",
    "a missing file": "There is no file 'none.gif' at this path in the folder of clips.",
    "an address": "Addresses and encoded files are not taken: give the path of a file in the folder of clips.",
    "another folder": "'secret.gif' is outside the folder of clips: only files in it are read.",
    "no file": "file: Field required.",
    "a file as Gradio has it": "file: Input should be a valid string.",
    "a wrong strength": "strength: Input should be a valid number",
    "too much strength": "strength is 3.0; give a number from 0 to 1.",
    "a model of the Hub": "There is no model called 'user/model'.",
    "no calibration": "tiny has no calibration",
    "unknown tool": "Unknown tool: train",
}


def test_the_server_says_what_it_is_for(heard):
    assert heard["start"].server_info.title == "EchoGANhance"
    assert "not for diagnosis" in heard["start"].instructions


def test_only_the_public_endpoints_are_tools(heard):
    tools = {tool.name: tool for tool in heard["tools"]}
    assert set(tools) == {"models", "enhance", "diagnose"}
    assert tools["enhance"].input_schema["required"] == ["file"]
    assert set(tools["enhance"].input_schema["properties"]) == {"file", "model", "strength", "keep_original"}
    assert set(tools["diagnose"].input_schema["properties"]) == {"file", "model"}
    assert [tools[name].annotations.read_only_hint for name in ("models", "enhance")] == [True, False]
    assert all("esearch only" in tools[name].description for name in ("enhance", "diagnose"))


def test_the_models_are_listed(heard, folder):
    models = heard["models"].structured_content["result"]
    assert models[0]["name"] == str(folder / "tiny")
    assert {one["kind"] for one in models} == {"added", "bundled"}
    assert models[0]["calibrated"] is False


def test_a_clip_is_enhanced(heard, folder):
    told = heard["enhance"].structured_content
    assert not heard["enhance"].is_error
    assert (told["frames"], told["strength"], told["notice"]) == (10, 0.5, IN_FULL)
    report = json.loads(Path(told["files"]["report"]).read_text())
    assert report["model"]["sha256"] == told["sha256"]
    assert told["mean_changes"] == {name: one["mean"] for name, one in report["diagnostics"].items()}
    assert Path(told["files"]["enhanced"]).read_bytes()[4:8] == b"ftyp"
    assert heard["progress"] == [(4, 10), (8, 10), (10, 10)]
    assert heard["again"].structured_content["files"] != told["files"]


def test_a_clip_is_diagnosed(heard):
    files = heard["diagnose"].structured_content["files"]
    heads = {name: Path(path).read_bytes()[:5] for name, path in files.items()}
    assert heads == {"maps": b"\x89PNG\r", "trust_card": b"%PDF-", "report": b'{\n  "'}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_mistake_is_answered_with_a_sentence(heard, name):
    assert heard[name].is_error
    assert heard[name].structured_content is None
    (content,) = heard[name].content
    assert content.text.startswith(SENTENCES[name])
    assert "\n" not in content.text


def test_a_call_that_the_client_cancels_leaves_nothing(heard, folder):
    assert heard["cancelled"]
    assert not heard["alive"].is_error
    kept = {path.name for path in (folder / "results").iterdir()}
    assert kept == {"poor", "poor_2", "poor_3"}, "mistakes leave nothing either"


def test_an_end_in_the_middle_leaves_nothing(folder):
    command, environment = example(folder, "ended")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=pipe, stdout=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        start = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a", "version": "1"},
        }
        call = {"name": "enhance", "arguments": {"file": "long.gif"}, "_meta": {"progressToken": 1}}
        for message in (
            {"id": 1, "method": "initialize", "params": start},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": call},
        ):
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        server.stdin.flush()
        lines = (json.loads(line) for line in server.stdout)
        until(lambda: next(lines).get("method") == "notifications/progress", 300)
        assert (folder / "ended" / "long").is_dir()
        server.send_signal(signal.SIGTERM)  # with standard input still open
        assert server.wait(30) == 128 + signal.SIGTERM
        assert list((folder / "ended").iterdir()) == []
