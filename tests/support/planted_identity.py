"""A DICOM cine with a patient's identity in every tag that takes text, and burned into all four corners."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
from dicom_samples import region, save, ultrasound
from fake_checkpoint import speckle
from PIL import Image
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset

from echogan.core.geometry import Fan

NAME, BIRTH = "ZYXWVQ^MARGARETHE", "19440617"
WORDS = ("zyxwvq", "margarethe", "ac-773311", "773311", "sanatorium", BIRTH)
FRAMES, HEIGHT, WIDTH = 6, 240, 320
FAN = Fan((160.0, 10.0), -40.0, 40.0, 5.0, 215.0)
NEEDED = """
    SOPClassUID Modality SpecificCharacterSet TransferSyntaxUID PhotometricInterpretation SamplesPerPixel
    PlanarConfiguration ImageType BurnedInAnnotation VOILUTFunction PixelPresentation LossyImageCompression
"""
VALUES = {
    "PN": NAME, "LO": NAME, "SH": "AC-773311", "ST": f"Sanatorium {NAME}", "LT": f"Sanatorium {NAME}", "UC": NAME,
    "UT": f"{NAME} {BIRTH}", "AE": "SANATORIUM", "DA": BIRTH, "DT": f"{BIRTH}101010", "CS": "ZYXWVQ",
    "UI": f"1.2.826.0.1.3680043.8.773311.{BIRTH}",
}  # fmt: skip


def ink() -> np.ndarray:
    """Where the name is burned in, all of it outside the fan: bool (H, W)."""
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    places = ((4, 14), (WIDTH - 74, 14), (4, HEIGHT - 6), (WIDTH - 74, HEIGHT - 6))
    for text, place in zip(("ZYXWVQ", "MARGARET", "AC-773311", "17 06 44"), places, strict=True):
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 255, 1)
    return drawn > 0


def planted(folder: Path, name: str = "Zyxwvq_Margarethe AC-773311.dcm") -> Path:
    """Write the file; every tag of the data dictionary that takes text, a date or a UID holds identity."""
    inside = FAN.mask(HEIGHT, WIDTH)
    assert not (ink() & inside).any()
    frames = np.where(inside, speckle(FRAMES, HEIGHT, WIDTH), 0).astype(np.uint8)
    frames[:, ink()] = 235
    made = ultrasound(np.repeat(frames[..., None], 3, -1))
    for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
        group = tag >> 16
        if (
            vr in VALUES
            and keyword
            and not retired
            and keyword not in NEEDED.split()
            and 0x0008 <= group < 0x7FE0
        ):
            made.add_new(tag, vr, VALUES[vr])
    made.ImageType = ["ORIGINAL", "PRIMARY", "MARGARETHE", "ZYXWVQ"]
    item = region((0, 0, HEIGHT - 1, WIDTH - 1))
    item.PhysicalDeltaX = item.PhysicalDeltaY  # square pixels, for FAN is a circle
    item.add_new(0x00110010, "LO", NAME)
    made.SequenceOfUltrasoundRegions = [item]
    made.add_new(0x00190010, "LO", NAME)
    made.add_new(0x00191001, "UN", NAME.encode())
    made.OtherPatientIDsSequence = [Dataset()]
    made.OtherPatientIDsSequence[0].PatientID = "AC-773311"
    folder.mkdir(parents=True, exist_ok=True)
    return save(made, folder / name)


def assert_nameless(data: bytes, where: object) -> None:
    """None of the words, in any case, as 8-bit or as 16-bit characters."""
    small = data.lower()
    for word in WORDS:
        for coding in ("ascii", "utf-16-le", "utf-32-le"):
            assert word.encode(coding) not in small, f"{word} in {where}"


def assert_nameless_file(path: Path) -> None:
    """Neither the file's name nor its bytes, nor those of a zip's members, nor a picture's text."""
    assert_nameless(path.name.encode(), path)
    assert_nameless(path.read_bytes(), path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                assert_nameless(member.filename.encode() + member.comment + archive.read(member), member)
    if path.suffix in (".png", ".gif"):
        with Image.open(path) as image:
            assert_nameless(repr(image.info).encode(), path)
