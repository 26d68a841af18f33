"""What the MCP tools do without the protocol: which files are read, what is written, and what is told."""

import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint
from planted_identity import FAN, HEIGHT, WIDTH, assert_nameless, assert_nameless_file, planted
from small_workplace import gif

from echogan.cli.main import main
from echogan.cli.mcp import ABSENT
from echogan.cli.mcp_tools import NO_ADDRESSES, ClipTools
from echogan.core.errors import Cancelled, CheckpointNotFound, SettingsError, UnreadableClip
from echogan.core.notice import IN_FULL
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs

torch.set_num_threads(1)


@pytest.fixture
def tools(tmp_path) -> ClipTools:
    """The tools for tmp_path/clips, where poor.gif lies, with a model that halves every value."""
    (tmp_path / "clips").mkdir()
    gif(tmp_path / "clips" / "poor.gif", frames=4)
    return ClipTools(tmp_path / "clips", tmp_path / "results", "halve", checkpoint(Scale(0.5)))


def enhance(tools: ClipTools, file: object, model: str = "", strength: float = 1.0, keep: bool = False):
    return tools.enhance(str(file), model, strength, keep, lambda done, total: None, threading.Event())


def left_in(tools: ClipTools) -> list[Path]:
    return sorted(tools.results.rglob("*"))


def test_the_result_is_that_of_the_program(tools, tmp_path):
    told = enhance(tools, "poor.gif", strength=0.5)
    expected = enhance_file(
        tools.clips / "poor.gif",
        Outputs(clips=[tmp_path / "expected.mp4"]),
        checkpoint(Scale(0.5)),
        EnhanceSettings(strength=0.5),
    )
    report = json.loads(Path(told.files["report"]).read_text())
    assert report["diagnostics"] == expected.diagnostics
    assert frames_of(told.files["enhanced"]).shape == frames_of(tmp_path / "expected.mp4").shape
    assert told.mean_changes["difference"] == expected.diagnostics["difference"]["mean"] > 1
    assert (told.model, told.sha256, told.strength, told.frames) == ("halve", "ab" * 32, 0.5, 4)
    assert told.notice == IN_FULL


def test_every_call_writes_a_new_folder(tools):
    first = enhance(tools, "poor.gif")
    before = {path: path.read_bytes() for path in left_in(tools) if path.is_file()}
    second = tools.diagnose("poor.gif", "", lambda done, total: None, threading.Event())
    assert Path(first.files["enhanced"]).parent == tools.results / "poor"
    assert {Path(path).parent for path in second.files.values()} == {tools.results / "poor_2"}
    assert set(second.files) == {"maps", "trust_card", "report"}
    assert all(Path(path).stat().st_size > 100 for path in second.files.values())
    assert {path: path.read_bytes() for path in before} == before


def test_an_absolute_path_in_the_folder_is_read(tools):
    assert enhance(tools, tools.clips / "poor.gif").frames == 4


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/poor.gif",
        "HTTPS://example.org/poor.gif",
        "file:///etc/hostname",
        "smb:/host/share/poor.gif",
        "data:image/gif;base64,R0lGODdh",
    ],
)
def test_no_address_is_opened(tools, address):
    with pytest.raises(UnreadableClip) as raised:
        enhance(tools, address)
    assert str(raised.value) == NO_ADDRESSES


def test_only_files_of_the_folder_are_read(tools, tmp_path):
    outside = gif(tmp_path / "outside.gif", frames=2)
    (tmp_path / "clips_of_others").mkdir()
    beside = gif(tmp_path / "clips_of_others" / "poor.gif", frames=2)
    (tools.clips / "link.gif").symlink_to(outside)
    (tools.clips / "folder").symlink_to(tmp_path / "clips_of_others")
    for path in (outside, beside, "../outside.gif", "link.gif", "folder/poor.gif", "~/poor.gif", "/dev/zero"):
        with pytest.raises(UnreadableClip, match="is outside the folder of clips"):
            enhance(tools, path)
    assert not left_in(tools)


@pytest.mark.parametrize("path", ["none.gif", ".", "", "none/poor.gif"])
def test_a_missing_file_is_a_sentence(tools, path):
    with pytest.raises(UnreadableClip, match="There is no file"):
        enhance(tools, path)


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "~nobody_of_that_name/a.gif"])
def test_what_is_no_path_is_a_sentence(tools, path):
    with pytest.raises(UnreadableClip, match="This is no path"):
        enhance(tools, path)


def test_a_bad_file_leaves_nothing(tools):
    (tools.clips / "bad.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)))
    with pytest.raises(UnreadableClip, match=r"bad\.mp4"):
        enhance(tools, "bad.mp4")
    assert not left_in(tools)


def test_a_cancelled_call_leaves_nothing(tools):
    gif(tools.clips / "long.gif", frames=40)
    cancel = threading.Event()
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total, len(left_in(tools))))
        cancel.set()

    with pytest.raises(Cancelled):
        tools.enhance("long.gif", "", 1.0, False, progress, cancel)
    assert seen[0][:2] == (EnhanceSettings().batch_size, 40)
    assert seen[0][2] > 1, "nothing was being written"
    assert not left_in(tools)


def test_what_is_being_written_goes_when_the_process_ends(tools):
    started, go_on = threading.Event(), threading.Event()

    def progress(done: int, total: int) -> None:
        started.set()
        go_on.wait(60)

    kept, cancel = enhance(tools, "poor.gif"), threading.Event()

    def work() -> None:
        with pytest.raises(Cancelled):
            tools.enhance("poor.gif", "", 1.0, False, progress, cancel)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(60)
    assert (tools.results / "poor_2").is_dir()
    tools.discard()
    written = {path.parent for path in left_in(tools) if path.is_file()}
    assert written == {Path(kept.files["enhanced"]).parent}
    cancel.set()
    go_on.set()
    thread.join(60)


def test_a_model_is_named_as_it_is_listed(tools):
    with pytest.raises(CheckpointNotFound, match="Choose one of halve, echogan"):
        enhance(tools, "poor.gif", model="someone/model")
    with pytest.raises(CheckpointNotFound):
        enhance(tools, "poor.gif", model=str(tools.clips))
    told = enhance(tools, "poor.gif", model="echogan-camus")
    facts = {one["name"]: one for one in tools.models()}
    assert told.model == "echogan-camus"
    assert told.sha256 == facts["echogan-camus"]["sha256"]
    assert all("folder" not in one for one in facts.values())


def test_a_strength_out_of_its_range_is_a_sentence(tools):
    with pytest.raises(SettingsError, match="strength is 2"):
        enhance(tools, "poor.gif", strength=2)


def frames_of(path: str | Path) -> np.ndarray:
    """All frames of a video, grey: uint8 (T, H, W)."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])


def test_no_identity_is_told_or_shown(tools):
    planted(tools.clips)
    told = enhance(tools, "Zyxwvq_Margarethe AC-773311.dcm")
    assert_nameless(json.dumps(asdict(told)).encode(), "the answer")
    for path in left_in(tools):
        assert_nameless(str(path.relative_to(tools.results)).encode(), "a name")
        if path.is_file():
            assert_nameless_file(path)
    shown = frames_of(told.files["enhanced"])[0]
    assert shown[FAN.mask(HEIGHT, WIDTH)].mean() > 40
    corners = [
        shown[rows, columns].max() < 60
        for rows in (slice(0, 18), slice(HEIGHT - 18, None))
        for columns in (slice(0, 74), slice(WIDTH - 74, None))
    ]
    assert sum(corners) >= 3, "one corner may hold the mark, the others are black"


def test_a_missing_library_is_a_sentence(tmp_path, monkeypatch, capsys):
    for name in ("mcp", "mcp.server"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "echogan.cli.mcp_server", raising=False)
    assert main(["mcp", str(tmp_path), str(tmp_path / "results")]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.strip()) == ("", ABSENT)
    assert not (tmp_path / "results").exists()
