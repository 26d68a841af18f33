"""The export to ONNX: once for each checkpoint, kept by its hash, and possible without a cache folder."""

import pytest
import torch

from echogan.core.errors import SettingsError
from echogan.enhance.backends import onnx_file as module
from echogan.enhance.backends.onnx_file import cache_folder, onnx_of
from echogan.model.networks.generators import GeneratorConfig, build_generator

pytest.importorskip("onnx", reason="onnx is not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder that nothing has been written to, and nothing in memory."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ECHOGAN_CACHE", str(folder))
    onnx_of.cache_clear()
    yield folder
    onnx_of.cache_clear()


def network(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_generator(GeneratorConfig(channels=4, blocks=1)).eval()


def test_a_checkpoint_is_exported_once(cache, monkeypatch):
    first = onnx_of(network(1), 1, "ab" * 32, "to_high")
    (kept,) = cache.iterdir()
    assert kept.read_bytes() == first
    onnx_of.cache_clear()
    monkeypatch.setattr(module, "export", lambda *_: pytest.fail("exported again"))
    assert onnx_of(network(1), 1, "ab" * 32, "to_high") == first


def test_other_weights_and_the_other_generator_have_files_of_their_own(cache):
    models = [
        onnx_of(network(1), 1, "ab" * 32, "to_high"),
        onnx_of(network(2), 1, "cd" * 32, "to_high"),
        onnx_of(network(3), 1, "ab" * 32, "to_low"),
    ]
    assert sorted(path.read_bytes() for path in cache.iterdir()) == sorted(models)
    assert len(set(models)) == 3


def test_a_generator_built_in_memory_leaves_no_file(cache):
    assert onnx_of(network(1), 1, None, "to_high") != onnx_of(network(2), 1, None, "to_high")
    assert not cache.exists()


def test_a_folder_that_cannot_be_written_does_no_harm(cache):
    cache.write_text("a file, where the folder should be")
    assert onnx_of(network(1), 1, "ab" * 32, "to_high")


def test_the_cache_folder_is_the_users_own(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("ECHOGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "echogan"


def test_what_cannot_be_exported_is_said():
    class Strange(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.matrix_exp(x)

    with pytest.raises(SettingsError, match="cannot be exported to ONNX"):
        onnx_of(Strange(), 1, None, "to_high")
