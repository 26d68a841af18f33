"""The Enhance tab in a browser: a clip in, enhanced frame by frame, the sector adjusted, Stop, a phone, a mistake."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from echogan.core.geometry import Fan
from echogan.core.notice import NOTICE
from echogan.model.checkpoints.checkpoint import bundled_checkpoints
from tests.support.viewer_page import WORKING, choose_model, enhanced, frame, opened, pause, upload

PAINTED = """(selector) => {
  const c = document.querySelector(selector), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let low = 255, high = 0;
  for (let i = 0; i < d.length; i += 4) { low = Math.min(low, d[i]); high = Math.max(high, d[i]); }
  return high - low > 20;
}"""


def painted(page: Page, selector: str) -> bool:
    """Whether the canvas shows anything but one flat colour."""
    return page.evaluate(PAINTED, selector)


def test_a_dicom_cine_is_enhanced_and_shown_beside_its_maps(page: Page, cine, small_model):
    enhanced(page, cine, small_model)
    expect(page.locator(".eg-badge")).to_contain_text(
        re.compile(r"small.*[0-9a-f]{12}.*(cpu|cuda|mps)", re.S)
    )
    expect(page.locator(".eg-notice")).to_contain_text(NOTICE)
    expect(page.locator(".eg-caveat")).to_contain_text("hallucination")

    # Pause, then one frame forth and back.
    pause(page)
    page.locator(".eg-scrub").fill("10")
    expect(page.locator(".eg-app")).to_have_attribute("data-frame", "10")
    page.keyboard.press(".")
    expect(page.locator(".eg-app")).to_have_attribute("data-frame", "11")
    page.keyboard.press(",")
    expect(page.locator(".eg-time")).to_contain_text("Frame 11 of 30")

    # The curve: a click three quarters along goes there, and so do the arrow keys.
    plot = page.locator(".eg-plot")
    expect(plot.locator("polyline")).to_have_count(3)
    box = plot.bounding_box()
    assert box is not None
    plot.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
    expect(page.locator(".eg-time")).to_contain_text(re.compile(r"Frame 2[0-5] of 30"))
    before = frame(page)
    plot.press("ArrowLeft")
    expect(page.locator(".eg-app")).to_have_attribute("data-frame", str(before - 1))

    # The map, in its pane and over the enhanced clip, with its scale.
    page.get_by_role("button", name="Difference").click()
    expect(page.locator("[data-pane=map]")).to_be_visible()
    expect(page.locator("[data-pane=map] .eg-over")).to_be_visible()  # once its tile has come
    assert painted(page, "[data-pane=map] .eg-over")
    page.get_by_role("button", name="Overlay").click()
    expect(page.locator("[data-pane=map]")).to_be_hidden()
    expect(page.locator("[data-pane=enhanced] .eg-over")).to_be_visible()
    assert painted(page, "[data-pane=enhanced] .eg-over")
    page.get_by_role("button", name="Cycle error").click()
    expect(page.locator(".eg-scale-name")).to_contain_text("Cycle-reconstruction error, grey levels")
    page.get_by_role("button", name="Wipe", exact=True).click()
    divider = page.get_by_role("slider", name="Wipe position")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "52")


def test_the_sector_is_adjusted_and_the_clip_enhanced_again(page: Page, short_clip, small_model):
    enhanced(page, short_clip, small_model)
    page.get_by_role("button", name="Adjust sector").click()
    far = page.get_by_role("button", name=re.compile("Deepest depth"))
    for _ in range(3):
        far.press("Shift+ArrowUp")
    page.get_by_role("button", name="Use this sector").click()
    expect(page.locator(".eg-sector-note")).to_have_text("Sector as you set it.", timeout=WORKING)
    expect(page.locator(".eg-verdict")).to_contain_text("Mean change", timeout=WORKING)


def test_a_cancelled_sector_does_not_count_and_the_one_found_comes_back(page: Page, short_clip):
    opened(page, short_clip)
    note = page.locator(".eg-sector-note")
    found = note.inner_text()
    assert "confidence" in found
    page.get_by_role("button", name="Adjust sector").click()
    far = page.get_by_role("button", name=re.compile("Deepest depth"))
    far.press("Shift+ArrowUp")
    page.get_by_role("button", name="Cancel").click()
    expect(note).to_have_text(found)
    page.get_by_role("button", name="Adjust sector").click()
    far.press("Shift+ArrowUp")
    page.get_by_role("button", name="Use this sector").click()
    expect(note).to_have_text("Sector as you set it.", timeout=WORKING)
    page.get_by_role("button", name="Adjust sector").click()
    page.get_by_role("button", name="As found").click()
    expect(note).to_have_text(found, timeout=WORKING)


def test_a_drawn_sector_counts_where_enhance_is_pressed(page: Page, short_clip, small_model):
    enhanced(page, short_clip, small_model)
    page.get_by_role("button", name="Adjust sector").click()
    page.get_by_role("button", name=re.compile("Deepest depth")).press("Shift+ArrowUp")
    page.locator("#eg-run").click()
    expect(page.locator(".eg-sector-note")).to_have_text("Sector as you set it.", timeout=WORKING)
    expect(page.locator(".eg-verdict")).to_contain_text("Mean change", timeout=WORKING)


def test_a_sector_can_be_turned_over(page: Page, short_clip):
    opened(page, short_clip)
    page.get_by_role("button", name="Adjust sector").click()
    before = page.locator(".eg-outline").get_attribute("d")
    page.get_by_role("button", name="Turn over").click()
    assert page.locator(".eg-outline").get_attribute("d") != before
    page.get_by_role("button", name="Use this sector").click()
    expect(page.locator(".eg-sector-note")).to_have_text("Sector as you set it.", timeout=WORKING)


def test_the_page_says_where_the_result_is_not_of_what_is_chosen(page: Page, short_clip, small_model):
    enhanced(page, short_clip, small_model)
    page.get_by_role("button", name="Adjust sector").click()
    page.get_by_role("button", name="As found").click()
    expect(page.locator(".eg-verdict")).to_contain_text("Mean change")
    page.locator("#eg-blackout").check()
    expect(page.locator("#eg-blackout")).to_be_checked()
    expect(page.locator(".eg-verdict")).to_contain_text("Mean change")  # it applies to the exports alone
    choose_model(page, bundled_checkpoints()[0].name)
    expect(page.locator(".eg-verdict")).to_contain_text("Shown is the result of small")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 560), (390, 844)])
def test_the_picture_keeps_its_shape_in_any_window(page: Page, tmp_path, width, height):
    """A ventricle must not look longer than it is."""
    page.set_viewport_size({"width": width, "height": height})
    rng, fan = np.random.default_rng(0), Fan((160.0, 4.0), -40.0, 40.0, 3.0, 165.0)
    still = np.where(fan.mask(180, 320), rng.integers(30, 220, (180, 320)), 0).astype(np.uint8)
    path = tmp_path / "wide.png"
    Image.fromarray(still).save(path)
    opened(page, path)
    _, _, w, h = map(float, (page.locator(".eg-fan").get_attribute("viewBox") or "").split())
    box = page.locator("[data-pane=original]").bounding_box()
    assert box is not None
    assert box["width"] / w == pytest.approx(box["height"] / h, rel=0.01)


def test_stop_stops(page: Page, cine, small_model):
    opened(page, cine)
    choose_model(page, small_model)
    page.locator("#eg-run").click()
    page.locator("#eg-stop").click()
    expect(page.locator("#eg-run")).to_be_enabled(timeout=WORKING)
    expect(page.locator("#eg-stop")).to_be_disabled()


def test_a_text_file_called_mp4_is_refused_with_its_sentence_and_the_page_goes_on(page: Page, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("this is no clip\n" * 100)
    upload(page, path)
    expect(page.locator(".eg-messages")).to_contain_text("not a clip that can be read")
    expect(page.locator(".eg-list li")).to_have_count(0)
    expect(page.locator("#eg-run")).to_be_disabled()
    page.get_by_role("button", name="DICOM cine").click()
    expect(page.locator(".eg-list li")).to_have_count(1, timeout=WORKING)


def test_a_phone_gets_one_pane_and_no_sideways_scrolling(page: Page, short_clip, small_model):
    page.set_viewport_size({"width": 390, "height": 844})
    enhanced(page, short_clip, small_model)
    expect(page.locator(".eg-app")).to_have_attribute("data-mode", "wipe")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="A / B").click()
    expect(page.locator("[data-pane=original]")).to_be_hidden()


def test_an_example_shows_its_truth(page: Page):
    page.wait_for_function("document.querySelector('.eg-example-list button') !== null")
    page.locator(".eg-example-list button").first.click()
    expect(page.locator(".eg-app")).to_have_attribute(
        "data-state", re.compile("ready|result"), timeout=WORKING
    )
    page.get_by_role("button", name="Truth", exact=True).click()
    expect(page.locator("[data-pane=truth]")).to_be_visible()
    page.wait_for_function(PAINTED, arg="[data-pane=truth] .eg-pic")


def test_a_clip_without_a_scale_says_so_and_offers_no_calliper(page: Page, short_clip: Path):
    opened(page, short_clip)
    expect(page.locator(".eg-probe")).to_have_text("Scale unknown: no measurements.")
    page.keyboard.press("c")
    expect(page.locator(".eg-app")).to_have_attribute("data-tool", "look")
