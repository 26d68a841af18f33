"""The viewer's tools in a browser: zoom, full screen, strength, callipers, regions, M-mode slice, PNG of a frame."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip, write_clip
from eval.measures.metrics import gcnr
from tests.support.dicom_samples import region, save, ultrasound
from tests.support.viewer_page import FAN, HEIGHT, WIDTH, drag, enhanced, in_pane, levels, opened, pause

MM = 0.5  # per pixel of the drawn DICOM
SWING, BAR = 20.0, 3  # amplitude and half height in pixels of the bar that moves


def fan_image(rng: np.random.Generator) -> np.ndarray:
    return np.where(FAN.mask(HEIGHT, WIDTH), rng.integers(20, 60, (HEIGHT, WIDTH)), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Path:
    """A DICOM of 0.5 mm a pixel with two bright dots 80 pixels, so 40 mm, apart."""
    rng, frames = np.random.default_rng(1), []
    for _ in range(6):
        image = fan_image(rng)
        for x in (80, 160):
            image[118:123, x - 2 : x + 3] = 255
        frames.append(image)
    tags = {"SequenceOfUltrasoundRegions": [region((0, 0, HEIGHT, WIDTH), delta=MM / 10)], "FrameTime": 40}
    return save(ultrasound(np.stack(frames), **tags), tmp_path_factory.mktemp("dicom") / "measured.dcm")


@pytest.fixture(scope="module")
def moving_bar(tmp_path_factory) -> Path:
    """A bright bar that moves up and down by a sine."""
    rng, frames = np.random.default_rng(2), []
    for index in range(40):
        image, row = fan_image(rng), bar_row(index)
        image[row - BAR : row + BAR + 1, 90:150] = 240
        frames.append(image)
    path = tmp_path_factory.mktemp("bar") / "bar.gif"
    write_clip(path, frames, ClipFile(path, "gif", 40, HEIGHT, WIDTH, 25.0, False, lambda: iter(frames)))
    return path


def bar_row(index: int) -> int:
    return round(110 + SWING * math.sin(2 * math.pi * index / 20))


def length(page: Page, pane: str) -> float:
    text = page.locator(f"[data-pane={pane}] .eg-mark-label").text_content() or ""
    return float(text.removesuffix(" mm"))


def view(page: Page) -> list[float]:
    return [float(part) for part in (page.locator(".eg-fan").get_attribute("viewBox") or "").split()]


def test_a_length_of_40_mm_reads_40_mm_in_both_panes(page: Page, measured, small_model):
    enhanced(page, measured, small_model)
    pause(page)
    page.keyboard.press("c")
    drag(page, "original", (80.5, 120.5), (160.5, 120.5))
    for pane in ("original", "enhanced"):
        assert length(page, pane) == pytest.approx(40, abs=1)
    # An end can be moved: half as far.
    drag(page, "enhanced", (160.5, 120.5), (120.5, 120.5))
    assert length(page, "original") == pytest.approx(20, abs=1)
    page.keyboard.press("Backspace")
    expect(page.locator(".eg-mark-label")).to_have_count(0)


def test_two_regions_are_compared_as_the_evaluation_does(page: Page, measured, small_model):
    enhanced(page, measured, small_model)
    pause(page)
    page.keyboard.press("Home")
    page.keyboard.press("g")
    a, b = ((90.0, 60.0), (150.0, 100.0)), ((70.0, 110.0), (90.0, 130.0))
    drag(page, "original", *a)
    drag(page, "original", *b)
    text = page.locator(".eg-probe").inner_text()
    image = next(iter(open_clip(measured).iter_frames()))
    expected = gcnr(image, ellipse(*a), ellipse(*b), bins=32)
    assert float(text.split(": ")[1].split(" → ")[0]) == pytest.approx(expected, abs=0.02)
    assert text.count("→") == 1


def ellipse(begin: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    (x0, y0), (x1, y1) = begin, end
    return ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1


def test_the_m_mode_slice_follows_what_moves(page: Page, moving_bar, small_model):
    enhanced(page, moving_bar, small_model)
    pause(page)
    page.keyboard.press("t")
    drag(page, "original", (120.0, 70.0), (120.0, 150.0))
    expect(page.locator(".eg-mmode[data-ready=true]")).to_be_visible()
    rows = page.locator(".eg-mmode canvas").evaluate(
        """canvas => { const ink = canvas.getContext('2d'), dots = canvas.width / canvas.clientWidth;
          const left = 46 * dots, width = canvas.width - 54 * dots, rows = [];
          const half = (canvas.clientHeight - 18) / 2 * dots;
          for (let i = 0; i < 40; i += 1) {
            const column = ink.getImageData(Math.round(left + (i + 0.5) * width / 40), 0, 1, Math.floor(half)).data;
            let sum = 0, weight = 0;
            for (let k = 0; k < half - 1; k += 1) if (column[4 * k] > 150) { sum += k; weight += 1; }
            rows.push(sum / weight / half);
          }
          return rows; }"""
    )
    moved = [70 + 80 * row for row in rows]
    assert moved == pytest.approx([bar_row(index) for index in range(40)], abs=2.5)
    page.get_by_role("button", name="Close the M-mode slice").click()
    expect(page.locator(".eg-mmode")).to_be_hidden()


def test_strength_changes_the_picture_at_once_and_without_a_request(page: Page, measured, strong_model):
    enhanced(page, measured, strong_model)
    pause(page)
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "file=" in request.url else None)
    points = [(x, y) for x in range(100, 140, 4) for y in range(80, 110, 4)]
    full, original = levels(page, "enhanced", points), levels(page, "original", points)
    assert max(abs(a - b) for a, b in zip(full, original, strict=True)) > 10
    # The quickest of five: another process may have the core for a moment.
    took = page.locator(".eg-strength input").evaluate(
        """async (slider) => { let least = Infinity;
          for (const value of [90, 70, 40, 60, 50]) {
            const began = performance.now(); slider.value = value;
            slider.dispatchEvent(new Event('input', { bubbles: true }));
            await new Promise(requestAnimationFrame);
            least = Math.min(least, performance.now() - began);
          }
          return least; }"""
    )
    assert took < 100
    half = levels(page, "enhanced", points)
    middle = [(a + b) / 2 for a, b in zip(full, original, strict=True)]
    assert half == pytest.approx(middle, abs=2)
    assert asked == []
    expect(page.locator("[data-pane=enhanced] figcaption")).to_have_text("Enhanced, strength 0.50")


def test_zoom_and_pan_are_linked_and_the_sector_fits_again(page: Page, measured, small_model):
    enhanced(page, measured, small_model)
    before = view(page)
    page.mouse.move(*in_pane(page, "original", 120, 120))
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(200)
    zoomed = view(page)
    assert zoomed[2] < 0.8 * before[2]
    # The point under the pointer stays, and both panes show the same part.
    assert in_pane(page, "original", 120, 120)[1] == pytest.approx(
        in_pane(page, "enhanced", 120, 120)[1], abs=1
    )
    drag(page, "enhanced", (120, 120), (130, 120))
    assert view(page)[0] < zoomed[0]
    page.keyboard.press("0")
    assert view(page) == pytest.approx(before, abs=0.01)
    page.keyboard.press("+")
    assert view(page)[2] < before[2]


def test_full_screen_the_rail_and_the_keys_list(page: Page, measured, small_model):
    enhanced(page, measured, small_model)
    wide = page.locator(".eg-stage").bounding_box()
    page.keyboard.press("r")
    folded = page.locator(".eg-stage").bounding_box()
    assert wide is not None
    assert folded is not None
    assert folded["width"] == 1440
    assert wide["width"] < 1440
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_a_shows_the_original_in_place_of_the_enhanced_and_blink_alternates(
    page: Page, measured, small_model
):
    enhanced(page, measured, small_model)
    caption = page.locator("[data-pane=enhanced] figcaption")
    page.keyboard.press("a")
    expect(caption).to_have_text("Original")
    page.keyboard.press("a")
    expect(caption).to_have_text("Enhanced")
    page.keyboard.press("b")
    expect(caption).to_have_text("Original")
    expect(caption).to_have_text("Enhanced")
    page.keyboard.press("b")
    expect(caption).to_have_text("Enhanced")


def test_the_frame_is_saved_as_a_png_with_its_mark(page: Page, measured, small_model):
    enhanced(page, measured, small_model)
    pause(page)
    page.locator(".eg-export summary").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG of this frame").click()
    image = Image.open(io.BytesIO(Path(saved.value.path()).read_bytes()))
    assert image.width == WIDTH
    assert image.height > HEIGHT  # the mark stands under the picture
    assert "measured" not in saved.value.suggested_filename


def test_the_calliper_needs_no_result(page: Page, measured):
    opened(page, measured)
    page.keyboard.press("c")
    drag(page, "original", (80.5, 120.5), (160.5, 120.5))
    expect(page.locator("[data-pane=original] .eg-mark-label")).to_contain_text("mm")
