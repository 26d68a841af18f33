"""How a clip is written: identity, blackout, compression. The blackout itself is here too, shared by all writers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class WriteOptions:
    """What a writer keeps and how it encodes."""

    keep_identity: bool = field(
        default=False,
        metadata={"help": "DICOM: keep the patient's tags and the pixels outside the sector"},
    )
    blackout: bool = field(
        default=False,
        metadata={"help": "black outside the tissue, in every format (DICOM anyway unless identity is kept)"},
    )
    crf: int = field(
        default=10, metadata={"help": "H.264 quality, lower is better and larger", "min": 0, "max": 51}
    )
    description: str = field(
        default="", metadata={"help": "what was done, with which model; for the DICOM Derivation Description"}
    )
    software_version: str = field(default="", metadata={"help": "version of this software, as 0.1.0"})
    fps: float | None = field(
        default=None,
        metadata={"help": "frames per second; else the clip's own", "min": 0.1, "max": 1000},
    )


def black_outside(frame: np.ndarray, tissue_mask: np.ndarray) -> np.ndarray:
    """A copy of the frame, uint8 (H, W) or (H, W, 3), zero where `tissue_mask`, bool (H, W), is False."""
    assert frame.shape[:2] == tissue_mask.shape
    return np.where(tissue_mask if frame.ndim == 2 else tissue_mask[..., None], frame, np.uint8(0))
