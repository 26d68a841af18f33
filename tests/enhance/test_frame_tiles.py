"""Chunk files: every pixel comes back, also by another PNG reader, and a reader never sees half a file."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from echogan.core.errors import OutputError
from echogan.enhance.frame_tiles import TileReader, TileWriter, chunk_images, chunk_path, image_of, png


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(30, 41), (30, 41, 3), (1, 1)])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 24])
def test_every_pixel_comes_back_in_order(tmp_path, shape, count):
    frames, writer = noise(count, *shape), TileWriter(tmp_path / "stream")
    ready = []
    for frame in frames:
        writer.add(frame)
        ready.append(writer.ready)
    assert ready == [index // 8 * 8 for index in range(1, count + 1)]
    writer.finish()
    assert writer.ready == count
    assert np.array_equal(np.stack(list(TileReader(tmp_path / "stream"))), frames)
    names = sorted(path.name for path in (tmp_path / "stream").iterdir())
    assert names == [f"{start:06d}.tiles" for start in range(0, count, 8)]


def test_the_file_is_as_the_page_reads_it(tmp_path):
    frames, writer = noise(3, 12, 20, 3), TileWriter(tmp_path)
    for frame in frames:
        writer.add(frame)
    writer.finish()
    data = (tmp_path / "000000.tiles").read_bytes()
    assert data[:4] == b"EGT1"
    count, *lengths = struct.unpack("<4I", data[4:20])
    assert count == 3
    place = 20
    for frame, length in zip(frames, lengths, strict=True):
        with Image.open(io.BytesIO(data[place : place + length])) as image:
            assert image.format == "PNG"
            assert np.array_equal(np.asarray(image), frame)
        place += length
    assert place == len(data)


def test_frames_that_wait_for_their_file_are_not_read(tmp_path):
    writer = TileWriter(tmp_path)
    for frame in noise(11, 4, 4):
        writer.add(frame)
    assert len(list(TileReader(tmp_path))) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["000000.tiles"]


@pytest.mark.parametrize(
    "harm", [lambda data: data[:-1], lambda data: b"EGT2" + data[4:], lambda data: b"", lambda data: data[:9]]
)
def test_a_damaged_file_gets_a_sentence(tmp_path, harm):
    writer = TileWriter(tmp_path)
    writer.add(noise(4, 4))
    writer.finish()
    path = chunk_path(tmp_path, 0)
    with pytest.raises(OutputError, match="Enhance the clip again"):
        chunk_images(harm(path.read_bytes()))


def test_colour_without_any_is_stored_as_grey(tmp_path):
    grey = noise(5, 6)
    (data,) = [png(np.repeat(grey[..., None], 3, -1))]
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), grey)
    one = np.repeat(grey[..., None], 3, -1)
    one[2, 3, 1] ^= 1
    assert np.array_equal(image_of(png(one)), one)
