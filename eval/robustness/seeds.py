"""Small whole files of every kind that can be read, from which `fuzz` makes damaged ones."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip

FRAMES, HEIGHT, WIDTH = 5, 48, 64
VIDEOS = (
    ("v.mp4", "libx264"),
    ("m.mov", "mjpeg"),
    ("a.avi", "mpeg4"),
    ("k.mkv", "ffv1"),
    ("r.avi", "rawvideo"),
)
STILLS = ("PNG", "JPEG", "BMP", "TIFF")


def echo(rng: np.random.Generator) -> np.ndarray:
    """A grey sector on black, uint8 (FRAMES, HEIGHT, WIDTH)."""
    grey = rng.integers(20, 256, (FRAMES, HEIGHT, WIDTH), np.uint8)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    inside = (np.abs(x - WIDTH / 2) < y * 0.8) & (np.hypot(y, x - WIDTH / 2) < HEIGHT * 0.85)
    return np.where(inside, grey, 0).astype(np.uint8)


def seed_files(folder: Path, rng: np.random.Generator) -> dict[str, bytes]:
    """The content of each file, by a name that tells its kind. `folder` is used for a moment."""
    frames = echo(rng)
    like = ClipFile(Path("x"), "video", FRAMES, HEIGHT, WIDTH, 25.0, False, frames.__iter__)
    for name in ("w.webm", "g.gif"):
        write_clip(folder / name, frames, like)
    for name, codec in VIDEOS:
        _encode(folder / name, frames, codec)
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    for kind in STILLS:
        data = io.BytesIO()
        pages = [Image.fromarray(frame) for frame in frames[1:]] if kind == "TIFF" else []
        Image.fromarray(frames[0]).save(
            data, kind, **({"save_all": True, "append_images": pages} if pages else {})
        )
        files[f"s.{kind.lower()}"] = data.getvalue()
    return files | _research(frames)


def jpeg_frames(rng: np.random.Generator) -> list[bytes]:
    """The frames as JPEG, for a compressed DICOM file."""
    coded = []
    for frame in echo(rng):
        data = io.BytesIO()
        Image.fromarray(frame).save(data, "JPEG")
        coded.append(data.getvalue())
    return coded


def _encode(path: Path, frames: np.ndarray, codec: str) -> None:
    pixels = {"mjpeg": "yuvj420p", "ffv1": "gray"}.get(codec, "yuv420p")
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixels
        for i, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="gray").reformat(format=pixels)
            picture.pts, picture.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def _research(frames: np.ndarray) -> dict[str, bytes]:
    """NIfTI and MetaImage, plain and packed."""
    sizes = (WIDTH, HEIGHT, 1, FRAMES)
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 4, *sizes, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 0.5, 0.5, 1, 0.04, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    header[123], header[344:348] = 2 | 8, b"n+1\0"
    nifti = bytes(header) + frames.tobytes()
    packer = zlib.compressobj(wbits=31)
    text = f"ObjectType = Image\nNDims = 4\nDimSize = {WIDTH} {HEIGHT} 1 {FRAMES}\nElementType = MET_UCHAR\n"
    local = "ElementDataFile = LOCAL\n"
    return {
        "n.nii": nifti,
        "n.nii.gz": packer.compress(nifti) + packer.flush(),
        "i.mha": (text + local).encode() + frames.tobytes(),
        "z.mha": (text + "CompressedData = True\n" + local).encode() + zlib.compress(frames.tobytes()),
    }


def large_still(rng: np.random.Generator) -> bytes:
    """A PNG of speckle in a sector, of any shape up to the limits on pixels and sides, or a little past them."""
    sides = np.exp(rng.uniform(np.log(200), np.log(8400), 2)) * 1.0
    height, width = (sides * min(1.0, np.sqrt(8.5e6 / sides.prod()))).astype(int)
    small = rng.integers(20, 256, (height // 8 + 1, width // 8 + 1), np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    inside = (np.abs(x - width / 2) < y * 0.8) & (np.hypot(y, x - width / 2) < height * 0.85)
    frame = np.where(inside, small.repeat(8, 0).repeat(8, 1)[:height, :width], 0).astype(np.uint8)
    data = io.BytesIO()
    tint = rng.integers(150, 256, 3) / 255 if rng.random() < 0.5 else np.ones(3)
    Image.fromarray((frame[..., None] * tint).astype(np.uint8)).save(data, "PNG", compress_level=1)
    return data.getvalue()
