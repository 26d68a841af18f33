"""How large the picture is: the sector fills its pane, the panes fill the window, nothing but the curves is below."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from tests.support.viewer_page import enhanced

RAIL = 264
SMALL = """() => [...document.querySelectorAll('.eg-app :is(button, summary, input[type=range])')]
  .filter((e) => e.checkVisibility())
  .filter((e) => { const box = e.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
  .map((e) => e.outerHTML.slice(0, 120))"""


def sides(page: Page, selector: str) -> dict:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return dict(box)


def sector_share(page: Page, clip: Path) -> float:
    """How much of its pane the sector fills, in width or in height."""
    _, _, width, height = [
        float(part) for part in (page.locator(".eg-fan").get_attribute("viewBox") or "").split()
    ]
    top, left, bottom, right = find_sector(open_clip(clip)).box
    return max((right - left) / width, (bottom - top) / height)


def test_two_panes_fill_a_window_of_1440_by_900(page: Page, cine, small_model):
    enhanced(page, cine, small_model)
    assert sector_share(page, cine) >= 0.95
    original, improved = sides(page, "[data-pane=original]"), sides(page, "[data-pane=enhanced]")
    assert original["x"] <= RAIL + 2
    assert improved["x"] + improved["width"] >= 1438
    assert original["width"] + improved["width"] >= 1440 - RAIL - 4
    for part in (".eg-bar", ".eg-stage", ".eg-transport", ".eg-status", "#eg-run"):
        assert sides(page, part)["y"] + sides(page, part)["height"] <= 900
    assert sides(page, ".eg-curves")["y"] >= 890
    page.keyboard.press("r")
    assert sides(page, "[data-pane=original]")["x"] == 0
    assert sector_share(page, cine) >= 0.95


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_targets_are_large_enough_and_nothing_is_wider_than_the_window(
    page: Page, short_clip, small_model, width, height
):
    page.set_viewport_size({"width": width, "height": height})
    enhanced(page, short_clip, small_model)
    expect(page.locator(".eg-stage")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(SMALL)
    assert small == []
