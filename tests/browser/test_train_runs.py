"""Runs in the Train tab, in a real browser: compared, downloaded, published, deleted, taken back; the data check."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import huggingface_hub
import numpy as np
import pytest
from fakehub import FakeHub
from huggingface_hub import constants
from playwright.sync_api import Page, expect
from small_archive import small_checkpoint
from train_page import MOVING, set_tiny, state

from echogan.jobs import runs as runs_module
from echogan.jobs.job import Job
from echogan.jobs.runs import Runs

# The check itself takes minutes; this finds at once what it might find, and writes it by the same code.
QUICK_CHECK = """
import sys, time
from pathlib import Path
import numpy as np
from echogan.jobs.data_check import write
from echogan.jobs.data_check_advice import DataCheck, Side
time.sleep(5)
side = Side(0, 0, 0, 0, 60.0, 30.0)
verdict = "Worth starting: the difference is clear."
found = DataCheck(side, side, 0.83, True, 0, 0, 64, 0.1, 0.1, (verdict,), True)
write(Path(sys.argv[1]), found, np.zeros((796, 1032), np.uint8))
"""


@pytest.fixture
def runs(tmp_path_factory, monkeypatch) -> Iterator[Runs]:
    """The runs `first`, `second` and `third`, as the command line left them; nothing runs on after."""
    folder = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("ECHOGAN_RUNS", str(folder))
    monkeypatch.setattr(runs_module, "lock_path", lambda: folder / "lock.json")
    found = Runs()
    for number, name in enumerate(("third", "second", "first")):
        ended_run(Job(folder / name), number, 0.4 + 0.3 * number)
    yield found
    for job in found.list():
        if process := job.process():
            os.kill(process.pid, 9)


def ended_run(job: Job, seed: int, seconds: float) -> None:
    """A run that was stopped at step 600, with curves and samples."""
    rng = np.random.default_rng(seed)
    small_checkpoint(job.path / "checkpoint_best", seed)
    job.config.write_text(json.dumps({"name": job.name, "steps": 1000}))
    lines: list[dict] = []
    for step in range(20, 601, 20):
        fall = np.exp(-step / (150 + 80 * seed))
        losses = {
            "generators": 0.4 + 2 * fall,
            "discriminators": 0.25 - 0.1 * fall,
            "cycle_low": 0.05 + 0.2 * fall,
        }
        rates = {"right_high": 0.6 + 0.3 * fall, "right_low": 0.65, "change_low": 0.1, "change_high": 0.02}
        noise = {key: float(value * rng.uniform(0.93, 1.07)) for key, value in (losses | rates).items()}
        lines.append({"step": step, "seconds_per_step": seconds, "learning_rate": 1e-4, **noise})
        if step % 100 == 0:
            psnr = 17 + 2 * (1 - fall)
            held = {
                "score": psnr,
                "psnr_input": 17.0,
                "psnr_output": psnr,
                "ssim_input": 0.52,
                "ssim_output": 0.6 - fall / 10,
            }
            lines.append({"step": step, "held_out": held})
    job.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    job.previews.mkdir()
    frames = rng.integers(0, 255, (4, 64, 64), dtype=np.uint8)
    np.savez(job.preview(600), poor=frames, enhanced=frames // 2, cycled=frames, clean=frames)
    os.utime(job.metrics, (seed + 1_000_000_000,) * 2)


@pytest.fixture
def train_page(runs: Runs, page: Page) -> Page:
    page.reload(wait_until="domcontentloaded")  # the first load saw the runs of whoever develops here
    page.get_by_role("tab", name="Train").click()
    state(page, "stopped")
    return page


def compare_with(page: Page, name: str) -> None:
    page.locator("#tr-compare input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.locator("#tr-compare input").blur()


def test_several_runs_are_drawn_in_one_chart_by_steps_or_time(train_page: Page):
    page = train_page
    losses = page.locator(".tr-chart", has_text="Loss of the generators")
    expect(page.locator("#tr-run input")).to_have_value("first")
    expect(page.locator(".tr-chart", has_text="Losses")).to_be_visible()
    for number, name in enumerate(("second", "third")):
        compare_with(page, name)
        expect(losses.locator("polyline")).to_have_count(number + 2)
    for name in ("first", "second", "third"):
        expect(losses.locator(".tr-key", has_text=name)).to_be_visible()
    colours = losses.locator("polyline").evaluate_all("all => all.map(one => getComputedStyle(one).stroke)")
    assert len(set(colours)) == 3
    ends = losses.locator("polyline").evaluate_all(
        "all => all.map(one => +one.points[one.points.length - 1].x)"
    )
    assert [round(end) for end in ends] == [100, 100, 100]
    page.get_by_label("Time").check()
    expect(losses.locator(".tr-x").last).to_contain_text("min")
    ends = losses.locator("polyline").evaluate_all(
        "all => all.map(one => +one.points[one.points.length - 1].x)"
    )
    assert [round(end) for end in ends] == [100, 70, 40]  # 1.0, 0.7 and 0.4 s a step
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_network_is_downloaded(train_page: Page, tmp_path: Path):
    page = train_page
    page.get_by_role("button", name="Download, publish or delete").click()
    page.locator("#tr-download").click()
    expect(page.locator("#tr-save")).to_contain_text("Save first.zip")
    with page.expect_download() as saving:
        page.locator("#tr-save").click()
    saving.value.save_as(tmp_path / "first.zip")
    assert saving.value.suggested_filename == "first.zip"
    with ZipFile(tmp_path / "first.zip") as file:
        assert "first/model.safetensors" in file.namelist()


def test_a_network_is_published_and_the_token_is_gone_from_the_page(train_page: Page, monkeypatch):
    hub, page = FakeHub(), train_page
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    huggingface_hub.close_session()
    try:
        page.get_by_role("button", name="Download, publish or delete").click()
        page.locator("#tr-repo textarea, #tr-repo input").fill("heart/echo")
        page.locator("#tr-hub-token input").fill(hub.token)
        assert page.locator("#tr-hub-token input").get_attribute("type") == "password"
        page.locator("#tr-publish").click()
        expect(page.locator("#tr-published")).to_contain_text("only you see it", timeout=MOVING)
        expect(page.locator("#tr-hub-token input")).to_have_value("")
        assert hub.token not in page.content()
        assert [made["private"] for made in hub.created] == [True]
    finally:
        hub.close()
        huggingface_hub.close_session()


def test_a_run_is_deleted_after_a_question_and_taken_back(train_page: Page, runs: Runs):
    page = train_page
    page.get_by_role("button", name="Download, publish or delete").click()
    page.locator("#tr-delete").click()
    page.locator("#tr-no").click()
    expect(page.locator("#tr-yes")).to_be_hidden()
    page.locator("#tr-delete").click()
    expect(page.get_by_role("alert").filter(has_text="Delete 'first'?")).to_be_visible()
    page.locator("#tr-yes").click()
    expect(page.locator("#tr-run input")).to_have_value("second")
    assert [job.name for job in runs.list()] == ["second", "third"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#tr-run input")).to_have_value("first")
    expect(page.locator("#tr-undo")).to_be_hidden()
    assert [job.name for job in runs.list()] == ["first", "second", "third"]


def test_the_data_are_checked_and_then_trained_on(train_page: Page, runs: Runs, monkeypatch):
    page, trains = train_page, runs_module.command
    monkeypatch.setattr(
        runs_module,
        "command",
        lambda config, check: (
            [sys.executable, "-c", QUICK_CHECK, str(config.run_path)] if check else trains(config)
        ),
    )
    set_tiny(page, half_size_steps=0)
    page.locator("#tr-steps input").fill("4000")
    page.locator("#tr-name textarea, #tr-name input").fill("checked run")
    page.locator("#tr-check-data").click()
    state(page, "checking")
    expect(page.locator("#tr-body")).to_be_hidden()
    state(page, "checked")
    expect(page.locator(".tr-verdict")).to_have_text("Worth starting: the difference is clear.")
    expect(page.locator(".tr-check dd", has_text="50 % is chance")).to_be_visible()
    picture = page.locator(".tr-check img")
    assert picture.evaluate("i => i.complete && i.naturalWidth") > 500
    page.get_by_role("button", name="Start training").click()
    state(page, "running")
    expect(page.locator("#tr-body")).to_be_visible()
    assert runs.job("checked run").settings()["steps"] == 4000
    page.locator("#tr-stop").click()
    state(page, "stopped")
