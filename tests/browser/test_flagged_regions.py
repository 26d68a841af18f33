"""Flagged regions in the viewer: outlines at the thresholds, a list that leads there, and the original kept there."""

import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from echogan.clips.files import open_clip
from echogan.enhance import trust_stage
from echogan.enhance.calibrated import found_in
from echogan.enhance.hidden_walls import HiddenWalls
from echogan.ui.enhance import enhancing
from tests.support.fake_flagger import Spots
from tests.support.viewer_page import WORKING, counted_clip, enhanced, frame, in_pane, pause

# How many pixels of a pane's overlay have this colour, whatever their brightness: a thin line is mixed with its shadow.
COUNT = """([pane, red, green, blue]) => {
  const canvas = document.querySelector(`[data-pane=${pane}] .eg-over`);
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const share = red / data[i];
    if (data[i] > 100 && Math.hypot(share * data[i + 1] - green, share * data[i + 2] - blue) < 30) count += 1;
  }
  return count;
}"""
AMBER_LINE, RED_LINE = (255, 196, 0), (255, 59, 48)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return counted_clip(tmp_path_factory.mktemp("drawn") / "drawn.gif", 6)


@pytest.fixture(autouse=True)
def no_hidden_walls(monkeypatch) -> None:
    """What the network guesses in speckle without a heart is nothing to test."""
    monkeypatch.setattr(
        HiddenWalls, "__call__", lambda self, canonical, g, myocardium: np.zeros(g.shape, np.float32)
    )


@pytest.fixture
def flagged(page: Page, drawn, strong_model, monkeypatch) -> Page:
    """The page with an enhanced clip, in which two blocks are flagged."""
    monkeypatch.setattr(enhancing, "flagger_for", lambda enhancer, prepared: Spots())
    enhanced(page, drawn, strong_model)
    pause(page)
    return page


def test_the_list_leads_to_a_region_and_both_thresholds_are_outlined(flagged: Page):
    flagged.locator(".eg-flags summary").click()
    regions = flagged.locator(".eg-region")
    expect(regions).to_have_count(2)
    expect(regions.first).to_contain_text("Removed, mid centre")
    expect(regions.first).to_contain_text("frames 1 to 6")
    expect(regions.first).to_contain_text("persistent")
    expect(regions.last).to_contain_text("Added")
    flagged.locator(".eg-scrub").fill("4")
    before = flagged.locator(".eg-fan").get_attribute("viewBox")
    regions.first.click()
    expect(flagged.locator(".eg-app")).to_have_attribute("data-frame", "0")
    assert flagged.locator(".eg-fan").get_attribute("viewBox") != before
    expect(flagged.locator("[data-pane=map] .eg-over")).to_be_visible()
    # The block is in the middle of the pane, and smaller than it.
    box = flagged.locator("[data-pane=map]").bounding_box()
    assert box is not None
    x, y = in_pane(flagged, "original", 105.0, 88.0)
    assert abs(x - box["x"] - box["width"] / 2 + 2 * (box["width"] + 2)) < box["width"] / 2
    assert abs(y - box["y"] - box["height"] / 2) < box["height"] / 2
    assert flagged.evaluate(COUNT, ["map", *RED_LINE]) > 50
    flagged.keyboard.press("0")
    assert flagged.evaluate(COUNT, ["map", *AMBER_LINE]) > 50
    expect(flagged.locator(".eg-misses")).not_to_be_empty()


def test_a_hidden_wall_is_listed_and_leads_to_its_own_map(page: Page, drawn, strong_model, monkeypatch):
    def block(self: HiddenWalls, canonical: np.ndarray, g: np.ndarray, myocardium: np.ndarray) -> np.ndarray:
        found, (height, width) = np.zeros(canonical.shape, np.float32), canonical.shape[1:]
        found[:, height // 2 : 2 * height // 3, width // 2 : 2 * width // 3] = 0.9
        return found

    monkeypatch.setattr(HiddenWalls, "__call__", block)
    monkeypatch.setattr(enhancing, "flagger_for", lambda enhancer, prepared: Spots())
    enhanced(page, drawn, strong_model)
    pause(page)
    page.locator(".eg-flags summary").click()
    regions = page.locator(".eg-region")
    expect(regions).to_have_count(3)
    wall = page.locator(".eg-region.eg-hidden")
    expect(wall).to_contain_text("Hidden wall")
    expect(wall.locator("i")).to_have_attribute("title", "More probable than not")
    wall.click()
    expect(page.locator("[data-pane=map] figcaption")).to_contain_text("Hidden walls")
    assert page.evaluate(COUNT, ["map", *AMBER_LINE]) == 0, (
        "the thresholds of what is flagged are not its own"
    )
    page.locator(".eg-region.eg-removed").click()
    expect(page.locator("[data-pane=map] figcaption")).to_contain_text("Flagged")


def test_the_original_is_kept_as_the_server_does(flagged: Page, drawn):
    flagged.locator(".eg-strength input").fill("80")
    plain = picture(flagged)
    flagged.locator(".eg-flags summary").click()
    flagged.locator(".eg-keep").check()
    expect(flagged.locator("[data-pane=enhanced] figcaption")).to_contain_text("original kept where flagged")
    expect(flagged.locator("[data-pane=enhanced] .eg-over")).to_be_hidden()  # no map is needed for it
    flagged.wait_for_timeout(500)
    shown = picture(flagged)
    flagged.locator(".eg-export summary").click()
    with flagged.expect_download(timeout=WORKING) as saved:
        flagged.locator(".eg-kinds [data-kind=npz]").click()
    with np.load(saved.value.path()) as arrays:
        expected = arrays["enhanced"][frame(flagged)].astype(int)
        assert arrays["original_kept_where_flagged"]
    assert np.abs(shown - expected).max() <= 2
    original = np.stack(list(open_clip(drawn).iter_frames()))[frame(flagged)].astype(int)
    changed = np.abs(plain - original) > 20
    assert (changed & (shown == original)).sum() > 100
    assert (changed & (shown == plain)).sum() > 100


def picture(page: Page) -> np.ndarray:
    """The enhanced picture of this frame at the clip's own size, int (H, W)."""
    page.locator(".eg-export summary").click()
    page.locator(".eg-mark").uncheck()
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG of this frame").click()
    page.keyboard.press("Escape")
    return np.asarray(Image.open(io.BytesIO(Path(saved.value.path()).read_bytes())).convert("L")).astype(int)


def test_the_trust_card_on_the_page_is_that_of_the_report(flagged: Page):
    section = flagged.locator(".eg-card")
    expect(section.locator("tr")).not_to_have_count(0, timeout=WORKING)
    section.locator("summary").click()
    expect(section.locator(".eg-card-waits")).to_be_hidden()
    flagged.locator(".eg-export summary").click()
    with flagged.expect_download(timeout=WORKING) as saved:
        flagged.locator(".eg-kinds [data-kind=report]").click()
    card = json.loads(Path(saved.value.path()).read_text())["trust"]
    flagged.keyboard.press("Escape")
    rows = section.locator("tr")
    expect(rows).to_have_count(len(card["findings"]))
    for row, one in zip(rows.all(), card["findings"], strict=True):
        cells = row.locator("th, td").all_inner_texts()
        assert cells[:2] == [one["label"], one["text"] or "–"]
        assert " ".join(cells[2].split()) == f"{one['sentence']} {one['compared']}".strip()
    assert section.locator("li").all_inner_texts() == [
        said for part in card["guarantee"].values() for said in part
    ]
    assert section.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100


def test_pictures_and_maps_are_shown_while_flags_and_card_are_not_made(
    page: Page, drawn, strong_model, monkeypatch
):
    monkeypatch.setattr(enhancing, "flagger_for", lambda enhancer, prepared: Spots())
    gate = threading.Event()

    def wait(chunk, flagger):
        assert gate.wait(WORKING / 1000)
        return found_in(chunk, flagger)

    monkeypatch.setattr(trust_stage, "found_in", wait)
    try:
        enhanced(page, drawn, strong_model)  # as far as the verdict: pictures, maps and their numbers
        pause(page)
        expect(page.locator(".eg-live")).to_contain_text("Making the trust card")
        maps = page.locator(".eg-maps button")
        maps.first.click()
        expect(page.locator("[data-pane=map] .eg-over")).to_be_visible()
        expect(page.locator("[data-pane=map] figcaption")).to_have_text(maps.first.inner_text())
        maps.last.click()
        expect(page.locator("[data-pane=map] figcaption")).to_contain_text("not made yet")
        expect(page.locator("[data-pane=map] .eg-over")).to_be_hidden()
        page.locator(".eg-flags summary").click()
        expect(page.locator(".eg-flags-waiting")).to_be_visible()
        expect(page.locator(".eg-flags-none")).to_be_hidden()
        expect(page.locator(".eg-keep")).to_be_disabled()
        page.locator(".eg-export summary").click()
        expect(page.locator(".eg-kinds [data-kind=report]")).to_be_disabled()
        expect(page.locator(".eg-kinds [data-kind=gif]")).to_be_enabled()
        expect(page.locator(".eg-card-waits")).to_have_count(1)
    finally:
        gate.set()
    expect(page.locator("[data-pane=map] .eg-over")).to_be_visible(timeout=WORKING)
    expect(page.locator("[data-pane=map] figcaption")).not_to_contain_text("not made yet")
    expect(page.locator(".eg-kinds [data-kind=report]")).to_be_enabled()
    expect(page.locator(".eg-region")).to_have_count(2)
    expect(page.locator(".eg-live")).to_be_empty()


def test_without_a_calibration_the_page_says_so(page: Page, drawn, small_model):
    enhanced(page, drawn, small_model)
    expect(page.locator(".eg-flags")).to_be_hidden()
    expect(page.locator(".eg-caveat")).to_contain_text("no calibration")
