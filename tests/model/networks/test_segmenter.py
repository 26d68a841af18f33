"""The segmenter: sizes, independence of frames, its folder and what is refused, and that it is no enhancer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import echogan.model.checkpoints.checkpoint as store
from echogan.core.errors import CheckpointNotFound, InvalidCheckpoint, SettingsError
from echogan.model.checkpoints.checkpoint import bundled_checkpoints
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter, save_segmenter
from echogan.model.networks.segmenter import Segmenter, SegmenterConfig, Structure, Wall

SMALL = SegmenterConfig("small", channels=4, working_size=64)


@pytest.fixture(scope="module")
def network() -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(SMALL).eval()


@pytest.mark.parametrize("shape", [(2, 1, 64, 64), (1, 1, 128, 80), (1, 1, 16, 48), (1, 1, 256, 16)])
def test_logits_have_the_size_of_the_frame(network, shape):
    assert network(torch.rand(shape) * 2 - 1).shape == (shape[0], len(Structure), *shape[2:])


def test_a_larger_frame_is_seen_at_the_working_size(network):
    x = torch.rand(1, 1, 128, 128) * 2 - 1
    seen = network(F.avg_pool2d(x, 2))
    assert torch.allclose(network(x), F.interpolate(seen, (128, 128), mode="bilinear"), atol=1e-5)


def test_frames_of_a_batch_do_not_mix(network):
    x = torch.rand(3, 1, 64, 64) * 2 - 1
    assert torch.allclose(network(x)[1:2], network(x[1:2]), atol=1e-5)
    network.train()
    assert torch.allclose(network(x)[1:2], network(x[1:2]), atol=1e-5)
    network.eval()


def test_the_frame_gets_gradients_for_the_anatomy_loss(network):
    x = (torch.rand(1, 1, 128, 128) * 2 - 1).requires_grad_()
    network(x).square().mean().backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0


def test_a_folder_gives_back_the_same_network(network, tmp_path: Path):
    save_segmenter(tmp_path, network)
    first = (tmp_path / "model.safetensors").read_bytes()
    save_segmenter(tmp_path, network)
    assert (tmp_path / "model.safetensors").read_bytes() == first
    loaded = load_segmenter(tmp_path)
    assert loaded.config == SMALL
    assert not any(p.requires_grad for p in loaded.network.parameters())
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor.half().float())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_what_does_not_match_is_refused(network, tmp_path: Path):
    save_segmenter(tmp_path, network)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    text, data = config.read_text(), weights.read_bytes()

    def refused(match: str) -> None:
        with pytest.raises(InvalidCheckpoint, match=match):
            load_segmenter(tmp_path)

    for change, match in (
        ({"kind": "generator"}, "not a segmenter"),
        ({"channels": 8}, "not those of its config"),
        ({"channels": "4"}, "multiple of 4"),
        ({"name": "../x"}, "name is '../x'; give text of letters"),
        ({"training": 3}, "training is 3"),
        ({"more": 1}, "more"),
    ):
        config.write_text(json.dumps(json.loads(text) | change))
        refused(match)
    config.write_text(text)
    weights.write_bytes(data[:-10])
    refused("damaged")
    broken = {k: t.clone() for k, t in load_file_of(data, tmp_path).items()}
    broken["head.bias"][0] = float("nan")
    save_file(broken, weights)
    refused("not finite")
    weights.unlink()
    (tmp_path / "model.pth").write_bytes(b"x")
    refused("pickled")
    with pytest.raises(CheckpointNotFound):
        load_segmenter(tmp_path / "nothing")
    with pytest.raises(SettingsError, match="channels"):
        Segmenter(SegmenterConfig(channels=5))


def load_file_of(data: bytes, folder: Path) -> dict[str, torch.Tensor]:
    path = folder / "copy"
    path.write_bytes(data)
    found = load_file(path)
    path.unlink()
    return found


def test_a_bundled_segmenter_is_not_offered_as_an_enhancer(network, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(store, "BUNDLED", tmp_path)
    save_segmenter(tmp_path / "segmenter-small", network)
    assert bundled_checkpoints() == []


def test_a_segmenter_of_the_wrong_kind_is_refused(tmp_path: Path):
    walls = Segmenter(replace(SMALL, finds="walls"))
    assert walls(torch.zeros(1, 1, 64, 64)).shape[1] == len(Wall)
    save_segmenter(tmp_path, walls)
    assert load_segmenter(tmp_path, "walls").config.finds == "walls"
    with pytest.raises(InvalidCheckpoint, match="finds walls; give a segmenter that finds structures"):
        load_segmenter(tmp_path)


@pytest.mark.parametrize(
    ("name", "finds"), [("segmenter-phantom", "structures"), ("segmenter-walls", "walls")]
)
def test_the_shipped_segmenters_load_and_are_small(name, finds):
    shipped = load_segmenter(name, finds)
    assert shipped.config.license == "MIT"
    assert (shipped.folder / "model.safetensors").stat().st_size < 4_000_000
    assert (shipped.folder / "README.md").is_file()
