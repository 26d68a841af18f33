"""The Enhance tab in a real browser: a clip in, two clips playing in step, maps, curves, downloads, Stop, a mistake."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from echogan.clips.files import open_clip
from echogan.core.geometry import Fan
from echogan.core.notice import NOTICE
from echogan.model.checkpoints import checkpoint as store
from echogan.model.checkpoints.checkpoint import CheckpointConfig, bundled_checkpoints, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator

VIDEOS = "#eg-player .eg-pane video"
WORKING = 120_000  # ms: enhancing on a busy machine takes its time


@pytest.fixture(scope="module")
def short_clip(cine, tmp_path_factory) -> Path:
    """The cine's first eight frames at half size, as a GIF: for the tests that need only some result."""
    frames = [Image.fromarray(frame[::2, ::2]) for frame in islice(open_clip(cine).iter_frames(), 8)]
    path = tmp_path_factory.mktemp("clips") / "short.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, loop=0)
    return path


@pytest.fixture(scope="module", autouse=True)
def small_model(tmp_path_factory) -> Iterator[str]:
    """A small untrained model called `small`, beside whatever is bundled: quick, and there before training is done."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    config = CheckpointConfig(name="small", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    save_checkpoint(
        folder / "small", config, build_generator(config.generator), build_generator(config.generator)
    )
    for path in bundled_checkpoints():
        (folder / path.name).symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "BUNDLED", folder)
        yield "small"


def upload(page: Page, path: Path) -> None:
    expect(page.locator("#eg-player .eg-player")).to_be_visible()
    page.locator("#eg-upload input[type=file]").set_input_files(path)


def choose_model(page: Page, name: str) -> None:
    field = page.locator("#eg-model input")
    field.fill(name)
    field.press("Enter")
    expect(field).to_have_value(name)


def enhance(page: Page, cine, model: str) -> None:
    upload(page, cine)
    expect(page.locator(".eg-player[data-state=preview] .eg-outline")).to_be_visible(timeout=WORKING)
    choose_model(page, model)
    page.locator("#eg-run").click()
    expect(page.locator(".eg-player")).to_have_attribute("data-state", "result", timeout=WORKING)


def frame(page: Page) -> int:
    return int(page.locator(".eg-player").get_attribute("data-frame") or -1)


def painted(page: Page, selector: str) -> bool:
    """Whether the canvas shows anything but one flat colour."""
    return page.locator(selector).evaluate(
        """c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
                  let low = 255, high = 0;
                  for (let i = 0; i < d.length; i += 4) { low = Math.min(low, d[i]); high = Math.max(high, d[i]); }
                  return high - low > 20; }"""
    )


def test_a_dicom_cine_is_enhanced_and_played_beside_its_maps(page: Page, cine, small_model):
    enhance(page, cine, small_model)
    page.wait_for_function(
        f"() => {{ const v = [...document.querySelectorAll('{VIDEOS}')];"
        "return v.length == 2 && v.every(x => x.readyState >= 2 && x.currentTime > 0.1); }"
    )
    times = page.locator(VIDEOS).evaluate_all("videos => videos.map(v => v.currentTime)")
    apart = abs(times[0] - times[1])
    assert apart < 0.25
    expect(page.locator(".eg-badge")).to_contain_text(
        re.compile(r"small.*[0-9a-f]{12}.*(cpu|cuda|mps)", re.S)
    )
    expect(page.locator(".eg-notice")).to_contain_text(NOTICE)
    expect(page.locator(".eg-caveat")).to_contain_text("hallucination")

    # Pause, then one frame forth and back; every clip stands in that frame.
    page.locator(".eg-play").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.locator(".eg-scrub").fill("10")
    assert frame(page) == 10
    page.keyboard.press(".")
    assert frame(page) == 11
    page.wait_for_function(
        "() => [...document.querySelectorAll('#eg-player video')].every(v => Math.floor(v.currentTime * 30) == 11)"
    )
    page.keyboard.press(",")
    assert frame(page) == 10
    expect(page.locator(".eg-time")).to_contain_text("Frame 11 of 30")

    # The curve: a click three quarters along goes there.
    plot = page.locator(".eg-plot")
    expect(plot.locator("polyline")).to_have_count(2)
    box = plot.bounding_box()
    assert box is not None
    plot.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
    assert 19 <= frame(page) <= 24

    # The map, in its pane and over the enhanced clip, with its scale.
    expect(page.locator(".eg-map")).to_be_visible()
    assert painted(page, ".eg-map")
    page.get_by_role("button", name="Cycle error").click()
    expect(page.locator(".eg-scale-name")).to_contain_text("grey levels")
    page.get_by_role("button", name="Overlay").click()
    expect(page.locator(".eg-overlay")).to_be_visible()

    # A map in its own pane goes with the side-by-side view, scale and all, and comes back with it.
    page.get_by_role("button", name="Own pane").click()
    page.get_by_role("button", name="Wipe", exact=True).click()
    expect(page.locator(".eg-scale-bar")).to_be_hidden()
    expect(page.get_by_role("button", name="No map")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Difference").click()
    expect(page.locator(".eg-overlay")).to_be_visible()
    expect(page.locator(".eg-scale-bar")).to_be_visible()
    page.get_by_role("button", name="No map").click()

    # The wipe, by keyboard.
    divider = page.get_by_role("slider", name="Wipe position")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "52")

    names = page.locator(".eg-downloads a").evaluate_all("links => links.map(a => a.download)")
    assert sorted(names) == ["enhanced.dcm", "enhanced.mp4", "enhanced.npz", "maps.png", "report.json"]
    with page.expect_download() as saved:
        page.locator(".eg-downloads a", has_text="Report").click()
    assert '"per_frame"' in saved.value.path().read_text()


def test_the_sector_is_adjusted_and_the_clip_enhanced_again(page: Page, short_clip, small_model):
    enhance(page, short_clip, small_model)
    page.get_by_role("button", name="Adjust sector").click()
    far = page.get_by_role("button", name=re.compile("Deepest depth"))
    for _ in range(3):
        far.press("Shift+ArrowUp")
    page.get_by_role("button", name="Enhance with this sector").click()
    expect(page.locator(".eg-sector-note")).to_have_text("Sector as you set it.", timeout=WORKING)
    expect(page.locator(".eg-player")).to_have_attribute("data-state", "result")


def test_a_drawn_fan_counts_whichever_button_is_pressed_and_a_cancelled_one_does_not(
    page: Page, short_clip, small_model
):
    enhance(page, short_clip, small_model)
    note = page.locator(".eg-sector-note")
    found = note.inner_text()
    assert "confidence" in found
    page.get_by_role("button", name="Adjust sector").click()
    far = page.get_by_role("button", name=re.compile("Deepest depth"))
    far.press("Shift+ArrowUp")
    page.get_by_role("button", name="Cancel").click()
    page.locator("#eg-run").click()
    expect(page.locator("#eg-progress .eg-track")).to_be_hidden(timeout=WORKING)
    expect(note).to_have_text(found)
    page.get_by_role("button", name="Adjust sector").click()
    far.press("Shift+ArrowUp")
    page.locator("#eg-run").click()
    expect(note).to_have_text("Sector as you set it.", timeout=WORKING)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 560), (390, 844)])
def test_the_picture_keeps_its_shape_in_any_window(page: Page, tmp_path, small_model, width, height):
    """A ventricle must not look longer than it is."""
    page.set_viewport_size({"width": width, "height": height})
    rng, fan = np.random.default_rng(0), Fan((160.0, 4.0), -40.0, 40.0, 3.0, 165.0)
    still = np.where(fan.mask(180, 320), rng.integers(30, 220, (180, 320)), 0).astype(np.uint8)
    path = tmp_path / "wide.png"
    Image.fromarray(still).save(path)
    shapes = "frames => frames.filter(f => f.offsetParent).map(f => f.clientWidth / f.clientHeight)"
    upload(page, path)
    expect(page.locator(".eg-player")).to_have_attribute("data-state", "preview", timeout=WORKING)
    preview = page.locator(".eg-frame").evaluate_all(shapes)
    choose_model(page, small_model)
    page.locator("#eg-run").click()
    expect(page.locator(".eg-player")).to_have_attribute("data-state", "result", timeout=WORKING)
    result = page.locator(".eg-frame").evaluate_all(shapes)
    assert len(result) == (2 if width < 760 else 3)
    assert [*preview, *result] == pytest.approx([320 / 180] * len([*preview, *result]), rel=0.02)


def test_stop_stops(page: Page, cine, small_model):
    upload(page, cine)
    expect(page.locator("#eg-run")).to_be_enabled(timeout=WORKING)
    choose_model(page, small_model)
    page.locator("#eg-run").click()
    page.locator("#eg-stop").click()
    expect(page.locator("#eg-progress")).to_contain_text("Stopped")
    expect(page.locator("#eg-run")).to_be_enabled()
    expect(page.locator("#eg-stop")).to_be_disabled()
    expect(page.locator(".eg-player")).to_have_attribute("data-state", "preview")


def test_a_text_file_called_mp4_gives_a_toast_and_the_page_goes_on(page: Page, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("this is no clip\n" * 100)
    upload(page, path)
    expect(page.get_by_test_id("toast-body")).to_contain_text("not a clip that can be read")
    expect(page.locator("#eg-run")).to_be_disabled()
    page.get_by_role("button", name="DICOM cine").click()
    expect(page.locator(".eg-player")).to_have_attribute("data-state", "preview", timeout=WORKING)


def test_a_phone_gets_one_pane_and_no_sideways_scrolling(page: Page, short_clip, small_model):
    page.set_viewport_size({"width": 390, "height": 844})
    enhance(page, short_clip, small_model)
    expect(page.locator(".eg-player")).to_have_attribute("data-mode", "wipe")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Original", exact=True).click()
    expect(page.locator("[data-pane=enhanced]")).to_be_hidden()
