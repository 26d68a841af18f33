"""The browser demo: a clip is enhanced in the page itself as Python does it, and nothing is asked of anybody else."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from dicom_samples import jpeg, save, ultrasound, wrap
from playwright.sync_api import Browser, Page, expect
from pydicom import uid

from echogan.clips.files import open_clip, open_writer
from echogan.core.geometry import Fan, Sector
from echogan.core.notice import IN_FULL
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT, Checkpoint
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.ui.browser_demo.assemble import assemble
from tests.support.demo_server import serving_folder

RUNTIME = "ECHOGAN_ONNXRUNTIME_WEB"  # the unpacked package
FRAMES, SEED = 5, 11
PIXELS = """id => {
  const canvas = document.getElementById(id);
  return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
}"""


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("onnx", reason="onnx is not installed, so the network cannot be exported")
    if not (runtime := os.environ.get(RUNTIME)):
        pytest.skip(f"{RUNTIME} names no folder of onnxruntime-web")
    folder = tmp_path_factory.mktemp("demo")
    assemble(folder, careful(), Path(runtime))
    with serving_folder(folder) as url:
        yield url


@pytest.fixture
def demo(demo_url: str, browser: Browser) -> Iterator[Page]:
    """The page, which at its end has asked only its own server, by GET, and has raised no error."""
    context = browser.new_context(viewport={"width": 1440, "height": 860}, service_workers="block")
    asked, errors = [], []
    page = context.new_page()
    context.on("request", lambda request: asked.append((request.method, request.url)))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(demo_url, wait_until="domcontentloaded")
    expect(page.locator("#notice")).to_have_text(IN_FULL)
    yield page
    context.close()
    own = urlsplit(demo_url).netloc
    strangers = [(method, url) for method, url in asked if urlsplit(url).netloc != own]
    assert [url for _, url in strangers if not url.startswith("blob:")] == []
    assert {method for method, _ in asked} == {"GET"}
    assert errors == []


@pytest.fixture(scope="session")
def phantom() -> Callable[[float], tuple[np.ndarray, Fan]]:
    """A degraded clip at a size relative to the usual, uint8 (T, H, W), and its fan."""
    clip = phantom_clip(SEED, PhantomSettings(), FRAMES, want=("degraded",))
    assert clip.degraded is not None
    frames, fan = clip.degraded.numpy(), clip.fan

    def scaled(scale: float) -> tuple[np.ndarray, Fan]:
        large = [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for f in frames]
        places = [round(scale * length) for length in (*fan[:2], *fan[4:])]
        # Within the true fan, so that nothing depends on how its rim was drawn.
        shown = Fan((places[0], places[1]), fan[2] + 1.25, fan[3] - 1.25, places[2] + 2, places[3] - 2)
        return np.stack(large), shown

    return scaled


def careful() -> Checkpoint:
    """The default network, applied as one with much caution, more haze removed, black lifted and hidden walls kept."""
    model = load_checkpoint(DEFAULT)
    asked = {"gain": 1.5, "haze_gain": 0.5, "caution": 0.6, "dark_level": 0.1, "keep_walls": 0.8}
    return replace(model, config=replace(model.config, **asked))


def python_result(frames: np.ndarray, fan: Fan, path: Path) -> np.ndarray:
    """What Python makes of the clip in this sector, with the grey levels of all its tissue."""
    mask = fan.mask(*frames.shape[1:])
    levels = tuple(np.percentile(frames[:, mask], np.arange(101)).tolist())
    sector = Sector("fan", mask, np.zeros_like(mask), 1.0, fan, levels=levels)
    settings = EnhanceSettings(device="cpu", backend="torch")
    chunks = Enhancer(careful(), settings).stream(open_clip(path), sector)
    return np.concatenate([chunk.enhanced for chunk in chunks])


def fill_in(page: Page, fan: Fan) -> None:
    numbers = (*fan.apex, fan.left_deg, fan.right_deg, fan.r_min, fan.r_max)
    names = ("apex_x", "apex_y", "left_deg", "right_deg", "r_min", "r_max")
    for name, number in zip(names, numbers, strict=True):
        page.fill(f"#{name}", f"{number:.2f}")


def shown(page: Page, pane: str, shape: tuple[int, ...]) -> np.ndarray:
    """A pane at every frame: uint8 (T, H, W, 4)."""
    frames = []
    for index in range(shape[0]):
        page.locator("#frame").fill(str(index))
        frames.append(np.array(page.evaluate(PIXELS, pane), np.uint8).reshape(*shape[1:], 4))
    return np.stack(frames)


@pytest.mark.parametrize(
    ("scale", "reject"),
    [(0.7, 0), (1.6, 0), (0.7, 70)],
    ids=["scaled up", "scaled down", "faint echoes shown as black"],
)
def test_a_phantom_is_enhanced_as_in_python(demo: Page, phantom, tmp_path: Path, scale: float, reject: int):
    frames, fan = phantom(scale)
    frames = np.rint(np.maximum(frames.astype(float) - reject, 0) * 255 / (255 - reject)).astype(np.uint8)
    fan = Fan(fan.apex, round(fan.left_deg, 2), round(fan.right_deg, 2), fan.r_min, fan.r_max)
    path = save(ultrasound(frames), tmp_path / "phantom.dcm")
    demo.set_input_files("#file", path)
    expect(demo.locator("#facts")).to_contain_text(f"{frames.shape[2]} x {frames.shape[1]}")
    fill_in(demo, fan)
    demo.click("#run")
    expect(demo.locator("#status")).to_contain_text("Done", timeout=180_000)
    found = shown(demo, "enhanced", frames.shape)
    wanted = python_result(frames, fan, path)
    np.testing.assert_array_equal(shown(demo, "original", frames.shape)[..., 0], frames)
    away = np.abs(found[..., 0].astype(int) - wanted)
    assert np.abs(wanted.astype(int) - frames).max() > 20, "the network changes the clip"
    assert away.max() <= 1
    assert (away > 0).mean() < 0.001
    map_shown = shown(demo, "difference", frames.shape)[..., :3].any(-1)
    np.testing.assert_array_equal(map_shown, found[..., 0] != frames)


def test_a_jpeg_dicom_in_colour_is_read(demo: Page, phantom, tmp_path: Path):
    frames, _ = phantom(0.7)
    colours = np.repeat(frames[..., None], 3, axis=-1)
    coded = wrap([jpeg(frame) for frame in colours], pieces=2)
    ds = ultrasound(colours, "YBR_FULL_422", PixelData=coded)
    demo.set_input_files("#file", save(ds, tmp_path / "clip.dcm", uid.JPEGBaseline8Bit))
    expect(demo.locator("#facts")).to_contain_text(f"Frames{FRAMES}")
    expect(demo.locator("#facts")).to_contain_text("50.0 per second")
    found = shown(demo, "original", frames.shape)[..., 0].astype(int)
    assert np.abs(found - frames).mean() < 3, "JPEG at quality 95"


def test_a_video_is_read_and_can_be_cancelled(demo: Page, phantom, tmp_path: Path):
    frames, _ = phantom(1.0)
    source = open_clip(save(ultrasound(np.tile(frames, (4, 1, 1))), tmp_path / "clip.dcm"))
    with open_writer(tmp_path / "clip.webm", source) as writer:
        for frame in source.iter_frames():
            writer.write(frame)
    demo.set_input_files("#file", tmp_path / "clip.webm")
    expect(demo.locator("#facts")).to_contain_text("video", timeout=60_000)
    demo.click("#run")
    expect(demo.locator("#status")).to_contain_text("Enhanced", timeout=120_000)
    demo.click("#cancel")
    expect(demo.locator("#status")).to_have_text("Cancelled.")
    expect(demo.locator("#run")).to_be_enabled()
    # What was enhanced until then stays to be looked at.
    assert demo.evaluate(PIXELS, "enhanced") != demo.evaluate(PIXELS, "original")


def test_play_walks_through_the_frames_and_the_slider_stops_it(demo: Page, phantom, tmp_path: Path):
    frames, _ = phantom(0.7)
    demo.set_input_files("#file", save(ultrasound(frames), tmp_path / "clip.dcm"))
    demo.click("#play")
    expect(demo.locator("#count")).not_to_contain_text("frame 1 ")
    demo.locator("#frame").fill("2")
    expect(demo.locator("#play")).to_have_text("Play")
    expect(demo.locator("#count")).to_contain_text("frame 3 of 5")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda frames, path: save(ultrasound(frames.astype(np.uint16)), path), "more than 8 bits"),
        (lambda frames, path: save(ultrasound(frames, "PALETTE COLOR"), path), "does not read the colours"),
        (
            lambda frames, path: path.write_bytes(save(ultrasound(frames), path).read_bytes()[:-500]),
            "cut off or damaged",
        ),
        (lambda frames, path: path.write_bytes(b"no clip" * 100), "cannot play the file"),
    ],
    ids=["16 bits", "palette", "cut off", "no clip"],
)
def test_what_cannot_be_read_is_refused_in_words(demo: Page, phantom, tmp_path: Path, make, words: str):
    frames, _ = phantom(0.7)
    make(frames, tmp_path / "clip.dcm")
    demo.set_input_files("#file", tmp_path / "clip.dcm")
    expect(demo.locator("#error")).to_contain_text(words)


def test_a_sector_that_is_none_is_refused(demo: Page, phantom, tmp_path: Path):
    frames, _ = phantom(0.7)
    demo.set_input_files("#file", save(ultrasound(frames), tmp_path / "clip.dcm"))
    demo.fill("#left_deg", "50")
    demo.click("#run")
    expect(demo.locator("#error")).to_contain_text("left angle must be less than its right one")
