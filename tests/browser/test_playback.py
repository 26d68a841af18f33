"""Playing: all panes show the frame that the page names, at the file's rate, within the loop, by the keys."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.viewer_page import counted_clip, counter_points, enhanced, frame, number, pause

FRAMES = 50
SAMPLES = 200
# Read in one go: the page can't paint meanwhile.
SAMPLE = """async ([points, samples]) => {
  const root = document.querySelector('.eg-app');
  const read = (pane, [left, top, width, height]) => {
    const canvas = root.querySelector(`[data-pane=${pane}] .eg-pic`), ink = canvas.getContext('2d');
    return points.map(([x, y]) => ink.getImageData(Math.round((x - left) / width * canvas.width),
      Math.round((y - top) / height * canvas.height), 1, 1).data[0]);
  };
  const taken = [];
  while (taken.length < samples) {
    await new Promise((done) => setTimeout(done, 20 + 30 * Math.random()));
    const view = root.querySelector('.eg-fan').getAttribute('viewBox').split(' ').map(Number);
    taken.push([read('original', view), read('enhanced', view), root.querySelector('.eg-time').textContent]);
  }
  return taken;
}"""


@pytest.fixture
def load() -> Iterator[None]:
    """Two processes that keep two cores busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for process in busy:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    return counted_clip(tmp_path_factory.mktemp("counted") / "counted.gif", FRAMES)


def test_no_pane_drifts_while_playing_under_load(page: Page, counted, small_model, load):
    enhanced(page, counted, small_model)
    expect(page.locator(".eg-app.eg-playing")).to_be_visible()  # at the file's rate, of itself
    seen = set()
    for original, improved, label in page.evaluate(SAMPLE, [counter_points(), SAMPLES]):
        assert number(original) == number(improved), label
        assert label.startswith(f"Frame {number(original) + 1} of {FRAMES}")
        seen.add(number(original))
    assert len(seen) > FRAMES / 2  # it played


def test_it_plays_at_the_rate_of_the_file_and_at_the_speed_chosen(page: Page, counted, small_model):
    enhanced(page, counted, small_model)
    page.wait_for_timeout(2500)  # every frame has been decoded once
    assert rate(page) == pytest.approx(25, rel=0.25)
    page.get_by_role("combobox", name="Playback speed").select_option("0.25")
    assert rate(page) == pytest.approx(25 / 4, rel=0.35)


def rate(page: Page) -> float:
    """Frames per second, counted within the page; a count over more than a round of the loop would be ambiguous."""
    for _ in range(20):
        frames, seconds = page.evaluate(
            """async () => { const root = document.querySelector('.eg-app'), began = performance.now();
              const first = Number(root.dataset.frame);
              await new Promise((done) => setTimeout(done, 1000));
              return [Number(root.dataset.frame) - first, (performance.now() - began) / 1000]; }"""
        )
        if seconds < 0.9 * FRAMES / 25:
            return (frames % FRAMES) / seconds
    pytest.fail("the machine was too busy to count frames")


def test_the_loop_keeps_to_its_range(page: Page, counted, small_model):
    enhanced(page, counted, small_model)
    pause(page)
    for at, key in ((10, "["), (14, "]")):
        page.locator(".eg-scrub").fill(str(at))
        expect(page.locator(".eg-app")).to_have_attribute("data-frame", str(at))
        page.keyboard.press(key)
    page.keyboard.press(" ")
    seen = set()
    for _ in range(40):
        page.wait_for_timeout(30)
        seen.add(frame(page))
    assert seen <= set(range(10, 15))
    assert len(seen) > 2
    page.keyboard.press("Home")
    expect(page.locator(".eg-app")).to_have_attribute("data-frame", "10")
    page.keyboard.press("End")
    expect(page.locator(".eg-app")).to_have_attribute("data-frame", "14")


def test_the_original_plays_before_anything_is_enhanced(page: Page, counted):
    page.wait_for_function("document.querySelector('.eg-example-list button') !== null")
    page.locator(".eg-open input").set_input_files(counted)
    expect(page.locator(".eg-app[data-state=ready].eg-playing")).to_be_visible()
    page.wait_for_function("Number(document.querySelector('.eg-app').dataset.frame) > 5")
