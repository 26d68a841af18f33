"""What is there is read: frames not counted, counted wrongly, broken, padded, in pieces, or under a wrong syntax."""

from __future__ import annotations

import struct
from pathlib import Path

import gdcm
import numpy as np
import pytest
from dicom_samples import jpeg, jpeg2000, moving, save, transcode, ultrasound, wrap
from pydicom import uid
from pydicom.encaps import generate_frames

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.frames import NOT_COUNTED, TOO_FEW_COUNTED, TOO_MANY_COUNTED
from echogan.clips.dicom.reader import open_dicom
from echogan.clips.dicom.survey import BROKEN, MOST_BROKEN
from echogan.core.errors import UnreadableClip, UnsupportedClip

GREY = moving(8)
NATIVE = GREY.tobytes()
SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def opened(folder: Path, data: bytes, syntax: str = uid.ExplicitVRLittleEndian, **tags) -> ClipFile:
    return open_dicom(save(ultrasound(GREY, PixelData=data, **tags), folder / "a", syntax))


def items(*fragments: bytes, table: bytes = b"") -> bytes:
    """Encapsulated Pixel Data of just these fragments."""
    item = b"\xfe\xff\x00\xe0"
    even = [fragment + b"\0" * (len(fragment) % 2) for fragment in (table, *fragments)]
    return b"".join(item + struct.pack("<I", len(one)) + one for one in even)


def coded(syntax: str) -> list[bytes]:
    """Every frame in one of the codings."""
    if syntax == uid.JPEG2000Lossless:
        return [jpeg2000(frame) for frame in GREY]
    if syntax == uid.RLELossless:
        ds = ultrasound(GREY)
        ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        ds.compress(uid.RLELossless)
        return list(generate_frames(ds.PixelData, number_of_frames=8))
    return [jpeg(frame) for frame in GREY]


CODINGS = [uid.JPEGBaseline8Bit, uid.JPEG2000Lossless, uid.RLELossless]


def same(clip: ClipFile, truth: np.ndarray, coding: str = uid.ExplicitVRLittleEndian) -> bool:
    frames = clip.read().frames
    assert len(frames) == clip.frames
    if coding == uid.JPEGBaseline8Bit:
        return frames.shape == truth.shape and bool(np.abs(frames.astype(int) - truth).mean() < 3)
    return np.array_equal(frames, truth)


# --- counted wrongly ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counted", "note"),
    [
        (None, NOT_COUNTED),
        (0, TOO_FEW_COUNTED),
        (3, TOO_FEW_COUNTED),
        (9, TOO_MANY_COUNTED),
        (5000, TOO_MANY_COUNTED),
    ],
)
def test_uncompressed_frames_counted_wrongly(tmp_path: Path, counted: int | None, note: str):
    clip = opened(tmp_path, NATIVE, NumberOfFrames=counted)
    assert same(clip, GREY)
    assert clip.warnings == (note,)
    assert clip.fps == 50


@pytest.mark.parametrize("syntax", CODINGS)
@pytest.mark.parametrize("offsets", [True, False])
@pytest.mark.parametrize(
    ("counted", "note"),
    [(None, NOT_COUNTED), (0, TOO_FEW_COUNTED), (9, TOO_MANY_COUNTED), (99_999, TOO_MANY_COUNTED)],
)
def test_coded_frames_counted_wrongly(
    tmp_path: Path, syntax: str, offsets: bool, counted: int | None, note: str
):
    clip = opened(tmp_path, wrap(coded(syntax), offsets=offsets), syntax, NumberOfFrames=counted)
    assert same(clip, GREY, syntax)
    assert clip.warnings == (note,)


@pytest.mark.parametrize("counted", [None, 0])
def test_one_frame_not_counted(tmp_path: Path, counted: int | None):
    data = wrap([jpeg(GREY[0])])
    clip = opened(tmp_path, data, uid.JPEGBaseline8Bit, NumberOfFrames=counted)
    assert (clip.frames, clip.fps) == (1, None)
    assert same(clip, GREY[:1], uid.JPEGBaseline8Bit)
    assert bool(clip.warnings) == (counted == 0)


@pytest.mark.parametrize("counted", ["8", None])
@pytest.mark.parametrize("more", [1, 2, 500, 768, 3000])
def test_trailing_bytes_are_no_frames(tmp_path: Path, counted: str | None, more: int):
    clip = opened(tmp_path, NATIVE + bytes(more), NumberOfFrames=counted)
    if counted:
        assert same(clip, GREY)
        assert clip.warnings == ()
    else:
        assert same(clip, GREY)


@pytest.mark.parametrize("more", [b"The end. " * 300, bytes(768), bytes(range(256)) * 5])
def test_what_trails_behind_the_frames_counted_is_no_frame(tmp_path: Path, more: bytes):
    clip = opened(tmp_path, NATIVE + more)
    assert same(clip, GREY)
    assert clip.warnings == ()


def test_a_length_that_is_as_wrong_as_the_count(tmp_path: Path):
    path = save(ultrasound(GREY), tmp_path / "a")
    path.write_bytes(path.read_bytes()[: -3 * 768])
    clip = open_dicom(path)
    assert same(clip, GREY[:5])
    assert clip.warnings == (TOO_MANY_COUNTED,)


def test_part_of_a_last_frame(tmp_path: Path):
    clip = opened(tmp_path, NATIVE[:-300])
    assert same(clip, GREY[:7])
    assert clip.warnings == (TOO_MANY_COUNTED,)


def test_a_vector_for_frames_that_are_not_there(tmp_path: Path):
    vector = ["0", "10", "30", "20", "10", "30", "20", "40", "50", "60"]
    tags = {"FrameTimeVector": vector, "FrameIncrementPointer": 0x00181065, "NumberOfFrames": 10}
    clip = opened(tmp_path, NATIVE, **tags)
    assert clip.durations_ms == pytest.approx((10, 30, 20, 10, 30, 20, 40, 160 / 7))


# --- broken frames ------------------------------------------------------------------------------------------


def cut_off(frame: bytes) -> bytes:
    return frame[: len(frame) // 2]


def zeroed(frame: bytes) -> bytes:
    return frame[: len(frame) // 2] + bytes(len(frame) - len(frame) // 2)


BROKEN_FRAMES = {
    "zeros": lambda _: b"\0\0",
    "empty": lambda _: b"",
    "cut": cut_off,
    "zeroed": zeroed,
    "start": lambda _: SOI,
    "other": lambda _: b"no picture here.",
}


@pytest.mark.parametrize("how", BROKEN_FRAMES)
@pytest.mark.parametrize("syntax", CODINGS[:2])
@pytest.mark.parametrize("many", [1, 3])
def test_broken_frames_at_the_end(tmp_path: Path, how: str, syntax: str, many: int):
    frames = coded(syntax)
    frames[-many:] = [BROKEN_FRAMES[how](frame) for frame in frames[-many:]]
    clip = opened(tmp_path, items(*frames), syntax)
    assert same(clip, GREY[:-many], syntax)
    assert clip.warnings in ((BROKEN,), (TOO_MANY_COUNTED,))


@pytest.mark.parametrize("how", ["zeros", "cut", "start"])
def test_a_broken_run_length_frame_at_the_end(tmp_path: Path, how: str):
    frames = coded(uid.RLELossless)
    frames[-1] = BROKEN_FRAMES[how](frames[-1])
    clip = opened(tmp_path, items(*frames), uid.RLELossless)
    assert same(clip, GREY[:7])
    assert clip.warnings


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_a_broken_lossless_frame_at_the_end(tmp_path: Path, syntax: str):
    plain = save(ultrasound(GREY), tmp_path / "plain")
    path = transcode(plain, tmp_path / "packed", getattr(gdcm.TransferSyntax, syntax))
    raw = path.read_bytes()
    last = raw.rindex(SOI)
    path.write_bytes(raw[: last + 40] + bytes(len(raw) - last - 48) + raw[-8:])
    clip = open_dicom(path)
    assert same(clip, GREY[:7])
    assert clip.warnings == (BROKEN,)


def test_broken_frames_at_the_start_take_their_time_along(tmp_path: Path):
    frames = coded(uid.JPEGBaseline8Bit)
    frames[:2] = [SOI, SOI]
    vector = [str(v) for v in (0, 10, 20, 30, 40, 50, 60, 70)]
    tags = {"FrameTimeVector": vector, "FrameIncrementPointer": 0x00181065}
    clip = opened(tmp_path, items(*frames), uid.JPEGBaseline8Bit, **tags)
    assert same(clip, GREY[2:], uid.JPEGBaseline8Bit)
    assert clip.durations_ms == (30, 40, 50, 60, 70, 50)
    assert clip.warnings == (BROKEN,)


def test_only_one_frame_is_left(tmp_path: Path):
    frames = [coded(uid.JPEGBaseline8Bit)[0], *[SOI] * 7]
    clip = opened(tmp_path, items(*frames), uid.JPEGBaseline8Bit)
    assert (clip.frames, clip.fps) == (1, None)


@pytest.mark.parametrize("good", [0, 1])
def test_no_end_of_damage_is_refused(tmp_path: Path, good: int):
    frames = [*coded(uid.JPEGBaseline8Bit)[:good], *[SOI + b"none"] * (MOST_BROKEN + 5)]
    with pytest.raises(UnreadableClip, match="damaged"):
        opened(tmp_path, items(*frames), uid.JPEGBaseline8Bit)


def test_a_coder_that_never_writes_the_end_mark(tmp_path: Path):
    frames = [frame.rstrip(b"\0").removesuffix(EOI) + bytes(4) for frame in coded(uid.JPEGBaseline8Bit)]
    clip = opened(tmp_path, items(*frames), uid.JPEGBaseline8Bit)
    assert same(clip, GREY, uid.JPEGBaseline8Bit)
    assert clip.warnings == ()


# --- fragments ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", CODINGS[:2])
@pytest.mark.parametrize("padding", [0, 64, 1000])
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("counted", [8, None])
def test_pieces_and_padding(tmp_path: Path, syntax: str, padding: int, apart: bool, counted: int | None):
    pieces = []
    for frame in coded(syntax):
        third = len(frame) // 6 * 2
        pieces += [frame[:third], frame[third : 2 * third], frame[2 * third :]]
        if apart:
            pieces += [bytes(padding)]
        else:
            pieces[-1] += bytes(padding)
    clip = opened(tmp_path, items(*pieces), syntax, NumberOfFrames=counted)
    assert same(clip, GREY, syntax)
    assert clip.warnings == (() if counted else (NOT_COUNTED,))


@pytest.mark.parametrize("padding", [0, 2, 64])
@pytest.mark.parametrize("piece", [10**6, 400])
def test_all_frames_in_one_stream(tmp_path: Path, padding: int, piece: int):
    stream = b"".join(frame + bytes(padding) for frame in coded(uid.JPEGBaseline8Bit))
    fragments = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    clip = opened(tmp_path, items(*fragments), uid.JPEGBaseline8Bit)
    assert same(clip, GREY, uid.JPEGBaseline8Bit)


def test_no_delimiter_at_the_end(tmp_path: Path):
    path = save(ultrasound(GREY, PixelData=wrap(coded(uid.JPEGBaseline8Bit))), tmp_path / "a", CODINGS[0])
    path.write_bytes(path.read_bytes()[:-8])
    assert same(open_dicom(path), GREY, uid.JPEGBaseline8Bit)


# --- the syntax that the meta group names -------------------------------------------------------------------


def renamed(path: Path, syntax: str) -> Path:
    """The same file, its meta group naming another transfer syntax."""
    whole = path.read_bytes()
    length = struct.unpack_from("<I", whole, 140)[0]
    rest = whole[144 + length :]
    head = save(ultrasound(GREY), path.with_name("head"), uid.ExplicitVRLittleEndian).read_bytes()
    stated = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(syntax) + len(syntax) % 2) + syntax.encode()
    stated += b"\0" * (len(syntax) % 2)
    path.write_bytes(
        head[:132] + b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(stated)) + stated + rest
    )
    return path


@pytest.mark.parametrize("real", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
@pytest.mark.parametrize(
    "stated", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.JPEGBaseline8Bit, uid.RLELossless]
)
def test_uncompressed_under_another_name(tmp_path: Path, real: str, stated: str):
    clip = open_dicom(renamed(save(ultrasound(GREY), tmp_path / "a", real), stated))
    assert same(clip, GREY)
    assert clip.fps == 50


@pytest.mark.parametrize("real", CODINGS)
@pytest.mark.parametrize(
    "stated", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, *CODINGS, uid.JPEGLSLossless]
)
def test_coded_under_another_name(tmp_path: Path, real: str, stated: str):
    path = save(ultrasound(GREY, PixelData=wrap(coded(real))), tmp_path / "a", real)
    assert same(open_dicom(renamed(path, stated)), GREY, real)


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_lossless_under_another_name(tmp_path: Path, syntax: str):
    plain = save(ultrasound(GREY), tmp_path / "plain")
    path = transcode(plain, tmp_path / "packed", getattr(gdcm.TransferSyntax, syntax))
    assert same(open_dicom(renamed(path, uid.JPEGBaseline8Bit)), GREY)


# --- no picture at all --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "vr"), [(0x7FE1, "OB"), (0x7FE3, "UN"), (0x200D, "OB")])
@pytest.mark.parametrize("pixels", [None, b""])
def test_raw_data_only(tmp_path: Path, group: int, vr: str, pixels: bytes | None):
    ds = ultrasound(GREY, PixelData=pixels)
    ds.add_new((group << 16) + 0x10, "LO", "SOME VENDOR")
    ds.add_new((group << 16) + 0x1001, vr, bytes(3000))
    with pytest.raises(UnsupportedClip, match="raw data"):
        open_dicom(save(ds, tmp_path / "a"))
