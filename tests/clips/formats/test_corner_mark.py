"""The mark stands where neither tissue nor text is, is legible, and is named in every file's metadata."""

from pathlib import Path

import av
import numpy as np
import pytest
from fake_checkpoint import clip_of, fan_sector, speckle, whole_sector
from PIL import Image

from echogan.clips.files import open_clip, open_writer
from echogan.clips.formats.corner_mark import place_mark, text_alpha, text_size
from echogan.clips.formats.npz_writer import NpzWriter
from echogan.clips.write_options import Enhancement, WriteOptions
from echogan.core.geometry import Fan, Sector
from echogan.core.notice import MARK

MADE_BY = Enhancement("some-model", "ab" * 32, 0.5, "9.9.9")


def fan_of(height: int, width: int) -> Sector:
    inside = Fan((width / 2, 2.0), -40, 40, 2, height - 4).mask(height, width)
    return Sector("fan", inside, np.zeros_like(inside), 0.9)


def frame_of(sector: Sector, ground: int = 0) -> np.ndarray:
    shape = sector.tissue_mask.shape
    return np.where(sector.tissue_mask, speckle(1, *shape)[0], ground).astype(np.uint8)


@pytest.mark.parametrize("size", [(256, 256), (240, 320), (480, 640), (600, 800), (768, 1024)])
@pytest.mark.parametrize("color", [False, True])
def test_the_sector_is_not_touched(size, color):
    sector = fan_of(*size)
    frame = frame_of(sector)
    frame = np.repeat(frame[..., None], 3, -1) if color else frame
    mark = place_mark(frame, sector.mask)
    assert mark is not None
    assert mark.strip == 0
    marked = mark.draw(frame)
    assert marked.shape == frame.shape
    np.testing.assert_array_equal(marked[sector.mask], frame[sector.mask])
    assert (marked != frame).any()
    assert mark.alpha.shape[0] >= 10


def test_text_at_the_border_is_not_covered():
    sector = fan_of(240, 320)
    frame = frame_of(sector)
    frame[200:, :] = np.where(sector.mask[200:, :], frame[200:, :], 180)  # a menu at the bottom
    frame[4:14, 4:60] = 220  # a name at the top left
    mark = place_mark(frame, sector.mask)
    assert mark is not None
    changed = mark.draw(frame) != frame
    assert changed.any()
    assert not changed[198:].any()
    assert not changed[2:16, 2:62].any()


def test_the_words_are_legible_on_black_and_on_white():
    sector = fan_of(256, 256)
    for ground in (0, 255):
        frame = frame_of(sector, ground)
        mark = place_mark(frame, sector.mask)
        assert mark is not None
        marked = mark.draw(frame).astype(int)
        assert np.abs(marked - frame)[~sector.mask].max() > 100
    assert text_size(256, 256) >= 10


def test_where_no_place_is_free_nothing_is_drawn_or_a_strip_is_added():
    frame, everything = speckle(1)[0], np.ones((96, 120), bool)
    assert place_mark(frame, everything) is None
    assert place_mark(frame, None) is None
    mark = place_mark(frame, everything, strip=True)
    assert mark is not None
    assert mark.strip % 2 == 0
    marked = mark.draw(frame)
    np.testing.assert_array_equal(marked[:96], frame)
    assert marked[96:].max() > 150
    assert marked.shape == (96 + mark.strip, 120)


def test_a_frame_too_narrow_for_words_has_none():
    assert place_mark(np.zeros((40, 20), np.uint8), None, strip=True) is None


def test_more_lines_are_narrower():
    widths = [text_alpha(lines, 12).shape[1] for lines in ((MARK,), tuple(MARK.split(", ")))]
    assert widths[0] > 1.5 * widths[1]


# --- The writers


def written(folder: Path, name: str, sector: Sector | None = None, frames: int = 4, **options) -> Path:
    sector = sector or fan_of(240, 320)
    pixels = np.repeat(frame_of(sector)[None], frames, 0)
    like = clip_of(pixels, None if frames == 1 else 25.0)
    options = {"enhancement": MADE_BY} | options
    with open_writer(folder / name, like, sector, WriteOptions(**options)) as out:
        for frame in pixels:
            out.write(frame)
    return folder / name


def shown(path: Path) -> np.ndarray:
    frame = next(open_clip(path).iter_frames())
    return frame if frame.ndim == 2 else frame[..., 0]


@pytest.mark.parametrize(("name", "frames"), [("a.mp4", 4), ("a.webm", 4), ("a.gif", 4), ("a.png", 1)])
def test_pictures_are_marked_unless_asked_not_to_be(tmp_path, name, frames):
    outside = ~fan_of(240, 320).mask
    assert shown(written(tmp_path, name, frames=frames))[outside].max() > 120
    assert shown(written(tmp_path, f"no_{name}", frames=frames, mark=False))[outside].max() < 60
    plain = written(tmp_path, f"plain_{name}", frames=frames, enhancement=None)
    assert shown(plain)[outside].max() < 60  # what no network made has no mark
    assert b"AI-enhanced" not in plain.read_bytes()


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_the_metadata_of_a_video_say_what_made_it(tmp_path, name, mark):
    with av.open(str(written(tmp_path, name, mark=mark))) as video:
        tags = {key.lower(): value for key, value in video.metadata.items()}
    assert tags["title"] == MARK
    for fact in (MARK, "some-model", "ab" * 32, "strength 0.5", "9.9.9"):
        assert fact in tags["comment"]


def test_the_metadata_of_a_gif_and_a_png_say_what_made_it(tmp_path):
    with Image.open(written(tmp_path, "a.gif")) as image:
        assert image.info["comment"].decode() == MADE_BY.comment
        assert image.n_frames == 4  # pyright: ignore
    with Image.open(written(tmp_path, "a.png", frames=1)) as image:
        assert (image.info["Title"], image.info["Comment"]) == (MARK, MADE_BY.comment)
    for path in sorted(written(tmp_path, "frames").iterdir()):
        with Image.open(path) as image:
            assert image.info["Comment"] == MADE_BY.comment


def test_png_is_lossless_in_the_sector(tmp_path):
    sector = fan_of(240, 320)
    frame = shown(written(tmp_path, "a.png", frames=1))
    np.testing.assert_array_equal(frame[sector.mask], frame_of(sector)[sector.mask])


@pytest.mark.parametrize("name", ["a.npz", "a.dcm"])
def test_data_keep_their_pixels(tmp_path, name):
    sector = fan_of(240, 320)
    path = written(tmp_path, name)
    frame = np.load(path)["frames"][0] if name == "a.npz" else shown(path)
    np.testing.assert_array_equal(frame, frame_of(sector))


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "frames"])
def test_a_strip_is_added_below_where_it_is_asked_for(tmp_path, name):
    whole = whole_sector(96, 120)
    path = written(tmp_path, name, whole, strip=True)
    first = path / "frame_0000.png" if path.is_dir() else path
    clip = open_clip(first)
    assert clip.width == 120
    assert clip.height > 96
    tissue = shown(first)[:96].astype(int)
    assert np.abs(tissue - frame_of(whole)).max() <= (0 if name != "a.mp4" else 40)
    assert open_clip(written(tmp_path, f"b{Path(name).suffix or '.gif'}", whole)).height == 96


def test_frames_of_one_shape_are_taken_after_a_strip(tmp_path):
    whole = whole_sector(96, 120)
    assert open_clip(written(tmp_path, "a.gif", whole, frames=5, strip=True)).frames == 5


def test_facts_of_an_enhanced_npz(tmp_path):
    durations = (10.0, 20.0, 30.0)
    source = clip_of(speckle(3), 50.0)
    object.__setattr__(source, "durations_ms", durations)
    object.__setattr__(source, "pixel_aspect", 1.25)
    with NpzWriter(tmp_path / "a.npz", source, fan_sector(), WriteOptions(enhancement=MADE_BY)) as out:
        for frame in source.iter_frames():
            out.write(frame)
    with np.load(tmp_path / "a.npz") as facts:  # without pickle
        np.testing.assert_allclose(facts["frame_times_s"], [0, 0.01, 0.03])
        assert facts["crop_box"].tolist() == list(fan_sector().box)
        assert facts["pixel_aspect"] == 1.25
        assert (str(facts["model"]), str(facts["model_sha256"])) == ("some-model", "ab" * 32)
        assert (float(facts["strength"]), str(facts["mark"])) == (0.5, MARK)
        assert "not for diagnosis" in str(facts["notice"])
    with NpzWriter(tmp_path / "b.npz", clip_of(speckle(3), 50.0), None, WriteOptions()) as out:
        for frame in source.iter_frames():
            out.write(frame)
    with np.load(tmp_path / "b.npz") as facts:
        np.testing.assert_allclose(facts["frame_times_s"], [0, 0.02, 0.04])
        assert facts["crop_box"].tolist() == [0, 0, 96, 120]
        assert "model" not in facts
