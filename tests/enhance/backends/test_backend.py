"""Backends: all equal to torch within a grey level, the choice of one, and what is said where it cannot be had."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import checkpoint, clip_of, fan_sector, speckle

from echogan.core.errors import SettingsError
from echogan.enhance.backends import backend as module
from echogan.enhance.backends.backend import NEEDED, PREFERRED, place, translators
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generators

torch.set_num_threads(1)
CPU = torch.device("cpu")
GREY_LEVEL = 2 / 255  # of frames in [-1, 1]
SMALL = {
    "pyramid": GeneratorConfig(channels=8, blocks=1, frames=3),
    "pyramid without norm": GeneratorConfig(channels=8, blocks=1, frames=5, norm="none"),
    "resnet": GeneratorConfig(kind="resnet", channels=4, blocks=1, image_channels=3),
    "unet256": GeneratorConfig(kind="unet256", channels=4),
}


@pytest.fixture(params=PREFERRED)
def backend(request: pytest.FixtureRequest, tmp_path, monkeypatch) -> str:
    """One that is installed, with a cache of its own."""
    for library in NEEDED[request.param]:
        pytest.importorskip(library, reason=f"{library} is not installed")
    monkeypatch.setenv("ECHOGAN_CACHE", str(tmp_path))
    return request.param


@pytest.mark.parametrize("kind", SMALL)
def test_every_kind_of_generator_computes_what_torch_does(backend, kind: str):
    torch.manual_seed(1)
    networks = build_generators(SMALL[kind])
    for parameter in (p for net in networks for p in net.parameters() if p.ndim > 1):
        torch.nn.init.normal_(parameter, 0, 0.1)
    config = replace(checkpoint(*networks).config, generator=SMALL[kind])
    made = replace(checkpoint(*networks), config=config)
    sides = ((256, 256), (512, 256)) if kind == "unet256" else ((64, 96), (112, 64))
    for run, network, frames in zip(
        translators(made, CPU, backend), networks, (SMALL[kind].frames, 1), strict=True
    ):
        for count, (height, width) in zip((1, 3), sides, strict=True):
            seen = torch.rand(count, frames, height, width) * 2 - 1
            with torch.inference_mode():
                found, wanted = run(seen), network(seen)
            assert found.shape == wanted.shape
            assert (wanted - seen[:, frames // 2 : frames // 2 + 1]).abs().mean() > 0.01, (
                "it changes something"
            )
            assert (found - wanted).abs().max() < 0.1 * GREY_LEVEL


def test_a_still_may_come_as_one_frame(backend):
    networks = build_generators(SMALL["pyramid"])
    torch.nn.init.normal_(networks[0].heads.weight, 0, 0.5)  # type: ignore[union-attr]
    config = replace(checkpoint(*networks).config, generator=SMALL["pyramid"])
    to_high, _ = translators(replace(checkpoint(*networks), config=config), CPU, backend)
    still = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(to_high(still), networks[0](still), atol=1e-4)


def test_the_default_network_gives_the_same_pixels_and_cycle(backend):
    frames, sector = speckle(4), fan_sector()
    shipped = load_checkpoint(DEFAULT)

    def result(name):
        enhancer = Enhancer(
            shipped, EnhanceSettings(device="cpu", backend=name, working_size=96, batch_size=3)
        )
        assert enhancer.backend == name
        chunks = list(enhancer.stream(clip_of(frames), sector))
        parts = [(c.enhanced, c.cycled, c.to_high(c.g[:, None])) for c in chunks]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    found, again, wanted = result(backend), result(backend), result("torch")
    for one, same, right in zip(found, again, wanted, strict=True):
        np.testing.assert_array_equal(one, same)
        level = 1 if right.dtype == np.uint8 else GREY_LEVEL
        assert np.abs(one.astype(float) - right).max() <= level
    assert np.abs(wanted[0].astype(int) - frames).max() > 5, "it changes something"


@pytest.fixture
def installed(monkeypatch):
    """Say which libraries are installed."""

    def say(*libraries: str) -> None:
        monkeypatch.setattr(module, "find_spec", lambda name: name if name in libraries else None)

    return say


def test_auto_takes_the_first_that_is_installed_for_weights_from_files(installed):
    shipped = load_checkpoint(DEFAULT)
    for libraries, wanted in (
        (("onnx", "onnxruntime", "openvino"), "onnx"),
        (("onnx", "openvino"), "openvino"),
        (("onnxruntime", "openvino"), "torch"),
        ((), "torch"),
    ):
        installed(*libraries)
        assert place("cpu", "auto", shipped) == (CPU, wanted)
    installed("onnx", "onnxruntime")
    assert place("cpu", "auto", checkpoint(torch.nn.Identity())) == (CPU, "torch")
    assert place("cpu", "torch", shipped) == (CPU, "torch")


def test_auto_takes_torch_on_another_device(installed, monkeypatch):
    installed("onnx", "onnxruntime")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    shipped = load_checkpoint(DEFAULT)
    assert place("mps", "auto", shipped) == (torch.device("mps"), "torch")
    # A backend that is asked for by name takes the CPU where the device is left open.
    assert place("auto", "onnx", shipped) == (CPU, "onnx")


@pytest.mark.parametrize(
    ("device", "backend", "libraries", "words"),
    [
        ("cpu", "onnx", (), "needs onnx and onnxruntime: pip install onnx onnxruntime"),
        ("cpu", "openvino", ("onnx",), "needs openvino: pip install openvino"),
        ("cuda", "onnx", ("onnx", "onnxruntime"), "computes on the CPU"),
        ("cpu", "tensorrt", (), "no backend 'tensorrt'"),
    ],
)
def test_what_cannot_be_had_is_said(installed, device, backend, libraries, words: str):
    installed(*libraries)
    with pytest.raises(SettingsError, match=words):
        place(device, backend, load_checkpoint(DEFAULT))
