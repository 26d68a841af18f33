"""Two models side by side on the page: both results of the same frame, their names and numbers, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.viewer_page import (
    WORKING,
    choose_model,
    counted_clip,
    counter_points,
    enhanced,
    frame,
    levels,
    number,
    opened,
    pause,
)

POINTS = [(float(x), float(y)) for x in range(95, 146, 5) for y in range(90, 151, 10)]  # inside the fan
PANES = ("original", "enhanced", "second")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return counted_clip(tmp_path_factory.mktemp("counted") / "counted.gif", 12)


def choose_second(page: Page, name: str) -> None:
    """Press a model's button."""
    fold = page.locator(".eg-versus")
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    fold.get_by_role("button", name=name, exact=True).click()


def both_shown(page: Page) -> None:
    """Wait until both results are complete."""
    expect(page.locator(".eg-pair")).to_be_visible()
    expect(page.locator("[data-act=swap]")).to_be_enabled(timeout=WORKING)
    expect(page.locator("[data-pane=second]")).to_be_visible()


def compared(page: Page, clip: Path, first: str, second: str) -> None:
    opened(page, clip)
    pause(page)
    choose_model(page, first)
    choose_second(page, second)
    both_shown(page)


def go_to(page: Page, number: int) -> None:
    page.locator(".eg-scrub").fill(str(number))
    expect(page.locator(".eg-app")).to_have_attribute("data-frame", str(number))
    page.wait_for_timeout(200)


def captioned(page: Page, *captions: str) -> None:
    """The panes have these captions, soon: until a frame is there its caption says that it is worked on."""
    for pane, caption in zip(PANES, captions, strict=True):
        expect(page.locator(f"[data-pane={pane}] figcaption")).to_have_text(caption)


def table(page: Page) -> list[list[str]]:
    rows = page.locator(".eg-pair tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def test_both_results_of_one_frame_stand_beside_the_original(page: Page, clip, small_model, strong_model):
    enhanced(page, clip, strong_model)
    pause(page)
    go_to(page, 5)
    alone = levels(page, "enhanced", POINTS)
    choose_second(page, small_model)
    both_shown(page)
    captioned(page, "Original", strong_model, small_model)
    first, second = levels(page, "enhanced", POINTS), levels(page, "second", POINTS)
    # The small model is untrained and leaves the picture as it is, the strong one does not.
    original = np.array(levels(page, "original", POINTS))
    assert np.abs(np.array(second) - original).max() <= 2
    assert np.abs(np.array(first) - original).mean() > 10
    page.keyboard.press("2")  # the panes are as wide as before: the first result is what it was
    expect(page.locator("[data-pane=second]")).to_be_hidden()
    assert levels(page, "enhanced", POINTS) == alone
    page.keyboard.press("2")
    for at in (0, 7, 11):
        go_to(page, at)
        assert [number(levels(page, pane, counter_points())) for pane in PANES] == [at] * 3
    page.locator(".eg-play").click()
    page.wait_for_timeout(600)
    pause(page)
    assert {number(levels(page, pane, counter_points())) for pane in PANES} == {frame(page)}


def test_the_numbers_of_both_follow_the_strength_and_say_what_is_not_known(
    page: Page, clip, small_model, strong_model
):
    compared(page, clip, strong_model, small_model)
    head, first, second = table(page)
    assert [" ".join(cell.split()) for cell in head[1:3]] == [
        "Mean changegrey levels",
        "Cycle errorgrey levels",
    ]
    assert (first[0], second[0]) == (strong_model, small_model)
    assert float(first[1]) > 10 > 1 > float(second[1])
    assert first[3:] == second[3:] == ["not calibrated"] * 2
    expect(page.locator(".eg-verdict")).to_be_empty()
    page.locator(".eg-strength input").fill("50")
    (_, half, _) = table(page)
    assert float(half[1]) == pytest.approx(float(first[1]) / 2, abs=0.06)
    assert half[2] == first[2]
    captioned(page, "Original", *(f"{name}, strength 0.50" for name in (strong_model, small_model)))
    for width, height in ((1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for act in ("second", "swap", "alone"):
            box = page.locator(f".eg-pair [data-act={act}]").bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= width


def test_wipe_and_blink_are_between_the_models_and_a_swap_changes_their_places(
    page: Page, clip, small_model, strong_model
):
    compared(page, clip, strong_model, small_model)
    strong, small = (levels(page, pane, POINTS) for pane in ("enhanced", "second"))
    page.keyboard.press("a")
    assert levels(page, "second", POINTS) == strong
    captioned(page, "Original", strong_model, strong_model)
    page.keyboard.press("a")
    assert levels(page, "second", POINTS) == small
    page.keyboard.press("w")
    expect(page.locator("[data-pane=original]")).to_be_hidden()
    for pane, clipped in (("enhanced", "none"), ("second", "inset(0px 0px 0px 50%)")):
        assert page.locator(f"[data-pane={pane}]").evaluate("(e) => getComputedStyle(e).clipPath") == clipped
    page.keyboard.press("s")
    page.locator("[data-act=swap]").click()
    expect(page.locator("[data-pane=enhanced] figcaption")).to_have_text(small_model)
    page.wait_for_timeout(300)
    assert (levels(page, "enhanced", POINTS), levels(page, "second", POINTS)) == (small, strong)
    assert [row[0] for row in table(page)[1:]] == [small_model, strong_model]
    page.keyboard.press("2")  # put away, not thrown away
    expect(page.locator("[data-pane=second]")).to_be_hidden()
    expect(page.locator("[data-pane=enhanced] figcaption")).to_have_text("Enhanced")
    page.keyboard.press("2")
    expect(page.locator("[data-pane=second] figcaption")).to_have_text(strong_model)
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.locator(".eg-pair")).to_be_hidden()
    expect(page.locator("[data-pane=second]")).to_be_hidden()


def test_a_map_can_lie_over_both(page: Page, clip, small_model, strong_model):
    compared(page, clip, strong_model, small_model)
    page.locator(".eg-maps button").first.click()
    expect(page.locator("[data-pane=map] figcaption")).to_have_text(re.compile(f", {strong_model}$"))
    page.keyboard.press("o")
    ink = """(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
      .reduce((sum, value, i) => sum + (i % 4 === 3 ? value : 0), 0)"""
    for pane in ("enhanced", "second"):
        expect(page.locator(f"[data-pane={pane}] .eg-over")).to_be_visible()
    page.wait_for_timeout(300)
    strong, small = (page.locator(f"[data-pane={pane}] .eg-over").evaluate(ink) for pane in PANES[1:])
    assert strong > 10 * small  # as each changes the picture


def test_what_cannot_be_compared_is_said_where_it_was_asked_for(
    page: Page, clip, small_model, strong_model, monkeypatch
):
    opened(page, clip)
    choose_model(page, small_model)
    fold, why = page.locator(".eg-versus"), page.locator(".eg-versus-why")
    fold.locator("summary").click()
    names = fold.locator(".eg-versus-models button").all_inner_texts()
    assert small_model not in names
    assert strong_model in names
    for typed, said in (
        (small_model, "cannot be compared with itself"),
        ("../../etc/passwd", "There is no bundled model called"),
        ("", "Choose a model first"),
    ):
        fold.locator("input").fill(typed)
        fold.locator("input").press("Enter")
        expect(why).to_contain_text(said)
    monkeypatch.setenv("ECHOGAN_MODELS", f"{small_model},{strong_model}")
    fold.locator("input").fill("user/other")
    fold.get_by_role("button", name="Compare", exact=True).click()
    expect(why).to_contain_text("This server does not offer the model user/other")
    expect(page.locator(".eg-pair")).to_be_hidden()
    choose_second(page, strong_model)  # what the host offers goes on
    both_shown(page)
    expect(why).to_be_empty()
    captioned(page, "Original", small_model, strong_model)
