"""GIF and single images in, GIF and PNG folders out: checked against pillow, built by hand where it matters."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from echogan.clips.clip import ClipFile, ClipLimits
from echogan.clips.content import Content
from echogan.clips.formats.gif import GifWriter, open_gif
from echogan.clips.formats.stills import PngFolderWriter, open_image
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import ClipTooLarge, OutputError, UnreadableClip, UnsupportedClip

LIMITS = ClipLimits()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def like(
    frames: np.ndarray, fps: float | None = 25.0, durations: tuple[float, ...] | None = None
) -> ClipFile:
    height, width = frames.shape[1:3]
    return ClipFile(
        Path("x"), "gif", len(frames), height, width, fps, frames.ndim == 4, frames.__iter__, durations
    )


def save(writer: type, path: Path, frames: np.ndarray, source: ClipFile, **options: object) -> Path:
    with writer(path, source, None, WriteOptions(**options)) as out:  # pyright: ignore
        for frame in frames:
            out.write(frame)
    return path


def pillow_gif(path: Path, frames: np.ndarray, **options: object) -> Path:
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=others, **options)  # pyright: ignore
    return path


def with_pillow(path: Path) -> tuple[np.ndarray, list[float]]:
    with Image.open(path) as image:
        frames, delays = [], []
        for index in range(image.n_frames):  # pyright: ignore
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
            delays.append(image.info.get("duration", 0))
        return np.stack(frames), delays


# --- GIF in


def test_gif_from_pillow(tmp_path):
    frames = noise(5, 20, 30)
    clip = open_gif(pillow_gif(tmp_path / "a.gif", frames, duration=[40, 70, 0, 40, 100]), LIMITS)
    assert (clip.kind, clip.frames, clip.height, clip.width, clip.color) == ("gif", 5, 20, 30, False)
    assert clip.durations_ms == (40, 70, 100, 40, 100)  # 0 is shown as 100 ms, as browsers do
    assert clip.fps == pytest.approx(5000 / 350)
    assert np.array_equal(clip.read().frames, frames)


def test_constant_gif_has_no_durations_and_colour_is_seen(tmp_path):
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    frames[..., 0] = [[[50]], [[150]], [[250]]]
    clip = open_gif(pillow_gif(tmp_path / "c.gif", frames, duration=50), LIMITS)
    assert (clip.color, clip.durations_ms, clip.fps) == (True, None, 20)
    assert np.array_equal(clip.read().frames, frames)


def test_gif_frames_are_composited(tmp_path):
    """Small frames over a kept background, then one that restores to nothing: written block by block."""
    palette = bytes([0, 0, 0, 90, 90, 90, 200, 200, 200, 255, 255, 255])

    def image(left: int, top: int, size: int, level: int, disposal: int) -> bytes:
        control = b"!\xf9\x04" + bytes([disposal << 2, 5, 0, 0, 0])
        place = b"".join(n.to_bytes(2, "little") for n in (left, top, size, size))
        codes, bits = (
            0,
            0,
        )  # uncompressed LZW: a clear code (4) before every second pixel keeps codes at 3 bits
        for index in range(size * size):
            for code in ([4] if index % 2 == 0 else []) + [level]:
                codes |= code << bits
                bits += 3
        codes |= 5 << bits
        data = codes.to_bytes((bits + 10) // 8, "little")
        return control + b"," + place + b"\0" + b"\x02" + bytes([len(data)]) + data + b"\0"

    head = b"GIF89a" + bytes([6, 0, 6, 0, 0x81, 0, 0]) + palette
    path = tmp_path / "d.gif"
    parts = [image(0, 0, 6, 1, 1), image(1, 1, 2, 2, 2), image(4, 4, 2, 3, 1)]
    path.write_bytes(head + b"".join(parts) + b";")
    clip = open_gif(path, LIMITS)
    frames = clip.read().frames
    assert (clip.frames, clip.color, clip.fps) == (3, False, 20)
    assert (frames[0] == 90).all()
    assert (frames[1, 1:3, 1:3] == 200).all()
    assert frames[1, 4, 4] == 90
    assert (frames[2, 4:, 4:] == 255).all()
    assert (frames[2, 1:3, 1:3] == 0).all()  # disposed of to the background, which is black here
    assert frames[2, 0, 0] == 90


def test_one_frame_gif_is_a_still(tmp_path):
    clip = open_gif(pillow_gif(tmp_path / "one.gif", noise(1, 9, 9)), LIMITS)
    assert (clip.frames, clip.fps, clip.durations_ms) == (1, None, None)


@pytest.mark.parametrize("keep", [6, 13, 200, 0.5, 0.97, -3])
def test_truncated_gifs_are_refused(tmp_path, keep):
    whole = pillow_gif(tmp_path / "a.gif", noise(4, 30, 30)).read_bytes()
    path = tmp_path / "cut.gif"
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(UnreadableClip, match=r"cut\.gif"):
        open_gif(path, LIMITS)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_gif_without_its_last_bytes_plays_and_says_so(tmp_path, lost):
    frames = noise(4, 30, 30)
    whole = pillow_gif(tmp_path / "a.gif", frames).read_bytes()
    assert whole[-2:] == b"\0;"
    (tmp_path / "b.gif").write_bytes(whole[:-lost])
    clip = open_gif(tmp_path / "b.gif", LIMITS)
    assert np.array_equal(clip.read().frames, frames)
    assert any("closing mark" in warning for warning in clip.warnings)
    assert not open_gif(tmp_path / "a.gif", LIMITS).warnings


def test_a_gif_with_bytes_after_its_trailer_plays(tmp_path):
    path = pillow_gif(tmp_path / "a.gif", noise(3, 30, 30))
    path.write_bytes(path.read_bytes() + b"made by a converter" * 9)
    assert open_gif(path, LIMITS).frames == len(open_gif(path, LIMITS).read().frames) == 3


@pytest.mark.parametrize(
    ("hundredths", "fps", "durations"),
    [
        ([1] * 6, 10, None),
        ([0] * 6, 10, None),
        ([0, 1, 0, 1], 10, None),
        ([0, 4, 4, 4, 4, 4], 25, None),
        ([1, 5, 5, 5], 20, None),
        ([4, 4, 4, 0], 25, None),
        ([0, 3, 4, 3, 3, 4, 3], 7 / 0.23, (30, 30, 40, 30, 30, 40, 30)),
        ([5, 0, 20, 5], 4 / 0.4, (50, 100, 200, 50)),
        ([2, 2, 2], 50, None),
    ],
)
def test_delays_are_shown_as_browsers_do_but_make_no_stop(tmp_path, hundredths, fps, durations):
    path = pillow_gif(tmp_path / "a.gif", noise(len(hundredths), 20, 20), duration=50)
    data = bytearray(path.read_bytes())
    controls = [i for i in range(len(data)) if data[i : i + 3] == b"!\xf9\x04" and not data[i + 7]]
    assert len(controls) == len(hundredths)
    for at, delay in zip(controls, hundredths, strict=True):
        data[at + 4 : at + 6] = delay.to_bytes(2, "little")
    path.write_bytes(data)
    clip = open_gif(path, LIMITS)
    assert clip.fps == pytest.approx(fps)
    assert clip.durations_ms == durations


def test_gif_limits(tmp_path):
    path = pillow_gif(tmp_path / "a.gif", noise(4, 30, 30))
    for limits in (ClipLimits(899), ClipLimits(max_frames=3), ClipLimits(max_decoded_bytes=3599)):
        with pytest.raises(ClipTooLarge, match=r"a\.gif"):
            open_gif(path, limits)
    assert open_gif(path, ClipLimits(900, 4, 3600)).frames == 4


def test_a_gif_frame_beyond_its_screen_counts_in_full(tmp_path):
    data = bytearray(pillow_gif(tmp_path / "a.gif", noise(1, 30, 30)).read_bytes())
    at = data.index(b",\0\0\0\0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    (tmp_path / "bomb.gif").write_bytes(data)
    with pytest.raises(ClipTooLarge):
        open_gif(tmp_path / "bomb.gif", LIMITS)


# --- GIF and PNG out


def test_grey_gif_out_is_exact(tmp_path):
    frames = noise(6, 21, 33)
    frames[3], frames[5] = frames[2], frames[4]  # frames that do not change are frames all the same
    durations = (50.0, 100.0, 20.0, 30.0, 70.0, 300.0)
    path = save(GifWriter, tmp_path / "a.gif", frames, like(frames, 11.0, durations))
    decoded, delays = with_pillow(path)
    assert np.array_equal(decoded, np.repeat(frames[..., None], 3, -1))
    assert delays == list(durations)
    clip = open_gif(path, LIMITS)
    assert (clip.color, clip.durations_ms) == (False, durations)
    assert np.array_equal(clip.read().frames, frames)


def test_gif_rate_is_kept_on_average(tmp_path):
    frames = noise(30, 8, 8)
    _, delays = with_pillow(save(GifWriter, tmp_path / "a.gif", frames, like(frames, 30.0)))
    assert sum(delays) == 1000
    assert set(delays) == {30, 40}
    _, delays = with_pillow(save(GifWriter, tmp_path / "b.gif", frames, like(frames, 30.0), fps=10.0))
    assert set(delays) == {100}
    _, delays = with_pillow(save(GifWriter, tmp_path / "c.gif", frames, like(frames, 75.0)))
    assert set(delays) == {20}  # browsers would show 10 as 100


def test_colour_gif_out_is_close(tmp_path):
    y, x = np.mgrid[0:40, 0:50]
    frame = np.stack([x * 5, y * 6, (x + y) * 2], -1).astype(np.uint8)
    frames = np.stack([frame, frame[::-1]])
    decoded, _ = with_pillow(save(GifWriter, tmp_path / "c.gif", frames, like(frames)))
    assert np.abs(decoded.astype(int) - frames).mean() < 6


@pytest.mark.parametrize("shape", [(11, 7, 9), (11, 7, 9, 3)])
def test_png_folder(tmp_path, shape):
    frames = noise(*shape)
    folder = save(PngFolderWriter, tmp_path / "new" / "frames", frames, like(frames))
    names = sorted(p.name for p in folder.iterdir())
    assert names == [f"frame_{i:04d}.png" for i in range(11)]
    for name, frame in zip(names, frames, strict=True):
        with Image.open(folder / name) as image:
            assert np.array_equal(np.asarray(image), frame)
            assert not image.info


def test_png_folder_replaces_only_an_empty_one(tmp_path):
    frames = noise(2, 5, 5)
    (tmp_path / "empty").mkdir()
    assert len(list(save(PngFolderWriter, tmp_path / "empty", frames, like(frames)).iterdir())) == 2
    with pytest.raises(OutputError, match="not empty"):
        save(PngFolderWriter, tmp_path / "empty", frames, like(frames))
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match="is a file"):
        save(PngFolderWriter, tmp_path / "file", frames, like(frames))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize(("writer", "name"), [(GifWriter, "a.gif"), (PngFolderWriter, "frames")])
def test_nothing_is_left_after_an_error(tmp_path, writer, name):
    frames = noise(2, 5, 5)

    def interrupted() -> None:
        with writer(tmp_path / "sub" / name, like(frames), None, WriteOptions()) as out:
            out.write(frames[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert not list(tmp_path.iterdir())


# --- Single images in


def image_clip(path: Path, content: Content, limits: ClipLimits = LIMITS) -> ClipFile:
    return open_image(path, limits, content)


@pytest.mark.parametrize(
    ("suffix", "content"), [("png", "png"), ("bmp", "bmp"), ("tif", "tiff"), ("jpg", "jpeg")]
)
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_images(tmp_path, suffix, content, shape):
    pixels = (
        np.broadcast_to(np.uint8(0), shape)
        + np.arange(20, dtype=np.uint8).reshape(20, *[1] * (len(shape) - 1)) * 9
    )
    pixels = pixels.astype(np.uint8)
    if len(shape) == 3:
        pixels[..., 2] //= 2
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path, quality=98, subsampling=0)
    clip = image_clip(path, content)
    assert (clip.kind, clip.frames, clip.fps, clip.height, clip.width) == ("image", 1, None, 20, 30)
    assert clip.color == (len(shape) == 3)
    frame = clip.read().frames[0]
    assert frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - pixels).max() <= (4 if suffix == "jpg" else 0)
    assert not clip.warnings


def test_equal_channels_are_grey(tmp_path):
    grey = noise(10, 12)
    Image.fromarray(np.repeat(grey[..., None], 3, -1)).save(tmp_path / "a.png")
    clip = image_clip(tmp_path / "a.png", "png")
    assert not clip.color
    assert np.array_equal(clip.read().frames[0], grey)


@pytest.mark.parametrize(("suffix", "content"), [("png", "png"), ("tif", "tiff")])
@pytest.mark.parametrize(("peak", "bits"), [(65535, 16), (4095, 12), (255, 8)])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, suffix, content, peak, bits):
    values = np.linspace(0, peak, 300).astype(np.uint16).reshape(15, 20)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    clip = image_clip(tmp_path / f"a.{suffix}", content)
    expected = values * (255 / (2**bits - 1))
    assert np.abs(clip.read().frames[0] - expected).max() <= 0.5
    assert any(f"{bits}-bit" in warning for warning in clip.warnings)


def test_alpha_is_laid_over_black(tmp_path):
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[...] = 200, 100, 50, 255
    rgba[0, :, 3], rgba[1, :, 3] = 0, 51
    Image.fromarray(rgba).save(tmp_path / "a.png")
    frame = image_clip(tmp_path / "a.png", "png").read().frames[0]
    assert frame[:, 0].tolist() == [[0, 0, 0], [40, 20, 10], [200, 100, 50], [200, 100, 50]]


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:8, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by 90 degrees to see it upright
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=98)
    clip = image_clip(tmp_path / "a.jpg", "jpeg")
    assert (clip.height, clip.width) == (32, 16)
    assert np.abs(clip.read().frames[0].astype(int) - np.rot90(pixels, -1)).max() < 12


def test_only_the_first_page_with_a_warning(tmp_path):
    pages = noise(3, 6, 6)
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    clip = image_clip(tmp_path / "a.tif", "tiff")
    assert "3 pictures" in clip.warnings[0]
    assert np.array_equal(clip.read().frames, pages[:1])


def test_floating_point_is_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(UnsupportedClip, match="floating"):
        image_clip(tmp_path / "f.tif", "tiff")


@pytest.mark.parametrize(
    ("suffix", "content"), [("png", "png"), ("jpg", "jpeg"), ("bmp", "bmp"), ("tif", "tiff")]
)
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_truncated_images_are_refused(tmp_path, suffix, content, share):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix))
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    with pytest.raises(UnreadableClip, match=path.name):
        image_clip(path, content)


@pytest.mark.parametrize("side", [5_000, 20_000, 60_000])
def test_decompression_bombs_are_refused_by_their_header(tmp_path, side):
    buffer = io.BytesIO()
    Image.fromarray(noise(8, 8)).save(buffer, "png")
    data = bytearray(buffer.getvalue())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(ClipTooLarge, match=r"bomb\.png"):
        image_clip(tmp_path / "bomb.png", "png")


@pytest.mark.parametrize(
    ("name", "frames", "width", "height"), [("good_a4c.gif", 20, 320, 240), ("poor_stress.gif", 74, 460, 312)]
)
def test_published_gifs(shared_data, name, frames, width, height):
    path = shared_data / "clips" / name
    clip = open_gif(path, LIMITS)
    assert (clip.frames, clip.width, clip.height) == (frames, width, height)
    decoded, delays = with_pillow(path)
    ours = clip.read().frames
    assert np.array_equal(ours if clip.color else np.repeat(ours[..., None], 3, -1), decoded)
    # The first delay of good_a4c is 0 among 30 and 40 ms: no stop of 100 ms in a clip of 30 frames per second.
    usual = np.median([delay for delay in delays if delay])
    assert clip.fps == pytest.approx(1000 * frames / sum(delay or usual for delay in delays))
