"""The command line: exit codes, sentences, folders, names, Ctrl-C. Mostly in process; imports are slow."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle
from PIL import Image

import echogan
from echogan.cli.main import main
from echogan.clips.files import open_clip, write_clip
from echogan.core.notice import MARK, NOTICE
from echogan.model.checkpoints import hub
from echogan.model.networks.reference import UnetGenerator

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[2]
FAN = "60,2,-38,38,3,86"


@pytest.fixture(autouse=True)
def fake_model(monkeypatch):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5)))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.gif"
    frames = np.where(fan_sector().mask, speckle(6), 0).astype(np.uint8)
    write_clip(path, frames, clip_of(frames))
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_help_is_quick_and_names_the_commands():
    code = (
        "import sys; from echogan.cli.main import main; main(['--help']); "
        "print([name for name in ('torch', 'cv2', 'numpy', 'tyro') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for name in ("enhance", "models", "phantom", "train", "convert", NOTICE):
        assert name in done.stdout


def test_the_program_prints_one_sentence_and_exits_2():
    command = [sys.executable, "-m", "echogan", "enhnce"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    choice = (
        "Choose one of enhance, models, phantom, train, convert, calibrate, "
        "publish, space, browser-demo, dicomweb, listen, mcp, users, curate, study."
    )
    assert done.stderr == f"There is no command 'enhnce'. {choice}\n"


def test_a_missing_input_is_one_sentence(tmp_path, capsys):
    assert run("enhance", tmp_path / "none.mp4", tmp_path / "out.mp4") == 2
    assert capsys.readouterr().err == f"There is no file or folder {tmp_path / 'none.mp4'}. Check the path.\n"


def test_enhance_one(clip, tmp_path, capsys):
    out, report, arrays = tmp_path / "out.mp4", tmp_path / "r.json", tmp_path / "a.npz"
    flags = ("--report", report, "--arrays", arrays, "--strength", 0.5, "--device", "cpu", "--sector", FAN)
    flags += ("--working-size", 64, "--figure", tmp_path / "map.png", "--trust-card", tmp_path / "card.pdf")
    assert run("enhance", clip, out, *flags) == 0
    assert open_clip(out).frames == 6
    said = json.loads(report.read_text())
    assert (said["strength"], said["device"], said["settings"]["working_size"]) == (0.5, "cpu", 64)
    assert said["sector"]["fan"]["apex_x"] == 60
    assert np.load(arrays)["original"].shape == (6, 96, 120)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "card.pdf").read_bytes().startswith(b"%PDF")
    assert said["trust"]["sha256"][:12] in (tmp_path / "card.html").read_text()
    shown = capsys.readouterr()
    assert "6 frames" in shown.out
    assert "%|" not in shown.err  # no bar where there is no terminal


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--strength", "x"], "could not convert"),
        (["--strength", "2"], "strength is 2.0; give a number from 0 to 1."),
        (["--device", "tpu"], "tpu"),
        (["--foo"], "--foo"),
        (["--sector", "1,2,3"], "is not a sector"),
        (["--keep-identity", "--blackout"], "contradict"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(clip, tmp_path, capsys, flags, sentence):
    assert run("enhance", clip, tmp_path / "out.mp4", *flags) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert sentence in shown.err
    assert list(tmp_path.iterdir()) == []


def test_missing_and_unknown_commands(capsys):
    assert main([]) == 2
    assert main(["enhnce"]) == 2
    assert "Choose one of enhance, models" in capsys.readouterr().err
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == echogan.__version__
    assert main(["enhance"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_input_is_never_the_output(clip, tmp_path, capsys):
    before = clip.read_bytes()
    link = tmp_path / "link.gif"
    link.symlink_to(clip)
    assert run("enhance", clip, clip) == 2
    assert run("enhance", clip, link) == 2
    assert run("enhance", clip.parent, clip.parent) == 2
    assert capsys.readouterr().err.count("is the input") == 3
    assert clip.read_bytes() == before


def test_a_folder_goes_on_past_a_bad_file(clip, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "b.gif").write_bytes(clip.read_bytes())
    (folder / "a.mp4").write_text("not a clip")
    (folder / ".hidden").write_text("not looked at")
    (folder / "b.bmp").write_bytes(
        clip.read_bytes()
    )  # read by content, so a GIF; it shares its stem with b.gif
    code = run(
        "enhance", folder, out, "--report", out, "--sector", FAN, "--device", "cpu", "--working-size", 64
    )
    shown = capsys.readouterr()
    assert code == 1
    assert {path.name for path in out.iterdir()} == {"b_gif.mp4", "b_gif.json", "b_bmp.mp4", "b_bmp.json"}
    assert "a.mp4: " in shown.err
    assert "1 of 3 files failed" in shown.err


def test_a_folder_without_failures_exits_0(clip, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "one.gif").write_bytes(clip.read_bytes())
    flags = ("--device", "cpu", "--working-size", 64, "--format", "png")
    assert run("enhance", folder, tmp_path / "out", *flags) == 0
    assert len(list((tmp_path / "out" / "one").glob("*.png"))) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_cleanly_with_130(clip, tmp_path, capsys, monkeypatch, number):
    before = signal.getsignal(number)

    class Interrupting(Scale):
        def forward(self, x):
            os.kill(os.getpid(), number)
            return super().forward(x)

    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Interrupting(0.5)))
    flags = ("--device", "cpu", "--batch-size", 2, "--working-size", 64)
    assert run("enhance", clip, tmp_path / "out.mp4", "--report", tmp_path / "r.json", *flags) == 130
    assert list(tmp_path.iterdir()) == []
    assert "Stopped" in capsys.readouterr().err
    assert signal.getsignal(number) is before


def test_clips_named_by_a_uid_become_folders_of_png(clip, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("1.2.840.113619.2.5", "1.2.840.113619.2.6"):
        (folder / name).write_bytes(clip.read_bytes())
    (folder / "study.gif.bad").write_text("not a clip")
    flags = ("--format", "png", "--sector", FAN, "--device", "cpu", "--working-size", 64)
    assert run("enhance", folder, out, *flags) == 1
    frames = {path.name: len(list(path.glob("*.png"))) for path in out.iterdir()}
    assert set(frames) == {"1.2.840.113619.2.5", "1.2.840.113619.2.6"}
    assert min(frames.values()) > 1


def test_models_lists_name_and_hash(capsys):
    assert run("models") == 0
    shown = capsys.readouterr().out
    assert "sha256" in shown or "No checkpoints" in shown


def test_phantom_writes_pairs(tmp_path, capsys):
    out = tmp_path / "out"
    flags = ("--clips", 1, "--seed", 7, "--frames", 2, "--view", "PLAX")
    assert run("phantom", out, *flags, "--only-artefact", "haze", "--only-artefact", "shadow") == 0
    stem = "phantom_00007_PLAX"
    names = (f"{stem}_clean.mp4", f"{stem}_degraded.mp4", f"{stem}.npz", f"{stem}.json", "sheet.png")
    assert {path.name for path in out.iterdir()} == set(names)
    degradation = json.loads((out / f"{stem}.json").read_text())["degradation"]
    assert degradation["haze_db"] is not None
    assert degradation["shadows"]
    assert degradation["noise_db"] is None
    assert "1 pair and sheet.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--clips", 0), "clips is 0; give a whole number from 1 to 10,000"),
        (("--frames", 1001), "frames is 1001; give a whole number from 1 to 1000"),
        (("--seed", -1), "seed is -1"),
        (("--view", "A5C"), "A4C"),
        (("--lesion", "wart"), "thrombus"),
        (("--lesion", "thrombus", "--view", "PSAX-MV"), "choose A4C, A2C, PLAX, PSAX-PM"),
        (("--only-artefact", "fog"), "no artefact 'fog'"),
        (("--format", "avi"), "mp4"),
    ],
)
def test_phantom_refuses_in_one_sentence_and_makes_nothing(tmp_path, capsys, flags, says):
    assert run("phantom", tmp_path / "out", *flags) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_train_hands_its_flags_over(monkeypatch, tmp_path):
    from echogan.training import trainer

    given = []
    monkeypatch.setattr(trainer, "train", lambda config: given.append(config) or tmp_path)
    assert run("train", "--steps", 5, "--name", "try", "--generator.norm", "none") == 0
    assert (given[0].steps, given[0].name, given[0].generator.norm) == (5, "try", "none")


def test_train_keeps_its_runs_where_the_page_looks_for_them(monkeypatch, tmp_path):
    from echogan.training import trainer

    given = []
    monkeypatch.setattr(trainer, "train", lambda config: given.append(config) or tmp_path)
    monkeypatch.setenv("ECHOGAN_DATA", str(tmp_path / "kept"))
    monkeypatch.delenv("ECHOGAN_RUNS", raising=False)
    assert run("train", "--name", "a") == 0
    assert run("train", "--name", "b", "--folder", tmp_path / "given") == 0
    monkeypatch.setenv("ECHOGAN_RUNS", str(tmp_path / "other"))
    assert run("train", "--name", "c") == 0
    places = [config.run_path for config in given]
    assert places == [tmp_path / "kept" / "runs" / "a", tmp_path / "given" / "b", tmp_path / "other" / "c"]


def test_converted_weights_enhance_a_clip(clip, tmp_path, capsys, monkeypatch):
    """A U-Net-256 needs 256 x 256 whatever the working size: the frame is padded, and the clip keeps its size."""
    monkeypatch.undo()  # the real load_checkpoint
    files = []
    for name in ("latest_net_G_A.pth", "latest_net_G_B.pth"):
        torch.manual_seed(len(files))
        torch.save(UnetGenerator(3, 4).state_dict(), tmp_path / name)
        files.append(tmp_path / name)
    out = tmp_path / "out"
    assert run("convert", "--to-high", files[0], "--to-low", files[1], out, "--license", "CC BY 4.0") == 0
    assert "a U-Net-256, 3-channel, ngf 4" in capsys.readouterr().out
    assert json.loads((out / "config.json").read_text())["name"] == "out"
    seen, compute = [], UnetGenerator.forward
    monkeypatch.setattr(UnetGenerator, "forward", lambda net, x: seen.append(x) or compute(net, x))
    flags = ("--model", out, "--sector", FAN, "--device", "cpu", "--working-size", 64, "--backend", "torch")
    assert run("enhance", clip, tmp_path / "better.mp4", *flags) == 0
    assert {x.shape[1:] for x in seen} == {(3, 256, 256)}
    assert sum(len(x) for x in seen) == 2 * 6, "there and back"
    assert all((x[..., :90] == -1).all() for x in seen)  # a fan stands on black; it is not mirrored
    assert open_clip(tmp_path / "better.mp4").frames == 6


def test_convert_refuses_in_one_sentence_and_makes_nothing(tmp_path, capsys):
    none = tmp_path / "none.pth"
    assert run("convert", "--to-high", none, "--to-low", none, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{none} cannot be read (there is no such file); give a generator's weights")
    assert len(said.splitlines()) == 1
    assert run("convert", "--to-high", none, tmp_path / "out") == 2
    assert "--to-low" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_still_becomes_png_with_its_mark(tmp_path):
    frame = np.where(fan_sector(240, 320).mask, speckle(1, 240, 320)[0], 0).astype(np.uint8)
    Image.fromarray(frame).save(tmp_path / "in.png")
    flags = ("--sector", "160,2,-38,38,3,230", "--device", "cpu")
    assert run("enhance", tmp_path / "in.png", tmp_path / "out.png", *flags) == 0
    assert run("enhance", tmp_path / "in.png", tmp_path / "plain.png", "--no-mark", *flags) == 0
    outside = ~fan_sector(240, 320).mask
    with Image.open(tmp_path / "out.png") as marked, Image.open(tmp_path / "plain.png") as plain:
        assert np.asarray(marked)[outside].max() > 120
        np.testing.assert_array_equal(np.asarray(plain)[outside], frame[outside])
        for image in (marked, plain):
            assert image.info["Title"] == MARK
            assert "ab" * 32 in image.info["Comment"]


def test_a_clip_without_room_for_the_mark_keeps_its_size_and_says_so(tmp_path, capsys):
    write_clip(tmp_path / "in.gif", frames := speckle(3), clip_of(frames))
    assert run("enhance", tmp_path / "in.gif", tmp_path / "out.gif", "--device", "cpu") == 0
    assert "only the metadata of the pictures say what they are" in capsys.readouterr().err
    assert open_clip(tmp_path / "out.gif").height == 96
    assert run("enhance", tmp_path / "in.gif", tmp_path / "out.npz", "--device", "cpu") == 0
    assert "metadata" not in capsys.readouterr().err


def test_help_names_the_switch_of_the_mark(capsys):
    with pytest.raises(SystemExit):
        run("enhance", "--help")
    assert "--no-mark" in capsys.readouterr().out
