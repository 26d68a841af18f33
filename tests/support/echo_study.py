"""A study as an echo laboratory stores it: cines with a name burned in, a still, Doppler, an image of another kind."""

from pathlib import Path

import numpy as np
from dicom_samples import region, save, ultrasound
from fake_checkpoint import speckle
from planted_identity import FAN, HEIGHT, WIDTH, ink
from pydicom import uid
from pydicom.dataset import Dataset

NAME, PATIENT = "QUIXOTE^ALONSO", "P-4711"
FRAMES = 4


def echo_cine(study: str, series: str, number: int, frames: int = FRAMES, **tags) -> Dataset:
    """A cine with a fan, and the patient's name burned in beside it."""
    inside = FAN.mask(HEIGHT, WIDTH)
    shown = np.where(inside, speckle(frames, HEIGHT, WIDTH, seed=number), 0).astype(np.uint8)
    shown[:, ink()] = 235
    item = region((0, 0, HEIGHT - 1, WIDTH - 1))
    item.PhysicalDeltaX = item.PhysicalDeltaY  # square pixels, for FAN is a circle
    facts = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SeriesNumber": 3,
        "InstanceNumber": number,
        "PatientName": NAME,
        "PatientID": PATIENT,
        "AccessionNumber": "A-17",
        "SequenceOfUltrasoundRegions": [item],
    }
    return ultrasound(shown, **facts | tags)


def echo_study(folder: Path) -> tuple[str, list[Path]]:
    """The UID of a study and its files: two cines, a still, a Doppler cine, a CT image of another series."""
    study, series = uid.generate_uid(), uid.generate_uid()
    spectrum = region((0, 0, HEIGHT - 1, WIDTH - 1), spatial=3, data=3)
    still = echo_cine(study, series, 3, frames=1, SOPClassUID=uid.UltrasoundImageStorage)
    del still.FrameTime, still.FrameIncrementPointer
    objects = [
        echo_cine(study, series, 1),
        echo_cine(study, series, 2),
        still,
        echo_cine(study, series, 4, SequenceOfUltrasoundRegions=[spectrum]),
        echo_cine(
            study, uid.generate_uid(), 1, 1, SeriesNumber=9, Modality="CT", SOPClassUID=uid.CTImageStorage
        ),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    return study, [save(one, folder / f"{number}.dcm") for number, one in enumerate(objects)]
