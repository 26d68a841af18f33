"""Dither and noisy chroma are no colour; a trace, text, a tint and colour flow are."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from drawn_echo import FAN, clip_of, drawn_echo, overlap
from videos import encode

from echogan.clips.clip import ClipFile, grey
from echogan.clips.colour_noise import REMOVED, without_colour_noise
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector

TRUTH = FAN.mask(180, 240)


def in_colour(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames[..., None], 3, -1)


def with_trace(frames: np.ndarray) -> np.ndarray:
    """An ECG trace two pixels wide, green, that runs below and into the sector."""
    x, drawn = np.arange(10, 230), frames.copy()
    for t, frame in enumerate(drawn):
        y = (150 + 8 * np.sin(x / 7 + t)).astype(int)
        frame[y, x] = frame[y + 1, x] = (0, 220, 40)
    return drawn


def with_text(frames: np.ndarray) -> np.ndarray:
    drawn = frames.copy()
    for frame in drawn:
        cv2.putText(frame, "4CH 62", (90, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1)
    return drawn


def tinted(frames: np.ndarray) -> np.ndarray:
    return np.clip(frames * np.array([1.1, 0.95, 0.7]), 0, 255).astype(np.uint8)


def with_flow(frames: np.ndarray) -> np.ndarray:
    drawn = frames.copy()
    cv2.circle(drawn[0], (120, 90), 30, (210, 40, 0), -1)
    drawn[:] = np.where((drawn[0] == (210, 40, 0)).all(-1)[..., None], drawn[0], drawn)
    return drawn


def in_332(path: Path, frames: np.ndarray) -> Path:
    """ffmpeg's default GIF palette, 3 bits of red, 3 of green and 2 of blue, dithered."""
    with av.open(str(path), "w", format="gif") as out:
        stream = out.add_stream("gif", rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "bgr8"  # pyright: ignore
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="bgr8")))
        out.mux(stream.encode(None))
    return path


def noisy(frames: np.ndarray, seed: int = 0) -> np.ndarray:
    """Chroma noise of up to 20 in Cr and Cb, each value over two by two pixels, as video stores it."""
    rng, drawn = np.random.default_rng(seed), []
    for frame in frames:
        coded = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb).astype(np.float32)
        noise = rng.uniform(-20, 20, (frame.shape[0] // 2, frame.shape[1] // 2, 2))
        coded[..., 1:] += cv2.resize(noise, frame.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        coded = np.clip(np.rint(coded), 0, 255).astype(np.uint8)
        drawn.append(cv2.cvtColor(coded, cv2.COLOR_YCrCb2RGB))
    return np.stack(drawn)


def opened(folder: Path, frames: np.ndarray, how: str) -> ClipFile:
    if how == "palette":
        return open_clip(in_332(folder / "a.gif", frames))
    return open_clip(encode(folder / "a.mkv", noisy(frames), "ffv1", "bgr0"))


@pytest.mark.parametrize("how", ["palette", "chroma"])
def test_a_grey_clip_is_grey_and_its_sector_is_that_of_the_clip_without_noise(tmp_path, how):
    frames = drawn_echo()
    clip = opened(tmp_path, in_colour(frames), how)
    assert (clip.color, clip.warnings) == (False, (REMOVED,))
    shown = clip.read().frames
    assert shown.shape == frames.shape
    assert np.abs(cv2.blur(shown[3], (9, 9)).astype(int) - cv2.blur(frames[3], (9, 9))).max() < 12
    found, plain = find_sector(clip), find_sector(clip_of(frames))
    assert overlap(found.tissue_mask, plain.tissue_mask) > 0.95
    assert overlap(found.mask, TRUTH) > 0.985
    assert found.overlay_mask.mean() < 0.011  # speckle that stands still looks drawn


@pytest.mark.parametrize("how", ["palette", "chroma"])
@pytest.mark.parametrize(("draw", "colour"), [(with_trace, (0, 220, 40)), (with_text, (255, 255, 0))])
def test_marks_stay_coloured_and_the_tissue_is_grey(tmp_path, how, draw, colour):
    frames = draw(in_colour(drawn_echo()))
    drawn = (frames == colour).all(-1)
    clip = opened(tmp_path, frames, how)
    assert clip.color
    shown = clip.read().frames
    spread = np.ptp(shown.astype(int), axis=-1)
    assert np.median(spread[drawn]) > 100
    assert (spread[:, 30:80] == 0).mean() > 0.97  # the tissue above them
    sector = find_sector(clip)
    assert overlap(sector.mask, TRUTH) > 0.95
    assert sector.coverage > 0.75 * TRUTH.mean()  # the trace sweeps over a part of it
    assert sector.overlay_mask[drawn[3] & TRUTH].mean() > 0.8


@pytest.mark.parametrize("how", ["palette", "chroma"])
def test_a_tint_stays(tmp_path, how):
    frames = tinted(in_colour(drawn_echo()))
    clip = opened(tmp_path, frames, how)
    assert clip.color
    shown = clip.read().frames
    lit = grey(frames) > 60
    for channel in range(3):
        assert shown[lit][:, channel].mean() == pytest.approx(frames[lit][:, channel].mean(), abs=5)
    assert find_sector(clip).coverage == pytest.approx(TRUTH.mean(), abs=0.02)


@pytest.mark.parametrize("draw", [with_flow, tinted, with_trace, with_text])
def test_colour_without_noise_is_untouched(draw):
    clip = clip_of(draw(in_colour(drawn_echo())))
    assert without_colour_noise(clip) is clip


@pytest.mark.parametrize("how", ["palette", "chroma"])
def test_colour_flow_stays(tmp_path, how):
    frames = with_flow(in_colour(drawn_echo()))
    flow = (frames[0] == (210, 40, 0)).all(-1)
    shown = opened(tmp_path, frames, how).read().frames.astype(int)
    assert np.median(shown[:, flow, 0] - shown[:, flow, 2]) > 120


def test_grey_clips_are_not_looked_at():
    clip = clip_of(drawn_echo())
    assert without_colour_noise(clip) is clip


def test_dark_frames_at_the_start_do_not_hide_the_noise(tmp_path):
    frames = in_colour(drawn_echo())
    frames[:3] = 0
    assert not opened(tmp_path, frames, "chroma").color
