"""Damaged files end in an EchoGANError or in success, never in anything else: hypothesis cuts and flips bits."""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.files import open_clip, write_clip
from echogan.core.errors import EchoGANError

# Tight limits: a flipped bit may ask for gigabytes.
LIMITS = ClipLimits(max_pixels_per_frame=200_000, max_frames=100, max_decoded_bytes=50_000_000)

FUZZ = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

damage = st.tuples(
    st.one_of(st.just(1.0), st.floats(0, 1)),  # the share of the file that is kept
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=12),  # bits to flip
    st.booleans(),  # flips in the first 2 KB only: headers are small and bits there count most
)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> dict[str, bytes]:
    """Small whole files, one of each kind."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (6, 32, 48), dtype=np.uint8)
    source = ClipFile(Path("x"), "video", 6, 32, 48, 25.0, False, lambda: iter(frames))
    folder = tmp_path_factory.mktemp("seeds")
    for name in ("a.mp4", "a.webm", "a.gif"):
        write_clip(folder / name, frames, source)
    write_clip(folder / "frames", frames[:1], source)
    files = {
        path.suffix: path.read_bytes() for path in (folder / "a.mp4", folder / "a.webm", folder / "a.gif")
    }
    return {**files, ".png": (folder / "frames" / "frame_0000.png").read_bytes()}


@pytest.fixture(scope="module")
def short_cine(cine) -> bytes:
    """The first three frames of the real cine, still JPEG."""
    dataset = dcmread(cine)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=30))
    dataset.PixelData, dataset.NumberOfFrames = encapsulate(frames[:3]), 3
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def damaged(data: bytes, harm: tuple[float, list[tuple[float, int]], bool]) -> bytes:
    share, flips, head_only = harm
    copy = bytearray(data[: round(share * len(data))])
    reach = min(2048, len(copy)) if head_only else len(copy)
    for where, bit in flips if reach else ():
        copy[int(where * reach)] ^= 1 << bit
    return bytes(copy)


def survives(path: Path, data: bytes) -> None:
    """Open and read everything there is; only our own errors may come, and facts must be true."""
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            clip = open_clip(path, LIMITS)
            count = 0
            for frame in clip.iter_frames():
                assert frame.dtype == np.uint8
                assert frame.shape == (
                    (clip.height, clip.width, 3) if clip.color else (clip.height, clip.width)
                )
                count += 1
            assert count == clip.frames
        except EchoGANError as error:
            assert str(error)  # noqa: PT017 (success is as good)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".png"])
def test_whole_seeds_are_read(seeds, suffix, tmp_path):
    (tmp_path / "whole").write_bytes(seeds[suffix])
    assert len(open_clip(tmp_path / "whole", LIMITS).read().frames) == (1 if suffix == ".png" else 6)


def test_the_whole_dicom_seed_is_read(short_cine, tmp_path):
    (tmp_path / "whole").write_bytes(short_cine)
    assert len(open_clip(tmp_path / "whole", LIMITS).read().frames) == 3


@FUZZ
@given(harm=damage)
def test_damaged_mp4(seeds, tmp_path, harm):
    survives(tmp_path / "a.mp4", damaged(seeds[".mp4"], harm))


@FUZZ
@given(harm=damage)
def test_damaged_webm(seeds, tmp_path, harm):
    survives(tmp_path / "a.webm", damaged(seeds[".webm"], harm))


@FUZZ
@given(harm=damage)
def test_damaged_gif(seeds, tmp_path, harm):
    survives(tmp_path / "a.gif", damaged(seeds[".gif"], harm))


@FUZZ
@given(harm=damage)
def test_damaged_png(seeds, tmp_path, harm):
    survives(tmp_path / "a.png", damaged(seeds[".png"], harm))


@FUZZ
@given(harm=damage)
def test_damaged_dicom(short_cine, tmp_path, harm):
    survives(tmp_path / "a.dcm", damaged(short_cine, harm))
