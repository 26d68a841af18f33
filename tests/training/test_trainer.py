"""The loop: exact resume, stop_signal, crashes, and that it learns."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy_clips import ToyClips, toy_data

from echogan.core.errors import TrainingError
from echogan.model.checkpoints.checkpoint import read_checkpoint
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.training.config import TrainingConfig, with_settings
from echogan.training.data.loader import TrainingData
from echogan.training.run_folder import RunFolder
from echogan.training.separability import separability
from echogan.training.state import TrainingState
from echogan.training.trainer import learning_rate, open_accelerator, train


@pytest.fixture
def config(tmp_path) -> TrainingConfig:
    return TrainingConfig(
        folder=str(tmp_path), steps=6, size=64, batch_size=2, generator=GeneratorConfig(channels=8, blocks=1),
        discriminator=DiscriminatorConfig(filters=4), pool_size=3, clips_per_round=2, frames_per_clip=2,
        steps_per_round=4, workers=0, device="cpu", tick=1, save_every=2, eval_every=2, preview_every=3,
        held_out_clips=1, learning_rate=2e-3,
    )  # fmt: skip


def quiet(text: str) -> None:
    """Say nothing."""


def at_step(step: int, act):
    """A `say` that acts when a step is reported."""
    return lambda text: act() if text.startswith(f"step {step}/") else None


def crash() -> None:
    raise RuntimeError("the power went out")


def left_behind(run: Path) -> dict:
    """All that a run leaves, but for the clock."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds_per_step", None)
    files = [*run.glob("**/*.safetensors"), *run.glob("previews/*.npz")]
    weights = {p.relative_to(run).as_posix(): load_file(p) for p in files if p.suffix == ".safetensors"}
    return {"lines": lines, "files": sorted(p.relative_to(run).as_posix() for p in files), "weights": weights}


def assert_same(a: dict, b: dict) -> None:
    assert a["lines"] == b["lines"]
    assert a["files"] == b["files"]
    for name, tensors in a["weights"].items():
        assert tensors.keys() == b["weights"][name].keys()
        for key, tensor in tensors.items():
            assert torch.equal(tensor, b["weights"][name][key]), f"{name}: {key}"


@pytest.mark.parametrize(("norm", "bf16"), [("instance", False), ("spectral", False), ("instance", True)])
def test_a_stopped_and_resumed_run_has_the_same_bits(config, norm, bf16):
    config = replace(config, discriminator=replace(config.discriminator, norm=norm), bf16=bf16)
    whole = left_behind(train(replace(config, name="whole"), toy_data(), quiet))
    stop = Path(config.folder) / "parts" / "stop"
    train(replace(config, name="parts"), toy_data(), at_step(2, stop.touch))  # seen after step 3
    assert json.loads((stop.parent / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 3
    parts = left_behind(train(replace(config, name="parts", resume=True), toy_data(), quiet))
    assert_same(whole, parts)
    assert "state.safetensors" in whole["weights"]
    assert len(whole["weights"]["state.safetensors"]) > 100


def test_half_precision_learns_nearly_the_same(config):
    def weights(**settings) -> dict:
        run = train(replace(config, steps=1, name=f"bf16-{bool(settings)}", **settings), toy_data(), quiet)
        return load_file(run / "state.safetensors")

    full, half = weights(), weights(bf16=True)
    assert any(not torch.equal(full[name], half[name]) for name in full)
    assert all(tensor.dtype == full[name].dtype for name, tensor in half.items())  # only sums are in bf16
    heads = full["gan/to_high.heads.bias"], half["gan/to_high.heads.bias"]
    torch.testing.assert_close(*heads, atol=2.1 * config.learning_rate, rtol=0)  # a step of Adam each


def test_a_crashed_run_resumes_from_its_last_state(config):
    whole = left_behind(train(replace(config, name="whole"), toy_data(), quiet))
    with pytest.raises(RuntimeError):
        train(replace(config, name="parts"), toy_data(), at_step(5, crash))
    parts = left_behind(train(replace(config, name="parts", resume=True), toy_data(), quiet))
    assert_same(whole, parts)


@pytest.mark.parametrize("start_from", ["", "first"])
def test_a_run_that_crashed_before_its_first_state_starts_over(config, start_from):
    if start_from:
        train(replace(config, name=start_from, steps=2, seed=9), toy_data(), quiet)
        config = replace(config, start_from=str(Path(config.folder) / start_from))
    whole = left_behind(train(replace(config, name="whole"), toy_data(), quiet))
    with pytest.raises(RuntimeError):
        train(replace(config, name="parts"), toy_data(), at_step(1, crash))
    assert_same(whole, left_behind(train(replace(config, name="parts", resume=True), toy_data(), quiet)))


def test_a_run_starts_from_the_networks_and_averages_of_another(config):
    first = RunFolder(train(replace(config, name="first"), toy_data(), quiet))
    state = TrainingState(replace(config, seed=9), open_accelerator(config))
    own = state.gan.to_high.heads.bias.detach().clone()
    state.start_from(first)
    before, now = first.load_state()[0], state.tensors()
    assert {name.partition("/")[0] for name in now} == {"gan", "ema_high", "ema_low"}  # no optimiser, no pool
    assert all(torch.equal(now[name], before[name]) for name in now)
    assert not torch.equal(own, now["gan/to_high.heads.bias"])
    assert state.step == 0


@pytest.mark.parametrize(
    "other", ["generator.channels=4", "discriminator.filters=8", "discriminator.norm=spectral"]
)
def test_a_run_starts_only_from_networks_like_its_own(config, other):
    first = train(replace(config, name="first", steps=1), toy_data(), quiet)
    name, _, value = other.partition("=")
    kind = int if value.isdigit() else str
    with pytest.raises(TrainingError, match="built otherwise"):
        train(with_settings(config, {"start_from": str(first), name: kind(value)}), toy_data(), quiet)
    with pytest.raises(TrainingError, match="no saved run"):
        train(replace(config, start_from=str(first / "elsewhere")), toy_data(), quiet)
    assert not config.run_path.exists()


def test_discriminators_learn_alone_at_first_where_they_are_new(config):
    first = RunFolder(train(replace(config, name="first"), toy_data(), quiet))
    before = first.load_state()[0]
    own = {"start_from": str(first.path), "discriminator.kind": "unet", "discriminators_first": 2}
    second = with_settings(config, own)
    unlike = with_settings(second, {"generator.channels": 16})
    with pytest.raises(TrainingError, match="built otherwise"):
        train(unlike, toy_data(), quiet)

    state = TrainingState(second, open_accelerator(config))
    fresh = {name: tensor.clone() for name, tensor in state.gan.discriminator_high.state_dict().items()}
    with pytest.raises(RuntimeError):
        train(second, toy_data(), at_step(3, crash))
    after_two, facts = RunFolder(second.run_path).load_state()
    assert facts["step"] == 2
    of_generators = [name for name in before if name.startswith(("gan/to_", "ema_"))]
    assert all(torch.equal(after_two[name], before[name]) for name in of_generators)
    learnt = [
        not torch.equal(after_two[f"gan/discriminator_high.{name}"], tensor) for name, tensor in fresh.items()
    ]
    assert all(moved for name, moved in zip(fresh, learnt, strict=True) if name.endswith("weight"))

    third = RunFolder(train(replace(second, name="third", steps=3), toy_data(), quiet)).load_state()[0]
    assert not torch.equal(third["gan/to_high.heads.weight"], before["gan/to_high.heads.weight"])


def test_patience_begins_when_the_generators_do(config):
    alone = replace(config, discriminators_first=4, patience=2, eval_every=1, learning_rate=1e-7)
    first = train(replace(config, name="first", steps=1), toy_data(), quiet)
    said: list[str] = []
    train(replace(alone, start_from=str(first), steps=12), toy_data(), said.append)
    last = next(int(line.split("/")[0].split()[1]) for line in reversed(said) if line.startswith("step "))
    assert last > 5


def test_a_run_that_has_not_got_better_ends_finished(config, monkeypatch):
    scores = iter([1.0, 0.0, 0.0, 2.0, 2.0, 2.0])  # better again just after it was decided
    names = ("psnr_input", "psnr_output", "ssim_input", "ssim_output")
    found = dict.fromkeys((*names, "change_poor", "change_clean", "change_ratio"), 0.0)
    monkeypatch.setattr("echogan.training.run_writer.evaluate", lambda *_: found | {"score": next(scores)})
    run = train(replace(config, patience=2, eval_every=1), toy_data(), quiet)
    status = json.loads((run / "status.json").read_text())
    assert status["state"] == "finished"
    assert "Ended after step 4" in status["message"]


def test_a_run_that_began_at_half_size_goes_on_at_full_size(config):
    toy = TrainingData(ToyClips("degraded", 128), ToyClips("clear", 128), ToyClips("pair", 128))
    half = replace(config, size=128, half_size_steps=3, pool_size=3)
    whole = left_behind(train(replace(half, name="whole"), toy, quiet))
    with pytest.raises(RuntimeError):
        train(replace(half, name="parts"), toy, at_step(3, crash))
    assert_same(whole, left_behind(train(replace(half, name="parts", resume=True), toy, quiet)))


def test_dropout_follows_from_the_step_and_is_off_when_measured(config):
    generator = GeneratorConfig(channels=4, kind="unet256")
    dropping = replace(config, size=256, steps=4, batch_size=1, generator=generator)
    whole = left_behind(train(replace(dropping, name="whole"), toy_data(), quiet))
    torch.rand(7)
    with pytest.raises(RuntimeError):
        train(replace(dropping, name="parts"), toy_data(), at_step(3, crash))
    torch.rand(7)
    run = train(replace(dropping, name="parts", resume=True), toy_data(), quiet)
    assert_same(whole, left_behind(run))
    state = TrainingState(dropping, open_accelerator(config))
    frame = torch.rand(1, 1, 256, 256)
    assert torch.equal(state.ema_high(frame), state.ema_high(frame))
    assert not torch.equal(state.gan.to_high(frame), state.gan.to_high(frame))


def test_like_discriminators_come_along_though_they_learn_alone_at_first(config):
    first = RunFolder(train(replace(config, name="first"), toy_data(), quiet))
    state = TrainingState(config, open_accelerator(config))
    state.start_from(first, new_discriminators=True)
    before, now = first.load_state()[0], state.tensors()
    assert all(torch.equal(now[name], before[name]) for name in now)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_its_step(config, number):
    before = signal.getsignal(number)
    said: list[str] = []
    act = at_step(3, lambda: os.kill(os.getpid(), number))
    run = train(config, toy_data(), lambda text: (said.append(text), act(text))[0])
    assert said[-1] == f"Stopped by {number.name} after step 4; --resume goes on."
    assert signal.getsignal(number) is before
    assert (run / "state.safetensors").exists()
    assert read_checkpoint(run / "checkpoint").config.training["finished_steps"] == 4


def test_a_run_with_other_settings_is_not_resumed(config):
    train(config, toy_data(), quiet)
    with pytest.raises(TrainingError, match="cycle was"):
        train(with_settings(config, {"resume": True, "loss.cycle": 1.0}), toy_data(), quiet)
    with pytest.raises(TrainingError, match="holds a run already"):
        train(config, toy_data(), quiet)


def test_a_run_is_trained_by_one_process_at_a_time(config):
    said: list[str] = []

    def second() -> None:
        with pytest.raises(TrainingError, match="trained by another process"):
            train(replace(config, resume=True), toy_data(), quiet)
        said.append("refused")

    run = train(config, toy_data(), at_step(3, second))
    assert said == ["refused"]
    assert json.loads((run / "status.json").read_text())["state"] == "finished"
    whole = left_behind(train(replace(config, name="alone"), toy_data(), quiet))
    assert_same(whole, left_behind(run))  # the refusal has changed nothing
    train(replace(config, steps=7, resume=True), toy_data(), quiet)


def test_a_run_goes_on_with_the_clips_it_began_with(config):
    train(replace(config, steps=2), toy_data(), quiet)
    with pytest.raises(TrainingError, match=r"not those it began with.*--start-from"):
        train(replace(config, resume=True), toy_data(alike=True), quiet)
    state = RunFolder(config.run_path)
    tensors, facts = state.load_state()
    state.save_state(tensors, {name: value for name, value in facts.items() if name != "data"})
    with pytest.raises(TrainingError, match="not those it began with"):  # a state of before told no clips
        train(replace(config, resume=True), toy_data(alike=True), quiet)
    with pytest.raises(TrainingError, match="has done 2 steps, more than --steps 1"):
        train(replace(config, steps=1, resume=True), toy_data(), quiet)
    train(replace(config, steps=4, resume=True), toy_data(), quiet)


def test_a_spoilt_weight_never_replaces_the_last_saved_state(config, monkeypatch):
    def spoil() -> None:
        monkeypatch.setattr("echogan.training.trainer.descend", spoiling)

    def spoiling(accelerator, loss, optimiser) -> None:
        optimiser.param_groups[0]["params"][0].data.fill_(float("nan"))

    with pytest.raises(TrainingError, match="no longer finite at step 4"):
        train(config, toy_data(), at_step(3, spoil))
    tensors, facts = RunFolder(config.run_path).load_state()
    assert facts["step"] == 2
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_the_kept_generators_are_the_averages_and_move(config):
    run = train(config, toy_data(), quiet)
    state = load_file(run / "state.safetensors")
    kept = read_checkpoint(run / "checkpoint")
    for name, tensor in kept.to_high.state_dict().items():
        # A checkpoint is stored in half precision.
        torch.testing.assert_close(tensor, state[f"ema_high/module.{name}"], rtol=2**-10, atol=1e-6)
    assert not torch.equal(state["ema_high/module.heads.bias"], state["gan/to_high.heads.bias"])
    assert kept.config.trained_on == {"low": {"toy": "degraded"}, "high": {"toy": "clear"}}
    assert kept.config.training["loss"]["cycle"] == config.loss.cycle


def test_the_best_checkpoint_is_the_one_measured_best(config):
    run = train(config, toy_data(), quiet)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    measured = [(line["held_out"]["score"], line["step"]) for line in lines if "held_out" in line]
    assert len(measured) == 3
    best = read_checkpoint(run / "checkpoint_best").config.training
    assert (best["held_out"]["score"], best["finished_steps"]) == max(measured, key=lambda m: m[0])


def test_it_learns_to_remove_haze(config):
    longer = replace(config, steps=80, tick=40, eval_every=80, preview_every=80, save_every=80, pool_size=20)
    run = train(replace(longer, steps_per_round=10, ema_decay=0.9), toy_data(), quiet)
    found = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["held_out"]
    assert found["psnr_gain"] > 2


def test_the_learning_rate_falls_in_the_second_half():
    config = TrainingConfig(steps=100, learning_rate=1.0)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[:51] == [1.0] * 51
    assert rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_device_is_told(config):
    with pytest.raises(TrainingError, match="no cuda device"):
        train(replace(config, device="cuda"), toy_data(), quiet)


def test_separability_tells_apart_what_differs_and_only_that(config):
    config = replace(config, batch_size=8, discriminator=replace(config.discriminator, filters=8))
    assert separability(config, 60, toy_data(), quiet) > 0.9
    assert separability(config, 100, toy_data(alike=True), quiet) < 0.75
