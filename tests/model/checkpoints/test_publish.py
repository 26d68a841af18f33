"""Publishing to a loopback Hub: what is uploaded, what is refused, and that the token is nowhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
import torch
import yaml
from fakehub import FakeHub  # pyright: ignore[reportMissingImports]
from huggingface_hub import constants

from echogan.core.errors import CheckpointError, CheckpointNotFound, EchoGANError
from echogan.enhance.calibrated import calibration_of
from echogan.model.checkpoints.checkpoint import BUNDLED, read_checkpoint, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.checkpoints.model_card import model_card
from echogan.model.checkpoints.publish import Published, publish
from echogan.model.networks.generators import GeneratorConfig, build_generator
from eval.paths import RESULTS
from eval.reporting.tables import MAKERS

REPO = "heart/small"
CONFIG = CheckpointConfig(
    "small",
    GeneratorConfig(channels=4, blocks=1),
    trained_on={"low": {"phantom": "1.3.0"}, "high": {"phantom": "1.3.0"}},
    training={"steps": 300, "held_out": {"ssim": 0.5678, "gcnr": 0.8}},
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A Hub whose token is in the environment."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the loopback Hub speaks plain LFS
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    huggingface_hub.close_session()
    fake = FakeHub()
    monkeypatch.setenv("HF_TOKEN", fake.token)
    yield fake
    fake.close()
    huggingface_hub.close_session()


def small(folder: Path, **other: object) -> Path:
    torch.manual_seed(0)
    config = dataclasses.replace(CONFIG, **other)  # type: ignore[arg-type]
    save_checkpoint(folder, config, *(build_generator(config.generator) for _ in range(2)))
    return folder


def put(hub: FakeHub, folder: Path, repo: str = REPO, **more: object) -> Published:
    return publish(folder, repo, endpoint=hub.url, **more)  # type: ignore[arg-type]


def head(hub: FakeHub, repo: str = REPO) -> dict[str, bytes]:
    repository = hub.repos[repo]
    return repository.commits[repository.refs["main"]]


def refusal(hub: FakeHub, folder: Path, repo: str = REPO, **more: object) -> str:
    with pytest.raises(EchoGANError) as caught:
        put(hub, folder, repo, **more)
    assert "Secret" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_what_was_published_is_loaded_as_it_was(hub, tmp_path):
    folder = small(tmp_path / "small")
    done = put(hub, folder)
    assert done == Published(f"{hub.url}/{REPO}/commit/{done.commit}", done.commit, True)
    assert [(made["organization"], made["name"], made["private"]) for made in hub.created] == [
        ("heart", "small", True)
    ]
    assert set(head(hub)) == {"config.json", "model.safetensors", "README.md"}
    loaded = load_checkpoint(f"{REPO}@{done.commit}", endpoint=hub.url, cache_dir=tmp_path / "cache")
    assert loaded.sha256 == read_checkpoint(folder).sha256
    assert loaded.config == read_checkpoint(folder).config


def test_the_token_is_sent_and_neither_stored_nor_uploaded(hub, tmp_path, capfd):
    put(hub, small(tmp_path / "small"))
    assert f"Bearer {hub.token}" in hub.tokens
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and hub.token.encode() in path.read_bytes()
    ]
    assert not any(hub.token.encode() in data for data in head(hub).values())
    shown = capfd.readouterr()
    assert hub.token not in shown.out + shown.err


def test_a_token_that_is_given_goes_before_that_of_the_environment(hub, tmp_path, monkeypatch):
    folder = small(tmp_path / "small")
    assert "does not let this token write" in refusal(hub, folder, token="hf_otherSecret")
    monkeypatch.setenv("HF_TOKEN", "hf_otherSecret")
    assert put(hub, folder, token=f" {hub.token}\n").private


def test_the_card_says_what_it_is_and_its_header_is_yaml(tmp_path):
    checkpoint = read_checkpoint(small(tmp_path / "small"))
    card = model_card(checkpoint, REPO, "MIT")
    header = yaml.safe_load(card.split("---")[1])
    assert header["license"] == "mit"
    assert header["library_name"] == "echogan"
    for part in (
        *("not for diagnosis", "| ssim | 0.5678 |", "| gcnr | 0.8 |", '"steps": 300', checkpoint.sha256),
        *(f"--model {REPO}", "1.3.0", "## Limits", "It is simulated"),
    ):
        assert part in card
    other = yaml.safe_load(model_card(checkpoint, REPO, 'ours: "see" \\ {x}').split("---")[1])
    assert (other["license"], other["license_name"]) == ("other", 'ours: "see" \\ {x}')


def test_a_bundled_checkpoint_takes_its_own_card_and_licence_along(hub):
    put(hub, BUNDLED / "echogan-camus", "me/camus")
    assert head(hub, "me/camus")["README.md"] == (BUNDLED / "echogan-camus" / "README.md").read_bytes()
    assert head(hub, "me/camus")["LICENSE"] == (BUNDLED / "echogan-camus" / "LICENSE").read_bytes()


def test_the_licence_of_own_clips_must_be_stated_and_another_cannot_be_changed(hub, tmp_path):
    own = small(tmp_path / "own", license="not stated")
    assert "Give --license" in refusal(hub, own)
    put(hub, own, license="CC-BY-NC-SA-4.0")
    assert b"\nlicense: cc-by-nc-sa-4.0\n" in head(hub)["README.md"]
    assert "cannot be changed" in refusal(hub, small(tmp_path / "b"), license="CC0-1.0")
    assert hub.log.count("POST /api/repos/create") == 1  # what is refused asks nothing


def test_public_is_only_what_is_asked_to_be(hub, tmp_path):
    folder = small(tmp_path / "small")
    assert put(hub, folder, private=False).private is False
    before = head(hub)
    assert "is public. Publish for all to see (--no-private)" in refusal(hub, folder)
    assert head(hub) == before
    put(hub, folder, "heart/other")
    assert put(hub, folder, "heart/other", private=False).private  # it is there and stays as it is


@pytest.mark.parametrize("name", ["small", "a/b/c", "/x", "a b/c", "../x", "", "hf_tokenSecret123456"])
def test_what_is_no_repository_s_name_is_said(hub, tmp_path, name):
    assert "user/model" in refusal(hub, small(tmp_path / "small"), name)
    assert hub.log == []


def test_without_a_token_nothing_is_asked(hub, tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    assert "Set HF_TOKEN" in refusal(hub, small(tmp_path / "small"))
    assert hub.log == []


def test_a_wrong_token_and_a_hub_out_of_order_are_said(hub, tmp_path, monkeypatch):
    folder = small(tmp_path / "small")
    monkeypatch.setenv("HF_TOKEN", "hf_anotherSecret0123456789")
    assert "does not let this token write" in refusal(hub, folder)
    hub.status = 500
    assert "Nothing was published" in refusal(hub, folder)
    hub.close()
    assert "Nothing was published" in refusal(hub, folder)


def test_what_is_no_checkpoint_is_refused_before_anything_is_asked(hub, tmp_path):
    folder = small(tmp_path / "small")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError):
        put(hub, folder)
    with pytest.raises(CheckpointNotFound):
        put(hub, tmp_path / "none")
    assert hub.log == []


def test_a_calibration_goes_along_and_comes_back(hub, tmp_path):
    put(hub, BUNDLED / "echogan", "me/echogan")
    loaded = load_checkpoint("me/echogan", endpoint=hub.url, cache_dir=tmp_path / "cache")
    assert loaded.folder is not None
    for name in ("trust.json", "trust.safetensors"):
        assert (loaded.folder / name).read_bytes() == (BUNDLED / "echogan" / name).read_bytes()
    found, own = (calibration_of(one) for one in (loaded, read_checkpoint(BUNDLED / "echogan")))
    assert found is not None
    assert own is not None
    assert found.calibration == own.calibration


def test_a_calibration_that_is_too_large_is_left_where_it_is(hub, tmp_path):
    files = {name: (BUNDLED / "echogan" / name).read_bytes() for name in ("config.json", "model.safetensors")}
    hub.push("a/b", files | {"trust.json": b" " * 1_000_001})
    loaded = load_checkpoint("a/b", endpoint=hub.url, cache_dir=tmp_path / "cache")
    assert loaded.folder is not None
    assert not (loaded.folder / "trust.json").exists()


def test_a_measurement_goes_into_the_card_if_it_is_of_these_weights(hub, tmp_path, monkeypatch, capsys):
    from echogan.cli.main import main

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    folder = small(tmp_path / "small")
    result = json.loads((RESULTS / "memory.json").read_text())
    of_others, ours = tmp_path / "others" / "memory.json", tmp_path / "memory.json"
    of_others.parent.mkdir()
    of_others.write_text(json.dumps(result))
    assert main(["publish", str(folder), REPO, "--results", str(of_others)]) == 2
    assert "not measured with these weights" in capsys.readouterr().err
    sha256 = read_checkpoint(folder).sha256
    ours.write_text(json.dumps(result | {"models": [{"name": "small", "sha256": sha256}]}))
    assert main(["publish", str(folder), REPO, "--results", str(ours)]) == 0
    assert MAKERS["memory"](result) in head(hub)["README.md"].decode()
    (tmp_path / "speed.json").write_text("{}")
    for wrong in (tmp_path / "speed.json", tmp_path / "none.json", tmp_path / "gone" / "memory.json"):
        assert main(["publish", str(folder), REPO, "--results", str(wrong)]) == 2


def test_a_run_is_published_by_its_best_checkpoint(hub, tmp_path, monkeypatch, capsys):
    from echogan.cli.main import main

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    small(tmp_path / "run" / "checkpoint", name="last")
    small(tmp_path / "run" / "checkpoint_best", name="best")
    assert main(["publish", str(tmp_path / "run"), REPO]) == 0
    assert json.loads(head(hub)["config.json"])["name"] == "best"
    assert f"(private); use it with --model {REPO}@" in capsys.readouterr().out
    assert main(["publish", str(tmp_path / "none"), REPO]) == 2
