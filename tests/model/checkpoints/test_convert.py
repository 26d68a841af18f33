"""Conversion: the original's output to 1e-5, and everything that is not theirs refused without a trace."""

import contextlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from published_cyclegan import Resnet, Unet, trained_like
from torch import nn

from echogan.core.errors import EchoGANError, InvalidCheckpoint, OutputError, SettingsError
from echogan.core.notice import NOTICE
from echogan.model.checkpoints import convert as module
from echogan.model.checkpoints import pth_file
from echogan.model.checkpoints.checkpoint import describe_checkpoint, read_checkpoint
from echogan.model.checkpoints.convert import ConvertSettings, convert

torch.set_num_threads(1)
NAMED = ConvertSettings(name="theirs")
BAD = ["NaN", "missing", "extra", "shape", "integers", "not a tensor", "sparse", "empty", "number keys"]


def saved(folder: Path, name: str, weights: object, **how) -> Path:
    path = folder / name
    torch.save(weights, path, **how)
    return path


def both(folder: Path, high: nn.Module, low: nn.Module) -> tuple[Path, Path]:
    first = saved(folder, "latest_net_G_A.pth", high.state_dict())
    return first, saved(folder, "latest_net_G_B.pth", low.state_dict())


def small(seed: int = 0) -> Resnet:
    network = Resnet(1, 4, 6)
    trained_like(network, seed)
    return network


def refused(folder: Path, high: Path, low: Path, kind: type[EchoGANError] = InvalidCheckpoint) -> str:
    """The sentence; nothing may be written."""
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(kind) as caught:
        convert(high, low, folder / "out", NAMED)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert sorted(path.name for path in folder.iterdir()) == before
    return text


@pytest.mark.parametrize(
    ("network", "images", "width", "size"),
    [
        ("resnet9", 3, 64, 32),  # as the authors' tool trains it
        ("resnet9", 1, 8, 128),
        ("resnet6", 3, 8, 64),
        ("unet256", 3, 16, 256),
        ("unet256", 1, 8, 256),
    ],
)
@torch.no_grad()
def test_a_converted_network_computes_what_the_original_did(tmp_path, network, images, width, size):
    def build() -> nn.Module:
        return Unet(images, width) if network == "unet256" else Resnet(images, width, int(network[-1]))

    originals = trained_like(build(), 1), trained_like(build(), 2)
    config = convert(*both(tmp_path, *originals), tmp_path / "out", NAMED)
    found = read_checkpoint(tmp_path / "out")
    assert found.config == config
    assert (config.generator.image_channels, config.generator.channels) == (images, width)
    x = torch.rand(1, 1, size, size) * 2 - 1
    for original, generator in zip(originals, (found.to_high, found.to_low), strict=True):
        expected = original(x.repeat(1, images, 1, 1)).mean(1, keepdim=True)
        assert expected.std() > 1e-3  # else equality would say little
        assert (generator(x) - expected).abs().max() <= 1e-5


def test_the_folder_says_what_it_is(tmp_path):
    settings = ConvertSettings("theirs", 'CC "BY" 4.0', 320)
    convert(*both(tmp_path, small(1), small(2)), tmp_path / "new" / "out", settings)
    out = tmp_path / "new" / "out"
    assert sorted(os.listdir(out)) == ["README.md", "config.json", "model.safetensors"]
    said = json.loads((out / "config.json").read_text())
    assert (said["name"], said["license"], said["working_size"]) == ("theirs", 'CC "BY" 4.0', 320)
    assert set(said["training"]["sha256"]) == {"to_high", "to_low"}
    assert describe_checkpoint(out).config.generator.kind == "resnet"
    card = (out / "README.md").read_text()
    assert r'license_name: "CC \"BY\" 4.0"' in card
    assert NOTICE in card
    assert str(tmp_path) not in card


def test_the_random_numbers_are_not_shifted(tmp_path):
    files = both(tmp_path, small(1), small(2))
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    convert(*files, tmp_path / "out", NAMED)
    assert torch.equal(torch.rand(3), expected)


def test_files_of_old_versions_and_of_several_gpus_fit(tmp_path):
    """Running statistics of instance norm, the prefix of DataParallel, the older file format, half precision."""
    high, low = small(1), small(2)
    old = {f"module.{name}": tensor for name, tensor in high.state_dict().items()}
    old |= {"module.model.2.running_mean": torch.full((4,), 9.0), "module.model.2.running_var": torch.ones(4)}
    old["module.model.2.num_batches_tracked"] = torch.tensor(5)
    first = saved(tmp_path, "a.pth", old, _use_new_zipfile_serialization=False)
    second = saved(tmp_path, "b.pth", low.half().state_dict())
    convert(first, second, tmp_path / "out", NAMED)
    found = read_checkpoint(tmp_path / "out")
    x = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert (found.to_high(x) - high(x)).abs().max() <= 1e-5
        assert (found.to_low(x) - low.float()(x)).abs().max() <= 1e-5


class Planted:
    """Runs a command wherever it is unpickled for real."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("form", ["pickle", "zip", "legacy", "hidden in a state dict"])
def test_code_in_a_file_is_refused_and_never_run(tmp_path, form):
    trace, path = tmp_path / "ran", tmp_path / "evil.pth"
    planted = Planted(trace)
    if form == "pickle":
        path.write_bytes(pickle.dumps(planted))
    elif form == "hidden in a state dict":
        torch.save(small().state_dict() | {"extra": planted}, path)
    else:
        torch.save(planted, path, _use_new_zipfile_serialization=form == "zip")
    good = saved(tmp_path, "good.pth", small().state_dict())
    assert "which was not run" in refused(tmp_path, path, good)
    assert "which was not run" in refused(tmp_path, good, path)
    assert not trace.exists()
    with contextlib.suppress(RuntimeError):  # a bare pickle is no file of torch's, which it notices too late
        torch.load(path, weights_only=False)  # the trap does work
    assert trace.exists()


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (Resnet(1, 4, 6, nn.BatchNorm2d), "trained with batch norm"),
        (Resnet(1, 4, 7), "it has 7 residual blocks"),
        (Resnet(2, 4, 6), "takes 2 channels"),
        (Resnet(1, 2, 6), "2 wide"),
        (Unet(1, 4, downs=7), "does not fit"),
        (nn.Sequential(nn.Conv2d(1, 4, 3)), "its first layer is another"),
        (nn.Sequential(nn.ReLU()), "its first layer is another"),
    ],
)
def test_other_networks_are_refused(tmp_path, network, says):
    other = saved(tmp_path, "other.pth", network.state_dict())
    good = saved(tmp_path, "good.pth", small().state_dict())
    assert says in refused(tmp_path, good, other)
    assert "other.pth" in refused(tmp_path, other, good)


def test_the_channels_out_must_be_those_in(tmp_path):
    odd = small()
    odd.model[-2] = nn.Conv2d(4, 3, 7)
    path = saved(tmp_path, "odd.pth", odd.state_dict())
    good = saved(tmp_path, "good.pth", small().state_dict())
    assert "does not fit" in refused(tmp_path, path, good)


@pytest.mark.parametrize(
    "pair",
    [
        (Resnet(1, 4, 6), Unet(1, 4)),
        (Resnet(1, 4, 6), Resnet(1, 4, 9)),
        (Resnet(1, 4, 6), Resnet(3, 4, 6)),
        (Resnet(1, 4, 6), Resnet(1, 8, 6)),
    ],
)
def test_both_sides_must_be_the_same_network(tmp_path, pair):
    assert "give both generators of one run" in refused(tmp_path, *both(tmp_path, *pair))


def test_one_file_twice_is_refused(tmp_path):
    path = saved(tmp_path, "a.pth", small().state_dict())
    assert "are the same" in refused(tmp_path, path, path)


@pytest.mark.parametrize("fault", BAD)
def test_a_state_dict_with_one_fault_is_refused(tmp_path, fault):
    """Each fault in every place of the dict, one place per name."""
    good = saved(tmp_path, "good.pth", small().state_dict())
    for name in list(small().state_dict())[:: 1 if fault == "NaN" else 5]:
        weights: dict = small(3).state_dict()
        tensor = weights[name].clone()
        if fault == "NaN":
            tensor.view(-1)[-1] = float("nan")
            weights[name] = tensor
        elif fault == "missing":
            del weights[name]
        elif fault == "extra":
            weights[f"{name}.more"] = tensor
        elif fault == "shape":
            weights[name] = tensor[None]
        elif fault == "integers":
            weights[name] = tensor.to(torch.int64)
        elif fault == "not a tensor":
            weights[name] = tensor.tolist()
        elif fault == "sparse":
            weights[name] = tensor.to_sparse()
        elif fault == "empty":
            weights = {}
        else:
            weights[7] = tensor
        text = refused(tmp_path, saved(tmp_path, "bad.pth", weights), good)
        assert "bad.pth" in text


@pytest.mark.parametrize("legacy", [False, True])
def test_damaged_files_end_in_a_sentence(tmp_path, legacy):
    """Cut short anywhere, or with a bit flipped: refused, or, where only a weight changed, converted."""
    good = saved(tmp_path, "good.pth", small().state_dict())
    path = saved(tmp_path, "bad.pth", small(3).state_dict(), _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    for cut in (0, 1, 4, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:cut])
        refused(tmp_path, path, good)
    draw = torch.Generator().manual_seed(0)
    heads = torch.randint(0, 1500, (15,), generator=draw).tolist()
    tails = torch.randint(len(whole) - 1500, len(whole), (10,), generator=draw).tolist()
    for number, position in enumerate(heads + tails):
        bad = bytearray(whole)
        bad[position] ^= 1 << (position % 8)
        path.write_bytes(bad)
        with contextlib.suppress(InvalidCheckpoint):  # no other error may come
            convert(path, good, tmp_path / "outs" / str(number), NAMED)
    for out in (tmp_path / "outs").glob("*"):
        read_checkpoint(out)


@pytest.mark.parametrize(
    "content", [b"not a pickle", b"\x80\x02.", b"PK\x03\x04", bytes(500), b"\x89PNG\r\n"]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    good = saved(tmp_path, "good.pth", small().state_dict())
    assert "damaged" in refused(tmp_path, path, good)


def test_things_that_are_no_weights_file(tmp_path):
    good = saved(tmp_path, "good.pth", small().state_dict())
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert "it is a folder" in refused(tmp_path, tmp_path / "folder", good)
    assert "no such file" in refused(tmp_path, good, tmp_path / "none.pth")
    assert "cannot be read" in refused(tmp_path, tmp_path / "pipe", good)
    assert "is not a state dict" in refused(tmp_path, saved(tmp_path, "t.pth", torch.ones(3)), good)
    scripted = tmp_path / "script.pth"
    torch.jit.save(torch.jit.script(nn.ReLU()), scripted)
    assert "damaged, or holds more" in refused(tmp_path, scripted, good)


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", bytes(20_000_000))
    monkeypatch.setattr(pth_file, "MAX_WEIGHTS_BYTES", 10_000_000)
    good = saved(tmp_path, "good.pth", small().state_dict())
    assert path.stat().st_size < 100_000
    assert "more than the 10,000,000 allowed" in refused(tmp_path, path, good)


def test_a_pair_too_large_to_be_read_again_is_refused(tmp_path, monkeypatch):
    files = both(tmp_path, small(1), small(2))
    monkeypatch.setattr(pth_file, "MAX_WEIGHTS_BYTES", files[0].stat().st_size + 1000)
    assert "two of them take more" in refused(tmp_path, *files)


@pytest.mark.parametrize("taken", ["a file", "a folder", "a dead link"])
def test_what_is_there_is_never_replaced(tmp_path, taken):
    out = tmp_path / "out"
    if taken == "a folder":
        out.mkdir()
    elif taken == "a file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    assert "is there already" in refused(tmp_path, *both(tmp_path, small(1), small(2)), OutputError)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(source: Path, target: Path) -> None:
        if source.is_dir():  # all its files are written by then
            raise OSError(28, "No space left on device")
        rename(source, target)

    files, rename = both(tmp_path, small(1), small(2)), os.replace
    monkeypatch.setattr(module.os, "replace", full)
    assert "No space left" in refused(tmp_path, *files, OutputError)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (ConvertSettings(), "name is ''; give text of letters"),
        (ConvertSettings("../x"), "name is '../x'; give"),
        (ConvertSettings("x", ""), "license is ''; give text of 1 to 200"),
        (ConvertSettings("x", "two\nlines"), "license is .*; give text of 1 to 200 plain"),
        (
            ConvertSettings("x", working_size=250),
            "working_size is 250; give a multiple of 16 from 64 to 1024",
        ),
        (ConvertSettings("x", working_size=2048), "2048"),
    ],
)
def test_settings_that_a_checkpoint_cannot_hold_are_refused_first(tmp_path, settings, says):
    with pytest.raises(SettingsError, match=says):
        convert(tmp_path / "none", tmp_path / "none", tmp_path / "out", settings)
