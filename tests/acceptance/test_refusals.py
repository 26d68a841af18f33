"""What cannot be enhanced, through the real command line: exit code 2, a sentence with a remedy, nothing left."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from dicom_samples import jpeg, moving, region, save, ultrasound, wrap
from fake_checkpoint import Scale, checkpoint, clip_of, speckle
from PIL import Image
from pydicom import uid

from echogan.cli.main import main
from echogan.clips.files import write_clip
from echogan.model.checkpoints import hub

torch.set_num_threads(1)
GREY = moving(4, 48, 64)
COLOR = moving(4, 48, 64, channels=3)
HALF = (0, 0, 23, 63)


@pytest.fixture(autouse=True)
def fake_model(monkeypatch):
    monkeypatch.setattr(hub, "load_checkpoint", lambda *_, **__: checkpoint(Scale(0.5)))


def dicom(pixels: np.ndarray = GREY, **tags) -> Callable[[Path], Path]:
    return lambda folder: save(ultrasound(pixels, **tags), folder / "in.dcm")


def regions(*found) -> Callable[[Path], Path]:
    return dicom(COLOR, SequenceOfUltrasoundRegions=[region(*one) for one in found])


def coded(syntax: str, frames: list[bytes], pixels: np.ndarray = GREY) -> Callable[[Path], Path]:
    return lambda folder: save(ultrasound(pixels, PixelData=wrap(frames)), folder / "in.dcm", syntax)


def plain(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def video(name: str, keep: float = 1.0) -> Callable[[Path], Path]:
    """A clip of 12 frames, 96 x 64 pixels, of which so much of the file is kept."""

    def make(folder: Path) -> Path:
        frames = speckle(12, 64, 96)
        write_clip(folder / name, frames, clip_of(frames))
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(len(whole) * keep)])
        return folder / name

    return make


def cut(make: Callable[[Path], Path], keep: float) -> Callable[[Path], Path]:
    def shortened(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        return path

    return shortened


def png_header(side: int) -> bytes:
    """A PNG of a few bytes that announces side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def still(folder: Path) -> Path:
    Image.fromarray(cv2.resize(GREY[0], (300, 200))).save(folder / "in.tif")
    return folder / "in.tif"


def encrypted(folder: Path) -> Path:
    return plain("in.mp4", np.random.default_rng(0).bytes(40_000))(folder)


SEND_AGAIN = "export|copy|download"
# name: (how it is made, further flags, what the sentence says is wrong, what it says to do)
REFUSED: dict[str, tuple[Callable[[Path], Path], list[str], str, str]] = {
    "colour Doppler": (regions((HALF, 1, 2)), [], "colour Doppler", "choose"),
    "colour box on tissue": (
        regions(((0, 0, 47, 63),), ((9, 9, 20, 20), 1, 2)), [], "colour Doppler", "choose"
    ),
    "spectral Doppler": (regions((HALF, 3, 3)), [], "spectral Doppler", "choose"),
    "colour and spectral": (regions((HALF, 1, 2), ((24, 0, 47, 63), 3, 3)), [], "colour Doppler", "choose"),
    "M-mode": (regions((HALF, 2, 1)), [], "M-mode", "choose"),
    "other modality": (dicom(Modality="CT"), [], "not ultrasound", "give"),
    "3-D": (dicom(SOPClassUID="1.2.840.10008.5.1.4.1.1.6.2"), [], "3-D", "export"),
    "no pixels": (dicom(PixelData=None), [], "no pixel data", SEND_AGAIN),
    "zero frames": (dicom(PixelData=b""), [], "zero frames", SEND_AGAIN),
    "truncated DICOM": (cut(dicom(), 0.7), [], "cut short", SEND_AGAIN),
    "truncated JPEG DICOM": (
        cut(coded(uid.JPEGBaseline8Bit, [jpeg(f) for f in GREY]), 0.8), [], "cut short", SEND_AGAIN
    ),
    "truncated MP4": (video("in.mp4", 0.6), [], "cut off", SEND_AGAIN),
    "truncated WebM": (video("in.webm", 0.6), [], "cut off", SEND_AGAIN),
    "truncated GIF": (video("in.gif", 0.6), [], "cut off", SEND_AGAIN),
    "encrypted pixels": (coded(uid.HTJ2KLossless, [b"0000"] * 4), [], "encrypted", "export"),
    "encrypted file": (encrypted, [], "not a clip", "give"),
    "damaged DICOM frame": (coded(uid.JPEGBaseline8Bit, [b"\xff\xd8 none"] * 4), [], "damaged", SEND_AGAIN),
    "frame larger than its header": (
        coded(uid.JPEGBaseline8Bit, [jpeg(moving(1, 480, 640)[0])] * 4), [], "does not agree", SEND_AGAIN
    ),
    "pixels, DICOM": (dicom(), ["--max-pixels-per-frame", "3000"], "64 x 48", "scale it down"),
    "frames, DICOM": (dicom(), ["--max-frames", "3"], "more than 3 frames", "cut it"),
    "bytes, DICOM": (dicom(), ["--max-decoded-bytes", "12000"], "decodes to more", "cut it"),
    "pixels, video": (video("in.mp4"), ["--max-pixels-per-frame", "6000"], "96 x 64", "scale it down"),
    "frames, video": (video("in.webm"), ["--max-frames", "11"], "more than 11 frames", "cut it"),
    "bytes, video": (video("in.mp4"), ["--max-decoded-bytes", "70000"], "decodes to more", "cut it"),
    "pixels, GIF": (video("in.gif"), ["--max-pixels-per-frame", "6000"], "96 x 64", "scale it down"),
    "frames, GIF": (video("in.gif"), ["--max-frames", "11"], "more than 11 frames", "cut it"),
    "bytes, GIF": (video("in.gif"), ["--max-decoded-bytes", "70000"], "decodes to more", "cut it"),
    "pixels, image": (still, ["--max-pixels-per-frame", "50000"], "300 x 200", "scale it down"),
    "bytes, image": (still, ["--max-decoded-bytes", "170000"], "decodes to more", "scale it down"),
    "PNG bomb": (plain("in.png", png_header(10_000)), [], "10000 x 10000", "scale it down"),
    "larger PNG bomb": (plain("in.png", png_header(60_000)), [], "too many pixels", "scale it down"),
    "text called .mp4": (plain("in.mp4", b"This is no film.\n" * 99), [], "not a clip", "give"),
    "web page": (plain("in.mp4", b"<!DOCTYPE html><html></html>"), [], "web page", SEND_AGAIN),
    "archive": (plain("in.zip", b"PK\3\4" + bytes(99)), [], "zip archive", "unpack"),
    "empty": (plain("in.mp4", b""), [], "is empty", SEND_AGAIN),
    "missing": (lambda folder: folder / "none.mp4", [], "no file", "Check the path"),
    "folder without clips": (lambda folder: folder, [], "holds no files", "Give a folder of clips"),
    "no room for a limit": (dicom(), ["--max-frames", "0"], "max_frames is 0", "give"),
    "limit that is no number": (dicom(), ["--max-frames", "many"], "max-frames", "--help"),
}  # fmt: skip


def run(*arguments: object) -> int:
    return main(["enhance", *(str(argument) for argument in arguments), "--device", "cpu"])


def one_or_two_sentences(text: str) -> str:
    """The text, once it is one line of at most two sentences and a remark in brackets."""
    assert text.count("\n") == 1, text
    assert text.endswith("\n")
    assert "Traceback" not in text
    said = re.sub(r" \([^)]*\)$|\([^)]*\)", "", text.strip()).strip()
    assert 1 <= len(re.findall(r"[.!?](?= [A-Z]|$)", said)) <= 2, text
    return text


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")  # a terminal would show it
def test_refused(tmp_path, capfd, name):
    make, flags, wrong, remedy = REFUSED[name]
    (tmp_path / "given").mkdir()
    source = make(tmp_path / "given")
    before = everything(tmp_path)
    extras = [f"--{kind}={tmp_path / kind}" for kind in ("report", "arrays", "figure")]
    capfd.readouterr()
    assert run(source, tmp_path / "out.mp4", *extras, *flags) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    sentence = one_or_two_sentences(shown.err)
    assert wrong in sentence, sentence
    assert re.search(remedy, sentence, re.IGNORECASE), sentence
    assert everything(tmp_path) == before
    if "bytes," in name or "pixels," in name or "frames," in name:
        assert flags[0] in sentence, "it names the setting that would let the clip through"


@pytest.mark.parametrize(("make", "flag"), [(dicom(), "--max-frames"), (still, "--max-pixels-per-frame")])
def test_a_limit_that_is_just_met_lets_the_clip_through(tmp_path, make, flag):
    source = make(tmp_path)
    size = {"--max-frames": 4, "--max-pixels-per-frame": 300 * 200}[flag]
    assert run(source, tmp_path / "out.gif", flag, size, "--working-size", 64) == 0
    assert (tmp_path / "out.gif").exists()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("in.gif", "is the input"),
        ("./sub/../in.gif", "is the input"),
        ("link.gif", "is the input"),
        ("file/out.mp4", "permissions|folder"),
        ("sub", "not empty"),
        ("out.avi", "no known format"),
        ("out.png", "holds one frame"),
    ],
)
def test_outputs_that_cannot_be(tmp_path, capfd, output, sentence):
    source = video("in.gif")(tmp_path)
    before = source.read_bytes()
    (tmp_path / "link.gif").symlink_to(source)
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "kept.txt").write_text("kept")
    there = everything(tmp_path)
    assert run(source, tmp_path / output, "--working-size", 64) == 2
    said = one_or_two_sentences(capfd.readouterr().err)
    assert re.search(sentence, said), said
    assert everything(tmp_path) == there
    assert source.read_bytes() == before


@pytest.mark.parametrize("flag", ["--report", "--arrays", "--figure"])
def test_extras_that_cannot_be(tmp_path, capfd, flag):
    """The report and the figure are written last: where they cannot be, no clip is made either."""
    source = video("in.gif")(tmp_path)
    (tmp_path / "sub").mkdir()
    there = everything(tmp_path)
    assert run(source, tmp_path / "out.mp4", flag, tmp_path / "sub", "--working-size", 64) == 2
    assert "is a folder" in one_or_two_sentences(capfd.readouterr().err)
    assert run(source, tmp_path / "out.mp4", flag, source, "--working-size", 64) == 2
    assert "is the input" in one_or_two_sentences(capfd.readouterr().err)
    assert everything(tmp_path) == there


def test_a_folder_of_nothing_but_refusals_leaves_no_folder(tmp_path, capfd):
    (tmp_path / "given").mkdir()
    plain("notes.txt", b"no clip")(tmp_path / "given")
    cut(dicom(), 0.7)(tmp_path / "given")
    there = everything(tmp_path)
    assert run(tmp_path / "given", tmp_path / "out", "--report", tmp_path / "out") == 1
    said = capfd.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said[:2]] == ["in.dcm", "notes.txt"]
    assert "2 of 2 files failed" in said[2]
    assert everything(tmp_path) == there
