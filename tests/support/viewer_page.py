"""Handles of the Enhance tab in a browser: open, enhance, read frames from its panes, drag over them."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.core.geometry import Fan

WORKING = 120_000  # ms: enhancing on a busy machine takes its time
WIDTH, HEIGHT = 240, 200
FAN = Fan((120.0, 4.0), -38.0, 38.0, 4.0, 190.0)
BITS = 6  # of a burned-in counter
BLOCK = 8  # pixels of a bit's side
COUNTER = (150, 8)  # left top, inside the sector's bounding box and outside the fan

# The pane's part of the frame stands in the outline's viewBox: from it, where a point of the frame is in the pane.
READ = """([pane, points]) => {
  const root = document.querySelector('.eg-app');
  const canvas = root.querySelector(`[data-pane=${pane}] .eg-pic`);
  const [left, top, width, height] = root.querySelector('.eg-fan').getAttribute('viewBox').split(' ').map(Number);
  const ink = canvas.getContext('2d');
  return points.map(([x, y]) => ink.getImageData(Math.round((x - left) / width * canvas.width),
    Math.round((y - top) / height * canvas.height), 1, 1).data[0]);
}"""


def counted_clip(path: Path, frames: int, fps: float = 25.0) -> Path:
    """Speckle in a fan, lossless; the frame's number in blocks beside the fan, inside the box of the result."""
    rng, inside = np.random.default_rng(0), FAN.mask(HEIGHT, WIDTH)

    def frame(index: int) -> np.ndarray:
        image = np.where(inside, rng.integers(20, 200, inside.shape), 0).astype(np.uint8)
        for bit, (x, y) in enumerate(corners()):
            image[y : y + BLOCK, x : x + BLOCK] = 255 if index >> bit & 1 else 60
        return image

    drawn = [frame(index) for index in range(frames)]
    like = ClipFile(path, "gif", frames, HEIGHT, WIDTH, fps, False, lambda: iter(drawn))
    write_clip(path, drawn, like)
    return path


def corners() -> list[tuple[int, int]]:
    """The left top pixel of each bit of the counter."""
    left, top = COUNTER
    return [(left + 10 * bit, top) for bit in range(BITS)]


def counter_points() -> list[tuple[float, float]]:
    """The middle of each bit of the counter."""
    return [(x + BLOCK / 2, y + BLOCK / 2) for x, y in corners()]


def number(levels: Sequence[int]) -> int:
    """The number that the blocks show."""
    return sum((level > 150) << bit for bit, level in enumerate(levels))


def short_gif(cine: ClipFile, path: Path, frames: int = 8) -> Path:
    """The first frames of a clip at half size: for tests that need only some result."""
    small = [frame[::2, ::2] for frame in islice(cine.iter_frames(), frames)]
    like = ClipFile(path, "gif", frames, *small[0].shape[:2], 25.0, small[0].ndim == 3, lambda: iter(small))
    write_clip(path, small, like)
    return path


def upload(page: Page, *paths: Path) -> None:
    """Give files to the page's field."""
    expect(page.locator(".eg-app")).to_be_visible(timeout=WORKING)
    page.wait_for_function(
        "document.querySelector('.eg-example-list button') !== null"
    )  # the session is there
    page.locator(".eg-open input").set_input_files(list(paths))


def drop(page: Page, *paths: Path) -> None:
    """Drop files onto the middle of the page, as from the desktop."""
    transfer = page.evaluate_handle("() => new DataTransfer()")
    for path in paths:
        page.evaluate(
            "([transfer, bytes, name]) => transfer.items.add(new File([new Uint8Array(bytes)], name))",
            [transfer, list(path.read_bytes()), path.name],
        )
    for event in ("dragover", "drop"):
        page.locator(".eg-main").dispatch_event(event, {"dataTransfer": transfer})


def choose_model(page: Page, name: str) -> None:
    """Type a model's name into its field."""
    field = page.locator("#eg-model input")
    field.fill(name)
    field.press("Enter")
    expect(field).to_have_value(name)
    field.blur()


def opened(page: Page, path: Path) -> None:
    """Open a clip and wait until its sector is outlined."""
    upload(page, path)
    expect(page.locator(".eg-app[data-state=ready] .eg-outline")).to_be_visible(timeout=WORKING)


def enhanced(page: Page, path: Path, model: str) -> None:
    """Open a clip, enhance it, and wait until all of it is there."""
    opened(page, path)
    choose_model(page, model)
    page.locator("#eg-run").click()
    expect(page.locator(".eg-verdict")).to_contain_text("Mean change", timeout=WORKING)
    expect(page.locator(".eg-app")).to_have_attribute("data-enhanced", "true")


def pause(page: Page) -> None:
    """Stop the clip where it plays."""
    if "eg-playing" in (page.locator(".eg-app").get_attribute("class") or ""):
        page.locator(".eg-play").click()


def frame(page: Page) -> int:
    """The number of the frame shown, from 0."""
    return int(page.locator(".eg-app").get_attribute("data-frame") or -1)


def levels(page: Page, pane: str, points: Sequence[tuple[float, float]]) -> list[int]:
    """Grey levels of a pane at points of the frame."""
    return page.evaluate(READ, [pane, list(points)])


def in_pane(page: Page, pane: str, x: float, y: float) -> tuple[float, float]:
    """Where a point of the frame is on the page."""
    box = page.locator(f"[data-pane={pane}]").bounding_box()
    assert box is not None
    view = page.locator(".eg-fan").get_attribute("viewBox")
    left, top, width, height = json.loads(f"[{(view or '').replace(' ', ',')}]")
    return box["x"] + (x - left) / width * box["width"], box["y"] + (y - top) / height * box["height"]


def drag(page: Page, pane: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one point of the frame to another."""
    page.mouse.move(*in_pane(page, pane, *begin))
    page.mouse.down()
    page.mouse.move(*in_pane(page, pane, *end), steps=5)
    page.mouse.up()
