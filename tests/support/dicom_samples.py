"""Small synthetic ultrasound DICOM files for the tests: any photometric, syntax, region and patient."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

NAME = "QUIXOTE^ALONSO"
MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"


def moving(
    frames: int = 4, rows: int = 24, columns: int = 32, channels: int = 1, top: int = 255
) -> np.ndarray:
    """Smooth moving pattern, different in every frame: uint8 or uint16 (T, H, W) or (T, H, W, 3)."""
    t, y, x = np.mgrid[0:frames, 0:rows, 0:columns]
    wave = (np.sin(x / 5 + t) + np.cos(y / 4 - t) + 2) / 4
    grey = np.rint(wave * top).astype(np.uint8 if top < 256 else np.uint16)
    if channels == 1:
        return grey
    return np.stack([grey, grey[:, ::-1], grey[:, :, ::-1]], axis=-1)


def echo(frames: int = 2, rows: int = 48, columns: int = 64) -> np.ndarray:
    """A grey sector on black with a green line below it, as ultrasound looks: uint8 (T, H, W, 3) RGB."""
    grey = np.random.default_rng(0).integers(20, 256, (frames, rows, columns), dtype=np.uint8)
    y, x = np.mgrid[0:rows, 0:columns]
    sector = (np.abs(x - columns / 2) < y * 0.8) & (np.hypot(y, x - columns / 2) < rows * 0.85)
    picture = np.repeat(np.where(sector, grey, 0)[..., None], 3, axis=-1)
    picture[:, rows - 4 : rows - 2] = 0, 255, 0
    return picture


def region(box: tuple[int, int, int, int], spatial: int = 1, data: int = 1, delta: float = 0.05) -> Dataset:
    """A region item with bounds (top, left, bottom, right), the last two inclusive; `delta` in cm."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = spatial, data, 0
    item.RegionLocationMinY0, item.RegionLocationMinX0, item.RegionLocationMaxY1, item.RegionLocationMaxX1 = (
        box
    )
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta, delta * 2
    return item


def ultrasound(pixels: np.ndarray, photometric: str = "", **tags: Any) -> Dataset:
    """A US multi-frame data set around `pixels` (T, H, W) or (T, H, W, 3); `tags` are set last, None removes one."""
    color = pixels.ndim == 4
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPClassUID, ds.Modality = MULTI_FRAME, "US"
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = (uid.generate_uid() for _ in range(3))
    ds.PatientName, ds.PatientID, ds.StudyDate = NAME, "ID-" + NAME, "20200102"
    ds.SamplesPerPixel = 3 if color else 1
    ds.PhotometricInterpretation = photometric or ("RGB" if color else "MONOCHROME2")
    if color:
        ds.PlanarConfiguration = 0
    ds.NumberOfFrames, ds.Rows, ds.Columns = pixels.shape[:3]
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == "i")
    ds.FrameIncrementPointer, ds.FrameTime = 0x00181063, "20"
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    for keyword, value in tags.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def save(ds: Dataset, path: Path, syntax: str = uid.ExplicitVRLittleEndian) -> Path:
    """Write with preamble and file meta group. For big endian, give the pixels already swapped."""
    ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    if "PixelData" in ds and not uid.UID(syntax).is_private and uid.UID(syntax).is_encapsulated:
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
    ds.save_as(path, enforce_file_format=True)
    return path


def jpeg(frame: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def jpeg_as_stored(samples: np.ndarray, ids: bytes = b"\1\2\3", adobe: int | None = None) -> bytes:
    """A JPEG of three components (H, W, 3) taken as they are, with these ids, and an Adobe marker or no marker."""
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "JPEG", quality=95, subsampling=0, keep_rgb=True)
    coded = bytearray(b"\xff\xd8")
    whole = buffer.getvalue()
    position = 2
    while whole[position + 1] != 0xDA:
        length = 2 + int.from_bytes(whole[position + 2 : position + 4], "big")
        segment = bytearray(whole[position : position + length])
        if segment[1] == 0xC0:
            segment[10::3] = ids
        if segment[1] not in (0xE0, 0xEE):
            coded += segment
        position += length
    scan = bytearray(whole[position:])
    scan[5:11:2] = ids
    if adobe is not None:
        coded[2:2] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([adobe])
    return bytes(coded + scan)


def jpeg2000(frame: np.ndarray) -> bytes:
    """Lossless codestream; Pillow applies the reversible colour transform to RGB."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG2000", no_jp2=True, irreversible=False)
    return buffer.getvalue()


def wrap(frames: Sequence[bytes], pieces: int = 1, offsets: bool = True) -> bytes:
    """Encapsulated Pixel Data: each frame in so many fragments, with or without a basic offset table."""
    return encapsulate(list(frames), fragments_per_frame=pieces, has_bot=offsets)


def transcode(source: Path, target: Path, syntax: int) -> Path:
    """Compress with GDCM: gdcm.TransferSyntax.JPEGLosslessProcess14_1, .JPEGLSLossless ..."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
    return target
