"""The browser demo's folder: whole, with the network and its facts, and refused where the runtime is missing."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from fake_checkpoint import Scale, checkpoint

from echogan.cli.main import main
from echogan.core.errors import OutputError, SettingsError
from echogan.core.notice import IN_FULL
from echogan.enhance.put_back import CLEAR, HAZY
from echogan.model.networks.generators import GeneratorConfig
from echogan.ui.browser_demo import assemble as module
from echogan.ui.browser_demo.assemble import RUNTIME, assemble, fetched_runtime, model_facts


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder as onnxruntime-web unpacks to."""
    (tmp_path / "package" / "dist").mkdir(parents=True)
    for name in RUNTIME:
        (tmp_path / "package" / "dist" / name).write_text(name)
    return tmp_path / "package"


def test_the_folder_holds_page_network_and_runtime(runtime: Path, tmp_path: Path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    out = tmp_path / "demo"
    files = assemble(out, checkpoint(Scale(0.5)), runtime)
    assert sorted(files) == sorted(out.iterdir())
    assert {"index.html", "main.js", "worker.js", *RUNTIME} <= {path.name for path in files}
    facts = json.loads((out / "model.json").read_text())
    model = onnx.load(out / facts["file"])
    assert [model.graph.input[0].name, model.graph.output[0].name] == [facts["input"], facts["output"]]
    # Once more into the same folder, as after an update.
    assert sorted(assemble(out, checkpoint(Scale(0.5)), runtime / "dist")) == sorted(out.iterdir())


def test_a_page_asks_its_own_server_only():
    page = Path(module.__file__).parent
    texts = [path.read_text() for path in page.iterdir() if path.suffix in (".html", ".css", ".js")]
    assert len(texts) > 5
    namespace = "http://www.w3.org/2000/svg"
    assert [text for text in texts if "://" in text.replace(namespace, "")] == []


def test_the_facts_are_the_programs_own():
    made = checkpoint(Scale(0.5))
    config = replace(
        made.config,
        generator=GeneratorConfig(frames=3),
        gain=1.25,
        haze_gain=0.2,
        canonical_grey=True,
        dark_level=0.1,
    )
    facts = model_facts(replace(made, config=config))
    assert (facts["notice"], facts["sha256"]) == (IN_FULL, made.sha256)
    assert facts["offsets_ms"] == (-60, 0, 60)
    assert (facts["gain"], facts["canonical_grey"], facts["multiple"]) == (1.25, True, 16)
    assert (facts["haze_gain"], facts["clear"], facts["hazy"]) == (0.2, CLEAR, HAZY)
    assert facts["curve"]["dark_level"] == 0.1


def test_without_the_runtime_nothing_is_written(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"lacks ort\.wasm\.min\.mjs"):
        assemble(tmp_path / "demo", checkpoint(Scale(0.5)), tmp_path)
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("flags", [[], ["--fetch-runtime", "--runtime", "somewhere"]])
def test_the_command_asks_where_the_runtime_is(tmp_path: Path, capsys, flags: list[str]):
    assert main(["browser-demo", str(tmp_path / "demo"), *flags]) == 2
    assert "give its folder with --runtime" in capsys.readouterr().err


def test_a_failing_npm_is_said(monkeypatch):
    def refuse(command, **_):
        assert command[:2] == ["npm", "install"]
        assert "--ignore-scripts" in command
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(OutputError, match="npm could not fetch"), fetched_runtime():
        pass
