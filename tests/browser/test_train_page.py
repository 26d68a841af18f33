"""The Train tab in a real browser: a run starts, moves, survives a reload, stops, goes on, and is used in Enhance."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from still_folders import stills
from train_page import MOVING, open_settings, set_tiny, state

from echogan.jobs import runs as runs_module
from echogan.jobs.runs import Runs


@pytest.fixture
def runs(tmp_path_factory, monkeypatch) -> Iterator[Runs]:
    """An empty folder of runs and a lock of their own, whatever this machine is training; nothing runs on after."""
    folder = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("ECHOGAN_RUNS", str(folder))
    monkeypatch.setattr(runs_module, "lock_path", lambda: folder / "lock.json")
    found = Runs()
    yield found
    for job in found.list():
        if process := job.process():
            os.kill(process.pid, 9)


@pytest.fixture
def train_page(runs: Runs, page: Page) -> Page:
    page.reload(wait_until="domcontentloaded")  # the first load saw the runs of whoever develops here
    page.get_by_role("tab", name="Train").click()
    expect(page.get_by_text("No run yet")).to_be_visible()
    return page


def step(page: Page) -> int:
    return int(page.locator(".tr-head").get_attribute("data-step") or 0)


def wait_for_step(page: Page, least: int) -> None:
    page.wait_for_function(
        f"() => +document.querySelector('.tr-head')?.dataset.step >= {least}", timeout=MOVING
    )


def test_a_run_from_its_start_to_its_use(train_page: Page, runs: Runs):
    page = train_page
    set_tiny(page)
    page.locator("#tr-steps input").fill("4000")
    page.locator("#tr-name textarea, #tr-name input").fill("browser run")
    page.locator("#tr-start").click()
    state(page, "starting|running")

    # Curves and samples move while one watches.
    curve = page.locator(".tr-chart", has_text="Losses").locator("polyline").first
    expect(curve).to_have_attribute("points", re.compile(" "), timeout=MOVING)
    before = curve.get_attribute("points")
    expect(page.locator("div.tr-samples img")).to_have_count(10, timeout=MOVING)
    first = page.locator("div.tr-samples").get_attribute("data-step")
    assert page.locator("div.tr-samples img").first.evaluate("i => i.complete && i.naturalWidth") == 64
    expect(curve).not_to_have_attribute("points", str(before), timeout=MOVING)
    expect(page.locator("div.tr-samples")).not_to_have_attribute("data-step", str(first), timeout=MOVING)
    expect(page.locator(".tr-state")).to_contain_text(re.compile(r"of 4,000, .* a step, .* left"))

    # A second one is refused in words.
    page.locator("#tr-start").click()
    expect(page.get_by_test_id("toast-body")).to_contain_text("'browser run' is being trained")

    # A reload finds it again, still moving.
    at = step(page)
    page.reload(wait_until="domcontentloaded")
    page.get_by_role("tab", name="Train").click()
    state(page, "running")
    wait_for_step(page, at + 2)

    # Stop is no failure, and Resume goes on from there.
    page.locator("#tr-stop").click()
    state(page, "stopped")
    stopped = step(page)
    page.get_by_role("button", name="Resume").click()
    state(page, "starting|running")
    wait_for_step(page, stopped + 2)
    steps = [line["step"] for line in runs.job("browser run").lines() if "generators" in line]
    assert steps == list(range(1, len(steps) + 1))
    page.locator("#tr-stop").click()
    state(page, "stopped")

    # An earlier sample, by keyboard.
    expect(page.locator("#tr-at")).to_be_visible()
    page.locator("#tr-at input[type=range]").press("Home")
    expect(page.locator("div.tr-samples")).to_have_attribute("data-step", "2")

    page.get_by_role("button", name="Use it in Enhance").click()
    expect(page.locator("#eg-model input")).to_have_value("run: browser run")
    expect(page.locator("#eg-upload")).to_be_visible()
    page.get_by_role("button", name="DICOM cine").click()
    expect(page.locator("#eg-run")).to_be_enabled(timeout=MOVING)
    page.locator("#eg-run").click()
    expect(page.locator(".eg-badge")).to_contain_text("browser run", timeout=MOVING)


def test_own_folders_are_asked_for_and_a_bad_zip_is_refused(train_page: Page, runs: Runs, tmp_path: Path):
    page = train_page
    page.get_by_label("From my folders").check()
    expect(page.locator("#tr-own")).to_be_visible()
    page.locator("#tr-start").click()
    toasts = page.get_by_test_id("toast-body")
    expect(toasts).to_contain_text("poor clips are missing")
    toasts.get_by_role("button").first.click()
    archive = tmp_path / "Doe_Jane.zip"
    archive.write_bytes(b"this is no zip")
    for side in ("#tr-low-zip", "#tr-high-zip"):
        page.locator(f"{side} input[type=file]").set_input_files(archive)
        expect(page.locator(side)).to_contain_text("Doe_Jane")
    page.locator("#tr-start").click()
    expect(toasts.last).to_contain_text("zip is damaged")
    assert runs.list() == []
    assert list(runs.folder.glob("*/")) == []


def test_own_clips_in_two_zips_are_sorted_and_trained_on(train_page: Page, runs: Runs, tmp_path: Path):
    page = train_page
    page.get_by_label("From my folders").check()
    set_tiny(page, half_size_steps=0)
    page.locator("#tr-steps input").fill("4000")
    page.locator("#tr-name textarea, #tr-name input").fill("own")
    for side in ("low", "high"):
        folder = stills(tmp_path / side / ("x" * len(side)), count=8)
        archive = shutil.make_archive(str(tmp_path / side), "zip", folder)
        page.locator(f"#tr-{side}-zip input[type=file]").set_input_files(archive)
        expect(page.locator(f"#tr-{side}-zip")).to_contain_text(f"{side}.zip")
    page.locator("#tr-start").click()
    state(page, "starting|running")
    wait_for_step(page, 3)
    assert (runs.folder / "own" / "data" / "low" / "index.csv").is_file()
    page.locator("#tr-stop").click()
    state(page, "stopped")


def test_a_phone_has_no_sideways_scrolling(train_page: Page):
    page = train_page
    page.set_viewport_size({"width": 390, "height": 844})
    open_settings(page, "Losses")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
