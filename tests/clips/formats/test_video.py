"""Videos in and out: exact frames, true timing and grey levels against PyAV, refusals of damaged files."""

from pathlib import Path

import av
import numpy as np
import pytest
from videos import encode, like, opened, ramps, save, speckle

from echogan.clips.clip import ClipLimits
from echogan.clips.formats.video_writer import Mp4Writer, VideoWriter, WebmWriter
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import ClipTooLarge, OutputError, SettingsError, UnreadableClip


@pytest.mark.parametrize(
    ("writer", "name", "worst", "mean"), [(Mp4Writer, "a.mp4", 12, 1.5), (WebmWriter, "a.webm", 32, 2.8)]
)
def test_grey_levels_survive_encoding(tmp_path, writer, name, worst, mean):
    frames = speckle(8, 96, 128)
    path = save(writer, tmp_path / name, frames, like(frames))
    with av.open(str(path)) as container:  # independent: PyAV's own default conversion
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.color_range == 1  # limited, flagged
        other = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
    ours = opened(path).read().frames
    for decoded in (other, ours):
        error = np.abs(decoded.astype(int) - frames[..., None])
        assert error.mean() < mean
        assert error.max() <= worst
        assert decoded[4, 4:20, 4:20].max() <= 1
        assert decoded[4, 28:44, 4:20].min() >= 254
    assert np.ptp(ours, axis=-1).max() == 0  # grey stays without a tint


@pytest.mark.parametrize(("writer", "name"), [(Mp4Writer, "a.mp4"), (WebmWriter, "a.webm")])
def test_frame_count_rate_and_timestamps_are_kept(tmp_path, writer, name):
    frames = ramps(31)
    path = save(writer, tmp_path / name, frames, like(frames, 33.0))
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert len(times) == 31
    assert times == pytest.approx(np.arange(31) / 33, abs=0.0006)
    clip = opened(path)
    assert (clip.frames, clip.height, clip.width, clip.durations_ms) == (31, 48, 64, None)
    assert clip.fps == pytest.approx(33)
    assert [int(f[20, 20, 0]) for f in clip.iter_frames()] == pytest.approx(frames[:, 0, 0].tolist(), abs=2)


@pytest.mark.parametrize(("writer", "name"), [(Mp4Writer, "a.mp4"), (WebmWriter, "a.webm")])
def test_frames_of_different_duration_keep_it(tmp_path, writer, name):
    frames, durations = ramps(6), (40.0, 80.0, 33.4, 33.3, 120.0, 60.0)
    path = save(writer, tmp_path / name, frames, like(frames, 16.4, durations))
    clip = opened(path)
    assert clip.durations_ms == pytest.approx(durations, abs=1.01)
    assert clip.fps == pytest.approx(6000 / sum(durations), rel=0.01)
    assert any("durations differ" in warning for warning in clip.warnings)
    constant = save(
        writer, tmp_path / f"constant{path.suffix}", frames, like(frames, 16.4, durations), fps=20.0
    )
    assert (opened(constant).durations_ms, opened(constant).fps) == (None, pytest.approx(20))


@pytest.mark.parametrize(("height", "width"), [(47, 64), (48, 63), (47, 63), (1, 1)])
def test_odd_sizes(tmp_path, height, width):
    rng = np.random.default_rng(1)
    frames = np.repeat(rng.integers(0, 255, (1, height, width), dtype=np.uint8), 3, 0)
    mp4 = opened(save(Mp4Writer, tmp_path / "a.mp4", frames, like(frames), crf=1)).read().frames
    assert mp4.shape[1:3] == (height + height % 2, width + width % 2)  # documented: 4:2:0 H.264 is even
    assert np.abs(mp4[:, :height, :width, 0].astype(int) - frames).mean() < 2
    if width % 2:
        assert (
            np.abs(mp4[:, :, -1].astype(int) - mp4[:, :, -2]).mean() < 4
        )  # the neighbour's copy, not a black bar
    webm = opened(save(WebmWriter, tmp_path / "a.webm", frames, like(frames)))
    assert (webm.height, webm.width) == (height, width)


def test_colour_matrix_is_the_flagged_one(tmp_path):
    tint = np.broadcast_to(np.array([200, 140, 60], np.uint8), (4, 64, 64, 3))
    for writer, name in ((Mp4Writer, "a.mp4"), (WebmWriter, "a.webm")):
        path = save(writer, tmp_path / name, tint, like(tint))
        with av.open(str(path)) as container:
            pixel = next(container.decode(video=0)).to_ndarray(format="rgb24")[32, 32]
        assert np.abs(pixel.astype(int) - tint[0, 0, 0]).max() <= 3
        assert np.abs(next(opened(path).iter_frames())[32, 32].astype(int) - tint[0, 0, 0]).max() <= 3


def test_webm_has_key_frames_to_scrub_by_and_mp4_starts_fast(tmp_path):
    frames = speckle(30, 64, 64)
    with av.open(str(save(WebmWriter, tmp_path / "a.webm", frames, like(frames)))) as container:
        keys = [i for i, packet in enumerate(container.demux(video=0)) if packet.is_keyframe]
    assert np.diff([*keys, 30]).max() <= 15
    data = save(Mp4Writer, tmp_path / "a.mp4", frames, like(frames)).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_no_name_of_place_or_source_in_the_output(tmp_path):
    frames = ramps(3)
    folder = tmp_path / "SECRETFOLDER"
    for writer, name in ((Mp4Writer, "SECRETNAME.mp4"), (WebmWriter, "SECRETNAME.webm")):
        data = save(writer, folder / name, frames, like(frames)).read_bytes()
        assert b"SECRET" not in data
        assert (
            data == save(writer, folder / name, frames, like(frames)).read_bytes()
        )  # no time of writing either


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options"),
    [
        ("b.mp4", "libx264", "yuv420p", {"bf": "3"}),
        ("b.mkv", "libx264", "yuv420p", {"bf": "3", "crf": "5"}),
        ("b.mov", "prores_ks", "yuv422p10le", {}),
        ("b.avi", "mpeg4", "yuv420p", {"bf": "2", "b": "20M"}),
        ("m.avi", "mjpeg", "yuvj420p", {}),
        ("full.mp4", "libx264", "yuvj420p", {}),
        ("alt.webm", "libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "5", "b": "2M"}),
        ("ten.mkv", "ffv1", "yuv420p10le", {}),
    ],
)
def test_other_programs_videos(tmp_path, name, codec, pixels, options):
    frames = ramps(20)
    clip = opened(encode(tmp_path / name, frames, codec, pixels, **options))
    decoded = clip.read().frames
    assert clip.frames == len(decoded) == 20
    assert clip.fps == pytest.approx(25, rel=0.001)
    assert clip.color
    assert clip.durations_ms is None
    assert np.abs(decoded[:, 20, 20].astype(int) - frames[:, 20, 20, None]).max() <= 4
    assert any("8 bits" in warning for warning in clip.warnings) == ("10" in pixels)


@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
def test_grey_streams_are_grey(tmp_path, pixels):
    frames = ramps(5)
    clip = opened(encode(tmp_path / "g.mkv", frames, "ffv1", pixels))
    assert not clip.color
    assert np.abs(clip.read().frames.astype(int) - frames).max() <= 1


def test_a_dropped_frame_shows_in_the_durations(tmp_path):
    frames = ramps(5)
    clip = opened(encode(tmp_path / "v.mp4", frames, "libx264", "yuv420p", pts=[0, 1, 2, 4, 5], bf="0"))
    assert clip.durations_ms == pytest.approx((40, 40, 80, 40, 40), abs=0.1)
    assert clip.fps == pytest.approx(5000 / 240)


def test_rotation_is_applied(tmp_path):
    frames = np.zeros((3, 48, 64), np.uint8)
    frames[:, :24, :32] = 200
    path = encode(tmp_path / "r.mp4", frames, "libx264", "yuv420p")
    # ISO/IEC 14496-12, 8.3.2: the matrix of the track header; (0, 1, -1, 0) turns clockwise by 90 degrees.
    one, zero = (1 << 16).to_bytes(4, "big"), bytes(4)
    minus, unit = (0x1_0000_0000 - (1 << 16)).to_bytes(4, "big"), (1 << 30).to_bytes(4, "big")
    upright = one + zero * 3 + one + zero * 3 + unit
    turned = zero + one + zero + minus + zero * 4 + unit
    data = path.read_bytes()
    at = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + 36 :])
    clip = opened(path)
    assert (clip.height, clip.width) == (64, 48)
    frame = clip.read().frames[0, ..., 0]
    assert np.abs(frame.astype(int) - np.rot90(frames[0], -1)).mean() < 3


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_video_is_shown_as_stored_and_says_so(tmp_path, axis):
    frames = np.zeros((3, 48, 64), np.uint8)
    frames[:, :24, :32] = 200
    path = encode(tmp_path / "m.mp4", frames, "libx264", "yuv420p")
    one, minus = (1 << 16).to_bytes(4, "big"), (0x1_0000_0000 - (1 << 16)).to_bytes(4, "big")
    unit, zero = (1 << 30).to_bytes(4, "big"), bytes(4)
    signs = [one, one]
    signs[axis] = minus
    data = path.read_bytes()
    at = data.index(one + zero * 3 + one + zero * 3 + unit, data.index(b"tkhd"))
    path.write_bytes(data[:at] + signs[0] + zero * 3 + signs[1] + zero * 3 + unit + data[at + 36 :])
    clip = opened(path)
    assert any("mirrored" in warning for warning in clip.warnings)
    assert np.abs(clip.read().frames[0, ..., 0].astype(int) - frames[0]).mean() < 3


def test_closing_early_lets_the_file_go(tmp_path):
    clip = opened(encode(tmp_path / "c.mp4", ramps(10), "libx264", "yuv420p"))
    frames = clip.iter_frames()
    next(frames)
    frames.close()  # pyright: ignore
    handles = (
        [link.resolve() for link in Path("/proc/self/fd").glob("*")] if Path("/proc/self/fd").is_dir() else []
    )
    assert clip.path.resolve() not in handles


@pytest.mark.parametrize(
    ("name", "codec"),
    [("t.mp4", "libx264"), ("t.mkv", "libx264"), ("t.webm", "libvpx-vp9"), ("t.avi", "mjpeg")],
)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
def test_truncated_videos_are_refused(tmp_path, name, codec, share):
    frames = np.repeat(speckle(20, 64, 64)[..., None], 3, -1)
    whole = encode(tmp_path / name, frames, codec, "yuvj420p" if codec == "mjpeg" else "yuv420p").read_bytes()
    path = tmp_path / f"cut_{name}"
    path.write_bytes(whole[: max(64, int(share * len(whole)))])
    with pytest.raises(UnreadableClip, match=path.name):
        opened(path).read()


def test_moov_first_and_pixels_cut_off_is_refused(tmp_path):
    frames = ramps(20)
    data = save(Mp4Writer, tmp_path / "a.mp4", frames, like(frames)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[:-20])
    with pytest.raises(UnreadableClip, match="cut off"):
        opened(tmp_path / "cut.mp4")


@pytest.mark.parametrize(("name", "codec"), [("in.mkv", "snow"), ("in.avi", "asv1"), ("in.avi", "flv")])
def test_a_codec_that_no_machine_writes_is_not_opened(tmp_path, name, codec):
    path = encode(tmp_path / name, ramps(3, 64, 64), codec, "yuv420p")
    with pytest.raises(UnreadableClip, match=r"codec that is not .* here: convert it to H.264"):
        opened(path)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48_000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 48_000
        out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    with pytest.raises(UnreadableClip, match="no video"):
        opened(path)


@pytest.mark.parametrize(
    "limits",
    [ClipLimits(max_pixels_per_frame=3000), ClipLimits(max_frames=9), ClipLimits(max_decoded_bytes=90_000)],
)
@pytest.mark.parametrize(("name", "codec"), [("l.mp4", "libx264"), ("l.avi", "mpeg4")])
def test_limits(tmp_path, limits, name, codec):
    path = encode(tmp_path / name, ramps(10), codec, "yuv420p")
    assert opened(path, ClipLimits(3072, 10, 92_160)).frames == 10
    with pytest.raises(ClipTooLarge, match=name):
        opened(path, limits)


def test_one_frame_and_a_still(tmp_path):
    frames = ramps(1)
    clip = opened(save(Mp4Writer, tmp_path / "one.mp4", frames, like(frames, fps=None)))
    assert (clip.frames, clip.fps) == (1, 1.0)


def test_nothing_is_left_after_an_error(tmp_path):
    frames = ramps(4)
    (tmp_path / "a.mp4").write_bytes(b"older")

    def interrupted(writer: type[VideoWriter], path: Path) -> None:
        with writer(path, like(frames), None, WriteOptions()) as out:
            out.write(frames[0])
            raise KeyboardInterrupt

    def uneven(path: Path) -> None:
        with Mp4Writer(path, like(frames), None, WriteOptions()) as out:
            out.write(frames[0])
            out.write(frames[0, :10])

    with pytest.raises(KeyboardInterrupt):
        interrupted(Mp4Writer, tmp_path / "a.mp4")
    with pytest.raises(KeyboardInterrupt):
        interrupted(WebmWriter, tmp_path / "new" / "deep" / "a.webm")
    with pytest.raises(OutputError, match="No frames"):
        save(Mp4Writer, tmp_path / "b.mp4", frames[:0], like(frames))
    with pytest.raises(OutputError, match="one shape"):
        uneven(tmp_path / "b.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"older"


def test_a_bad_frame_rate_is_refused(tmp_path):
    with pytest.raises(SettingsError):
        Mp4Writer(tmp_path / "a.mp4", like(ramps(2)), None, WriteOptions(fps=0.0))


def test_the_published_plot(shared_data):
    clip = opened(shared_data / "clips" / "plot_of_a_clip.mp4")
    assert (clip.frames, clip.width, clip.height, clip.color) == (43, 432, 288, True)
    assert clip.fps == pytest.approx(29.79, abs=0.01)
    assert len(clip.read().frames) == 43
