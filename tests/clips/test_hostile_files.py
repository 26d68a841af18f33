"""Small files that ask for much are refused before they get it: memory and time of a child are measured."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile_files import deflated_zeros, many_pages, many_regions, many_values, png

from echogan.clips.clip import ClipLimits
from echogan.clips.dicom.inflated import Inflated
from echogan.clips.files import open_clip
from echogan.core.errors import ClipTooLarge
from eval.paths import ROOT

FRAME_TIME_VECTOR, WINDOW_CENTER = 0x00181065, 0x00281050
MOST_BYTES, MOST_SECONDS = 500 * 2**20, 5.0  # of a child, which begins with 120 MB

HOSTILE: dict[str, Callable[[Path], Path]] = {
    "wide.png": lambda path: png(path, 1_000_000, 16),
    "high.png": lambda path: png(path, 16, 400_000),
    "vector.dcm": lambda path: many_values(path, FRAME_TIME_VECTOR, 20_000_000),
    "window.dcm": lambda path: many_values(path, WINDOW_CENTER, 20_000_000),
    "some.dcm": lambda path: many_values(path, WINDOW_CENTER, 2_000_000),
    "regions.dcm": lambda path: many_regions(path, 100_000),
    "deflated.dcm": lambda path: deflated_zeros(path, 200),
}
TAKEN: dict[str, Callable[[Path], Path]] = {
    "pages.tif": lambda path: many_pages(path, 200_000),
    "side.png": lambda path: png(path, 4000, 300),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, dict]:
    """What becomes of each file in a child of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    files = [str(make(folder / name)) for name, make in (HOSTILE | TAKEN).items()]
    command = [sys.executable, "-m", "eval", "fuzz", "--files", *files]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_for_its_size_and_quickly(outcomes, name):
    assert outcomes[name]["what"] == "ClipTooLarge"
    assert outcomes[name]["memory"] < MOST_BYTES
    assert outcomes[name]["seconds"] < MOST_SECONDS


@pytest.mark.parametrize("name", TAKEN)
def test_what_does_no_harm_is_taken(outcomes, name):
    assert outcomes[name]["what"] == "opened"
    assert outcomes[name]["memory"] < MOST_BYTES
    assert outcomes[name]["seconds"] < MOST_SECONDS


def test_the_pages_of_a_tiff_are_not_followed_to_their_end(tmp_path):
    path = many_pages(tmp_path / "a.tif", 1000)
    clip = open_clip(path)
    assert "more than 50 pictures" in clip.warnings[0]
    assert np.array_equal(clip.read().frames[0].ravel(), np.arange(256))


def test_a_side_and_the_shape_of_pixels_count(tmp_path):
    assert open_clip(png(tmp_path / "a.png", 4000, 300)).width == 4000
    with pytest.raises(ClipTooLarge, match="times those of the other"):
        open_clip(png(tmp_path / "b.png", 4900, 300))
    with pytest.raises(ClipTooLarge, match="at most 100 pixels"):
        open_clip(png(tmp_path / "c.png", 101, 99), ClipLimits(max_side=100))


def test_a_deflated_file_is_inflated_once_and_many_may_read(tmp_path):
    path = deflated_zeros(tmp_path / "a.dcm", 3)
    clip = open_clip(path)
    inflated, passes = [], 2
    real = Inflated._unpack

    def counted(self: Inflated, at_most: int) -> None:
        before = self._size
        real(self, at_most)
        inflated.append(self._size - before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inflated, "_unpack", counted)
        both = [clip.iter_frames() for _ in range(passes)]
        assert [next(frames).shape for frames in both] == [(1024, 1024)] * passes
        assert all(sum(1 for _ in frames) == 2 for frames in both)
    assert inflated == [0] * passes
