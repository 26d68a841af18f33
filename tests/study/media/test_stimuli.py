"""Stimuli: what is seen, what is black, timing, and that no byte outside the coded pictures tells the arm."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import Scale, checkpoint, clip_of, speckle
from scipy.stats import binomtest

from echogan.clips.files import open_clip
from echogan.clips.formats.container_ends import element_id, element_size
from echogan.core.geometry import Fan, Sector
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.study.design import ARMS, SIDES
from echogan.study.media.canvas import BORDER, Canvas
from echogan.study.media.pairing import Pair
from echogan.study.media.sources import Source
from echogan.study.media.stimuli import DATE, write_stimuli
from echogan.study.store.lifecycle import Stimulus

HEIGHT, WIDTH = 64, 80
HEADER, SEGMENT, CLUSTER, GROUP, INFO, TRACKS, CUES = (
    0x1A45DFA3, 0x18538067, 0x1F43B675, 0xA0, 0x1549A966, 0x1654AE6B, 0x1C53BB6B,
)  # fmt: skip
BLOCKS = (0xA3, 0xA1)  # SimpleBlock and Block: their content are the coded pictures


def fan_sector() -> Sector:
    """A fan with a stroke of text over it."""
    inside = Fan((40, 2), -38, 38, 3, 58).mask(HEIGHT, WIDTH)
    text = np.zeros_like(inside)
    text[30:36, 36:44] = True
    return Sector("fan", inside & ~text, inside & text, 1.0)


def a_pair(seed: int = 0, frames: int = 5, fps: float = 20.0, **options) -> Pair:
    """A noisy clip and a smooth, brighter one, text beside the fan and over it in the original."""
    noisy = speckle(frames, HEIGHT, WIDTH, seed)
    noisy[:, :6, :30] = noisy[:, 30:36, 36:44] = 255
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.clip(90 + 60 * np.sin(x / 9 + seed) + np.zeros((frames, 1, 1)) + y / 2, 0, 255).astype(
        np.uint8
    )
    source = Source("clip 1", Path("a"), "p", Path("b"))
    return Pair(source, clip_of(noisy, fps, **options), fan_sector(), clip_of(smooth, fps))


def written(
    folder: Path, pair: Pair, shows=(*ARMS, *SIDES), enhancer: Enhancer | None = None
) -> dict[str, Stimulus]:
    return {stimulus.show: stimulus for stimulus in write_stimuli(folder, pair, "P001-1", shows, enhancer)}


def frames_of(folder: Path, stimulus: Stimulus) -> np.ndarray:
    frames = np.stack(list(open_clip(folder / f"{stimulus.id}.webm").iter_frames()))
    return frames if frames.ndim == 3 else frames[..., 0]


def test_the_picture_is_the_tissue_alone_on_black_in_both_arms(tmp_path):
    pair = a_pair()
    made = written(tmp_path, pair)
    canvas = Canvas(pair.sector)
    top, left, bottom, right = pair.sector.box
    inner = slice(BORDER, BORDER + bottom - top), slice(BORDER, BORDER + right - left)
    tissue = np.zeros(canvas.size, bool)
    tissue[inner] = pair.sector.tissue_mask[top:bottom, left:right]
    for show, clip in (("original", pair.original), ("enhanced", pair.enhanced)):
        assert clip is not None
        shown = frames_of(tmp_path, made[show])
        assert shown.shape == (5, *canvas.size)
        wanted = np.zeros(shown.shape)
        wanted[:, *inner] = clip.read().frames[:, top:bottom, left:right]
        assert np.abs(shown - wanted)[:, tissue].max() <= 1  # limited range, else lossless
        assert shown[:, ~tissue].max() == 0


def test_both_arms_in_one_video_are_the_two_halves(tmp_path):
    made = written(tmp_path, a_pair())
    one, other = (frames_of(tmp_path, made[show]) for show in ARMS)
    assert np.array_equal(frames_of(tmp_path, made["enhanced_left"]), np.concatenate([other, one], 2))
    assert np.array_equal(frames_of(tmp_path, made["enhanced_right"]), np.concatenate([one, other], 2))
    assert made["enhanced_left"].encoding["width"] == 2 * made["original"].encoding["width"]


@pytest.mark.parametrize("fps", [20.0, 53.3, 112.5])
def test_the_frame_rate_is_kept(tmp_path, fps):
    made = written(tmp_path, a_pair(frames=12, fps=fps), ARMS)
    clip = open_clip(tmp_path / f"{made['enhanced'].id}.webm")
    assert clip.frames == 12
    assert clip.fps == pytest.approx(fps, rel=0.01)
    assert made["enhanced"].encoding["fps"] == pytest.approx(fps, abs=1e-3)


def test_oblong_pixels_are_shown_square(tmp_path):
    pair = a_pair()
    wide = replace(pair, original=replace(pair.original, pixel_aspect=2.0))
    height, width = Canvas(pair.sector).size
    (tmp_path / "wide").mkdir()
    shown = frames_of(tmp_path / "wide", written(tmp_path / "wide", wide, ARMS)["original"])
    plain = frames_of(tmp_path, written(tmp_path, pair, ARMS)["original"])
    assert shown.shape[1] == height
    assert abs((shown.shape[2] - 2 * BORDER) - 2 * (width - 2 * BORDER)) <= 2
    halved = shown[:, :, BORDER : BORDER + 2 * (width - 2 * BORDER)].reshape(5, height, -1, 2).mean(3)
    kept = plain[:, :, BORDER : BORDER + halved.shape[2]]
    assert np.abs(halved - kept).mean() < 6  # the text's edges blur


def test_what_no_file_gives_is_made_with_the_checkpoint(tmp_path):
    pair = a_pair()
    made_here = Pair(pair.source, pair.original, pair.sector, None)
    enhancer = Enhancer(
        checkpoint(Scale(0.5, -0.5)), EnhanceSettings(device="cpu", grey_curve=False, working_size=64)
    )
    made = written(tmp_path, made_here, ARMS, enhancer)
    assert made["enhanced"].model == f"fake {'ab' * 32} strength 1"
    assert made["original"].model == ""
    one, other = (frames_of(tmp_path, made[show]).astype(int) for show in ARMS)
    bright = one > 60
    assert (other - one)[bright].mean() < -20


def test_names_are_random_dates_equal_and_hashes_true(tmp_path):
    made = written(tmp_path, a_pair())
    assert {path.stem for path in tmp_path.iterdir()} == {stimulus.id for stimulus in made.values()}
    assert all(len(stimulus.id) == 32 for stimulus in made.values())
    for stimulus in made.values():
        path = tmp_path / f"{stimulus.id}.webm"
        assert path.stat().st_mtime == DATE
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stimulus.sha256


@dataclass(frozen=True)
class Element:
    """One element of a WebM file; `content` is empty for the coded pictures and for what holds other elements."""

    id: int
    at: int
    size: int
    content: bytes


def elements(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Element]:
    """Every element of the container, with the head of each block: track, time, flags."""
    reader = BytesIO(data)
    reader.seek(start)
    end = len(data) if end is None else end
    while (at := reader.tell()) < end:
        found, (size, _) = element_id(reader), element_size(reader)
        inside = reader.tell()
        holds = found in (SEGMENT, CLUSTER, GROUP)
        content = b"" if holds else data[inside : inside + (4 if found in BLOCKS else size)]
        yield Element(found, at, size, content)
        if holds:
            yield from elements(data, inside, inside + size)
        reader.seek(inside + size)


def cues(path: Path, position: int) -> list[float]:
    """Everything that a byte-level look can tell, as numbers, without decoding a picture."""
    data = path.read_bytes()
    found = list(elements(data))
    coded = [element for element in found if element.id in BLOCKS]
    stat = path.stat()
    rest = hashlib.sha256(repr([(e.id, e.at, e.size, e.content) for e in found]).encode()).digest()
    return [
        stat.st_size,
        stat.st_mtime,
        position,  # order in which readers get them
        int(path.stem[:8], 16),
        int(path.stem[-8:], 16),
        len(found),
        *(len(coded), *(element.size for element in coded), *(element.at for element in coded)),
        *rest[:8],
    ]


def nearest_neighbour(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The label of the most similar known stimulus, cues scaled to equal spread."""
    scale = known.std(0) + 1e-9
    distances = np.abs(asked[:, None] / scale - known[None] / scale).sum(2)
    return labels[distances.argmin(1)]


def centroid(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Linear: the class whose mean is nearer."""
    scale = known.std(0) + 1e-9
    means = np.stack([known[labels == label].mean(0) for label in (0, 1)]) / scale
    return np.abs(asked[:, None] / scale - means[None]).sum(2).argmin(1)


@pytest.fixture(scope="module")
def two_hundred(tmp_path_factory) -> tuple[np.ndarray, np.ndarray, Path]:
    """(cues, arm) of 100 clips in both arms, in the order of their random names."""
    folder = tmp_path_factory.mktemp("media")
    arm = {}
    for seed in range(100):
        for show, stimulus in written(folder, a_pair(seed, frames=3 + seed % 3), ARMS).items():
            arm[stimulus.id] = ARMS.index(show)  # pyright: ignore
    paths = sorted(folder.iterdir())
    features = np.array([(row + [0.0] * 40)[:40] for row in (cues(p, i) for i, p in enumerate(paths))])
    return features, np.array([arm[path.stem] for path in paths]), folder


@pytest.mark.parametrize("classifier", [nearest_neighbour, centroid])
def test_no_byte_tells_the_arm(two_hundred, classifier):
    features, arm, _ = two_hundred
    order = np.random.default_rng(5).permutation(len(arm))
    right = 0
    for fold in np.array_split(order, 10):
        rest = np.setdiff1d(order, fold)
        right += (classifier(features[rest], arm[rest], features[fold]) == arm[fold]).sum()
    assert binomtest(int(right), len(arm), 0.5, alternative="greater").pvalue > 0.001


def test_the_container_is_the_same_for_both_arms_byte_for_byte(tmp_path):
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = written(folder, a_pair(seed, frames=14))
        for kind in (ARMS, SIDES):
            one, other = (list(elements((folder / f"{made[s].id}.webm").read_bytes())) for s in kind)
            assert one == other
            assert {HEADER, INFO, TRACKS, CUES} <= {element.id for element in one}


def test_without_the_padding_the_size_would_tell_the_arm(two_hundred):
    """The same classifier finds the arm by the size of the coded pictures alone: so it would see a leak."""
    _, arm, folder = two_hundred
    sizes = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        coded = (data[e.at : e.at + e.size] for e in elements(data) if e.id in BLOCKS)
        sizes.append([sum(len(picture.rstrip(b"\0")) for picture in coded)])
    order = np.random.default_rng(5).permutation(len(arm))
    known, asked = np.split(order, 2)
    found = centroid(np.array(sizes)[known], arm[known], np.array(sizes)[asked])
    assert binomtest(int((found == arm[asked]).sum()), len(asked), 0.5).pvalue < 1e-6
