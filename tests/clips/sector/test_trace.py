"""The ECG trace over the tissue, against traces drawn on simulated clips, whose pixels are known."""

import cv2
import numpy as np
import pytest

from echogan.clips.clip import Clip, grey
from echogan.clips.files import open_clip
from echogan.clips.sector.clip_sample import ClipSample
from echogan.clips.sector.find_sector import sector_from_fan
from echogan.clips.sector.trace import _swept
from echogan.core.geometry import Fan
from echogan.phantom.clip import PhantomClip
from echogan.phantom.render import phantom_clip

HEIGHT = 12  # of the R wave, in pixels


@pytest.fixture(scope="module")
def clip() -> PhantomClip:
    return phantom_clip(85, frames=24, want=("degraded",))


def with_trace(
    clip: PhantomClip, count: int, step: int, colour: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(frames uint8 (count, S, S, 3), trace bool (S, S) over all) with beats that move `step` pixels a frame."""
    assert clip.degraded is not None
    frames = np.repeat(clip.degraded.numpy()[:count, ..., None], 3, -1)
    size, ever = frames.shape[1], np.zeros(frames.shape[1:3], bool)
    for t, frame in enumerate(frames):
        beat = (np.arange(size) + t * step) % 60
        y = 0.8 * size - HEIGHT * np.clip(1 - np.abs(beat - 30) / 3, 0, 1)
        points = np.stack([np.arange(size), y], 1).round().astype(np.int32)
        cv2.polylines(frame, [points], False, colour, 1)
        cv2.polylines(line := np.zeros(ever.shape, np.uint8), [points], False, 1, 1)
        ever |= line > 0
    return frames, ever


def traced(frames: np.ndarray) -> np.ndarray:
    return ClipSample(frames).trace


@pytest.mark.parametrize("colour", [(170, 170, 170), (60, 220, 90)])
@pytest.mark.parametrize(
    ("count", "step", "least"),
    [(1, 0, 0.8), (4, 7, 0.95), (8, 0, 0.95), (8, 7, 0.95), (24, 0, 0.95), (24, 7, 0.8)],
)
def test_a_trace_over_the_tissue_is_overlay(clip, count, step, least, colour):
    frames, trace = with_trace(clip, count, step, colour)
    x, y, *rest = clip.fan
    sector = sector_from_fan(Fan((x, y), *rest), Clip(frames))
    assert sector.overlay_mask[trace & sector.mask].mean() > least
    rows = np.flatnonzero(sector.overlay_mask.any(1))
    size = len(trace)
    assert rows[0] > 0.8 * size - HEIGHT - 16  # the tissue above stays tissue
    assert sector.overlay_mask.sum() < 0.17 * sector.mask.sum()


def test_tissue_alone_has_no_trace(clip):
    assert clip.degraded is not None
    assert not traced(clip.degraded.numpy()).any()


@pytest.mark.parametrize("width", [200, 256, 320])
def test_what_a_moving_trace_passes_over_is_filled_where_it_is_and_no_wider(width):
    strokes = np.zeros((9, width), bool)
    strokes[4, [0, 8, 20, 24, width - 1]] = True
    strokes[6, 30] = True
    filled = np.zeros_like(strokes)
    filled[4, :25] = filled[4, width - 1] = True
    filled[6, 30] = True
    assert np.array_equal(_swept(strokes, 12), filled)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (17, 23), (60, 64)])
@pytest.mark.parametrize("colours", [(), (3,)])
def test_frames_of_any_size_are_searched(size, colours):
    frames = np.random.default_rng(0).integers(0, 256, (3, *size, *colours)).astype(np.uint8)
    frames[:, size[0] // 2] = 255
    frames[:, : size[0] // 2] = frames[:, size[0] // 2 + 1 :] = 0
    assert traced(frames).shape == size


def test_real_clips_without_a_trace_over_the_tissue_have_none(shared_data):
    for name in ("good_a4c.gif", "poor_stress.gif"):
        frames = open_clip(shared_data / "clips" / name).sample(20)
        found = traced(frames)
        assert not found[: frames.shape[1] // 2].any(), name


def test_the_moving_trace_of_real_hazy_clips_is_found(shared_data):
    for number in (2, 14, 32, 36, 41):
        frames = open_clip(shared_data / "haze" / f"hazy_{number}.mkv").sample(12)
        found, level = traced(frames), grey(frames)
        baseline = level[:, 236:245, 5:60].max(1) > 60  # read off the frames: the trace runs in these rows
        assert baseline.mean() > 0.7
        assert found[236:245, 5:60].any(0).mean() > 0.9
