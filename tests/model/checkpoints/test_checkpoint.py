"""Checkpoints: what is written is read back, and everything that does not fit is refused by name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from echogan.core import atomic
from echogan.core.errors import CheckpointNotFound, EchoGANError, InvalidCheckpoint, OutputError
from echogan.model.checkpoints import checkpoint as module
from echogan.model.checkpoints.checkpoint import (
    bundled_checkpoints,
    describe_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig, config_json, parse_config
from echogan.model.networks.generators import GeneratorConfig, build_generator

SMALL = GeneratorConfig(channels=4, blocks=1)
CONFIG = CheckpointConfig("small", SMALL, trained_on={"phantom": "1"}, training={"steps": 3})


def nets(seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """Two different generators; random in every layer, because a fresh one may start as the identity."""
    torch.manual_seed(seed)
    pair = build_generator(SMALL), build_generator(SMALL)
    for net in pair:
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.1)
    return pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "small", CONFIG, *nets())
    return tmp_path / "small"


def edit(folder: Path, change: dict[str, Any], drop: str = "") -> None:
    raw = json.loads((folder / "config.json").read_text()) | change
    raw.pop(drop, None)
    (folder / "config.json").write_text(json.dumps(raw))


def refused(folder: Path, kind: type[EchoGANError] = InvalidCheckpoint) -> str:
    with pytest.raises(kind) as caught:
        read_checkpoint(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_a_saved_checkpoint_computes_what_the_rounded_generators_compute(folder: Path) -> None:
    to_high, to_low = (net.half().float().eval() for net in nets())
    read = read_checkpoint(folder)
    x = torch.rand(2, 1, 32, 48) * 2 - 1
    with torch.no_grad():
        assert torch.equal(read.to_high(x), to_high(x))
        assert torch.equal(read.to_low(x), to_low(x))
        assert not torch.equal(read.to_high(x), read.to_low(x))
    assert read.config == CONFIG
    assert (read.name, read.source, read.revision, read.notes) == ("small", str(folder), None, ())
    assert read.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_generators_come_frozen_in_eval_mode_and_float32(folder: Path) -> None:
    for net in (read_checkpoint(folder).to_high, read_checkpoint(folder).to_low):
        assert not net.training
        for parameter in net.parameters():
            assert parameter.dtype is torch.float32
            assert not parameter.requires_grad


def test_weights_are_float16_under_both_prefixes(folder: Path) -> None:
    stored = load_file(folder / "model.safetensors")
    names = set(nets()[0].state_dict())
    assert set(stored) == {f"{side}.{name}" for side in ("to_high", "to_low") for name in names}
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}


def test_saving_twice_gives_the_same_bytes_and_no_leftovers(folder: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "again", CONFIG, *nets())
    assert sorted(os.listdir(tmp_path / "again")) == ["config.json", "model.safetensors"]
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("written", [0, 1])
def test_a_broken_save_leaves_the_old_checkpoint_whole(folder: Path, monkeypatch, written: int) -> None:
    before = read_checkpoint(folder).sha256
    calls = []

    def full(*_: object) -> None:
        calls.append(0)
        if len(calls) > written:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot be written .*No space left.*choose another folder\.$"):
        save_checkpoint(folder, CONFIG, *nets(seed=1))
    assert sorted(os.listdir(folder)) == ["config.json", "model.safetensors"]
    assert read_checkpoint(folder).sha256 == before


def test_loading_does_not_shift_the_random_numbers(folder: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    read_checkpoint(folder)
    assert torch.equal(torch.rand(3), expected)


def test_generators_that_are_not_the_config_s_are_not_saved(tmp_path: Path) -> None:
    bigger = build_generator(dataclasses.replace(SMALL, blocks=2))
    with pytest.raises(InvalidCheckpoint, match="has unexpected weights"):
        save_checkpoint(tmp_path / "x", CONFIG, bigger, nets()[1])
    assert not (tmp_path / "x").exists()


def test_a_weight_too_large_for_float16_is_not_saved(tmp_path: Path) -> None:
    to_high, to_low = nets()
    with torch.no_grad():
        next(to_high.parameters()).view(-1)[0] = 1e6
    with pytest.raises(InvalidCheckpoint, match=r"not finite in float16 \(to_high\."):
        save_checkpoint(tmp_path / "x", CONFIG, to_high, to_low)


@pytest.mark.parametrize("name", ["", "../x", "a\nb", "x" * 97, 3])
def test_a_name_that_could_mislead_is_not_saved(tmp_path: Path, name: Any) -> None:
    with pytest.raises(InvalidCheckpoint, match="'name' must be text"):
        save_checkpoint(tmp_path / "x", dataclasses.replace(CONFIG, name=name), *nets())


@pytest.mark.parametrize("value", [math.nan, object(), {1, 2}])
def test_settings_that_json_cannot_hold_are_not_saved(tmp_path: Path, value: Any) -> None:
    config = dataclasses.replace(CONFIG, training={"loss": value})
    with pytest.raises(InvalidCheckpoint, match="cannot be written as JSON"):
        save_checkpoint(tmp_path / "x", config, *nets())


GENERATOR = {"kind": "pyramid", "channels": 4, "blocks": 1, "norm": "instance"}
WRONG = [
    ({"format": "1"}, "'format' must be 1, not '1'"),
    ({"format": 2}, "has checkpoint format 2, and this version reads only 1; update EchoGANhance"),
    ({"format": True}, "'format' must be 1, not True"),
    ({"name": None}, "'name' must be text"),
    (
        {"working_size": 250},
        "'working_size' must be a multiple of 16 from 64 to 1024, not 250",
    ),
    ({"working_size": 48}, "'working_size' must be"),
    ({"working_size": 1040}, "'working_size' must be"),
    ({"working_size": 256.0}, "'working_size' must be"),
    ({"trained_on": "phantom"}, "'trained_on' must be a JSON object, not 'phantom'"),
    ({"training": []}, "'training' must be a JSON object"),
    ({"license": ""}, "'license' must be text"),
    ({"license": "x" * 999}, "'license' must be text"),
    ({"generator": 5}, "'generator' must be a JSON object, not 5"),
    ({"generator": GENERATOR | {"channels": 3}}, "'generator.channels' must be a whole number from 4 to 256"),
    ({"generator": GENERATOR | {"channels": 257}}, "not 257; correct it or save the checkpoint again."),
    ({"generator": GENERATOR | {"channels": 10**400}}, "'generator.channels' must be a whole number"),
    ({"generator": GENERATOR | {"blocks": 33}}, "'generator.blocks' must be a whole number"),
    ({"generator": GENERATOR | {"blocks": -1}}, "'generator.blocks' must be a whole number"),
    ({"generator": GENERATOR | {"kind": "unet"}}, "'generator.kind' must be one of pyramid"),
    ({"generator": GENERATOR | {"kind": ["pyramid"]}}, "'generator.kind' must be one of"),
    ({"generator": GENERATOR | {"norm": "batch"}}, "'generator.norm' must be one of"),
    (
        {"generator": GENERATOR | {"width": 1}},
        "has a field 'generator.width' that this version does not know",
    ),
    ({"generator": {"kind": "pyramid"}}, "has no field 'generator.channels'; add it"),
    ({"auto_map": "x.py"}, "has a field 'auto_map' that this version does not know; remove it or update"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG)
def test_each_wrong_field_is_named_before_anything_is_built(
    folder: Path, change: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: object) -> nn.Module:
        raise AssertionError("built from an unchecked config")

    monkeypatch.setattr(module, "build_generators", never)
    edit(folder, change)
    assert sentence in refused(folder)


@pytest.mark.parametrize(
    "name", [f.name for f in dataclasses.fields(CheckpointConfig) if not f.metadata.get("optional")]
)
def test_a_missing_field_is_named(folder: Path, name: str) -> None:
    edit(folder, {}, drop=name)
    assert f"has no field '{name}'; add it or save the checkpoint again." in refused(folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1, "a": 2}', "a key occurs twice"),
        (b'{"a": "\\ud800"}', "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not valid JSON"),
        (b"[1, 2]", "'the whole file' must be a JSON object, not [1, 2]"),
        (b"null", "'the whole file' must be a JSON object, not None"),
        (b" " * 1_000_001, "config.json of {folder} has 1,000,001 bytes, more than the 1,000,000 allowed"),
    ],
)
def test_a_config_that_is_no_json_object_is_refused(folder: Path, text: bytes, reason: str) -> None:
    (folder / "config.json").write_bytes(text)
    assert reason.replace("{folder}", str(folder)) in refused(folder)


def test_config_survives_its_own_json() -> None:
    assert parse_config(config_json(CONFIG), "x") == CONFIG


def change_weights(folder: Path, change: dict[str, torch.Tensor | None]) -> None:
    weights: dict[str, Any] = load_file(folder / "model.safetensors") | change
    save_file({k: v for k, v in weights.items() if v is not None}, folder / "model.safetensors")


def first_name(folder: Path, side: str) -> str:
    return min(name for name in load_file(folder / "model.safetensors") if name.startswith(side))


def test_missing_weights_are_named(folder: Path) -> None:
    change_weights(folder, {name: None for name in load_file(folder / "model.safetensors") if "low" in name})
    text = refused(folder)
    assert "lacks weights (to_low." in text
    assert " more) for its config.json; use the two files that were saved together." in text


def test_unexpected_weights_are_named_without_control_characters(folder: Path) -> None:
    change_weights(folder, {"to_high.\x1b[31mextra": torch.zeros(1, dtype=torch.float16)})
    assert r"has unexpected weights (to_high.\x1b[31mextra)" in refused(folder)


def test_a_wrong_shape_is_named(folder: Path) -> None:
    name = first_name(folder, "to_high")
    change_weights(folder, {name: torch.zeros(2, 3, dtype=torch.float16)})
    assert f"has wrongly shaped weights ({name})" in refused(folder)


def test_a_wrong_type_is_named(folder: Path) -> None:
    name = first_name(folder, "to_low")
    change_weights(folder, {name: load_file(folder / "model.safetensors")[name].float()})
    assert f"has wrongly typed weights ({name})" in refused(folder)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_named(folder: Path, value: float) -> None:
    name = first_name(folder, "to_high")
    change_weights(folder, {name: torch.full_like(load_file(folder / "model.safetensors")[name], value)})
    assert f"has weights that are not finite in float16 ({name}); take an earlier checkpoint" in refused(
        folder
    )


def test_an_oversized_config_is_found_out_without_allocating(folder: Path) -> None:
    edit(folder, {"generator": {"kind": "resnet", "channels": 256, "blocks": 32, "norm": "instance"}})
    assert "weights (to_high." in refused(folder)  # built for real it would take 5 GB


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_truncated_weights_are_damaged(folder: Path, cut: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    expected = f"model.safetensors of {folder} is damaged or not safetensors; copy or save it again."
    assert refused(folder) == expected
    with pytest.raises(InvalidCheckpoint) as caught:
        describe_checkpoint(folder)
    assert str(caught.value) == expected


def test_flipped_bits_in_the_header_end_in_a_sentence(folder: Path) -> None:
    path = folder / "model.safetensors"
    good = path.read_bytes()
    for position in range(0, 600, 7):
        bad = bytearray(good)
        bad[position] ^= 1 << (position % 8)
        path.write_bytes(bad)
        with suppress(
            InvalidCheckpoint
        ):  # a flip inside "__metadata__" harms nothing; no other error may come
            read_checkpoint(folder)


def test_weights_over_the_limit_are_not_read(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(2 * 2**30 + 1)  # sparse: takes no room on the disk
    sentence = "has 2,147,483,649 bytes, more than the 2,147,483,648 allowed; choose a smaller checkpoint."
    assert sentence in refused(folder)
    with pytest.raises(InvalidCheckpoint, match="more than the"):
        describe_checkpoint(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "net.pt", "best.pth", "last.CKPT", "weights.pkl"])
def test_pickled_weights_are_refused(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    text = refused(folder)
    assert f"has only pickled weights ({name}), which can run code and are refused" in text
    assert "torch.load(..., weights_only=True)" in text
    assert "save_checkpoint" in text


def test_a_pickle_beside_good_weights_is_ignored(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(b"not even a pickle")
    assert read_checkpoint(folder).name == "small"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"has no {name}, and a checkpoint is config.json and" in refused(folder, CheckpointNotFound)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_in_place_of_a_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert f"{name} cannot be read (not a file)" in refused(folder, CheckpointNotFound)


def test_no_folder_is_said(tmp_path: Path) -> None:
    text = refused(tmp_path / "nowhere", CheckpointNotFound)
    assert text.startswith(f"There is no checkpoint folder {tmp_path / 'nowhere'};")


def test_describing_builds_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "build_generators", None)
    facts = describe_checkpoint(folder)
    assert facts.name == "small"
    assert facts.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert facts.parameters == sum(p.numel() for net in nets() for p in net.parameters())
    assert facts.config.trained_on == {"phantom": "1"}


def test_bundled_checkpoints_are_the_folders_with_a_config(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(__file__).resolve().parents[3] / "checkpoints" == module.BUNDLED
    monkeypatch.setattr(module, "BUNDLED", tmp_path)
    (tmp_path / "empty").mkdir()
    assert bundled_checkpoints() == [folder]
    for name in ("a-model", "echogan", "segmenter-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    assert [path.name for path in bundled_checkpoints()] == ["echogan", "a-model", folder.name]
    monkeypatch.setattr(module, "BUNDLED", tmp_path / "nowhere")
    assert bundled_checkpoints() == []


def test_every_bundled_checkpoint_loads() -> None:
    for path in bundled_checkpoints():
        assert read_checkpoint(path).sha256 == describe_checkpoint(path).sha256
