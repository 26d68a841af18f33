"""How a clip is written: identity, blackout, compression. The blackout itself is here too, shared by all writers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.core.notice import MARK
from echogan.core.settings import check_settings, number, switch, text


@dataclass(frozen=True)
class Enhancement:
    """What made the frames that are written: every output says so in its metadata.

    model, sha256   name of the checkpoint and the hash of its weights
    strength        share of the change that was applied, 0 to 1
    version         of this software
    kept            whether the original was kept where the result is flagged
    """

    model: str
    sha256: str
    strength: float
    version: str
    kept: bool = False

    @property
    def applied(self) -> str:
        """How much of the change was applied, and where not."""
        kept = ", original kept where flagged" if self.kept else ""
        return f"strength {self.strength:g}{kept}"

    @property
    def sentence(self) -> str:
        """What was done, in short."""
        return (
            f"Enhanced by EchoGANhance {self.version}, model {self.model} {self.sha256[:12]}, {self.applied}."
        )

    @property
    def comment(self) -> str:
        """One line for a comment in a file's metadata."""
        return (
            f"{MARK}. Research only. Model {self.model}, SHA-256 {self.sha256}, {self.applied}, "
            f"EchoGANhance {self.version}."
        )


@dataclass(frozen=True)
class WriteOptions:
    """What a writer keeps and how it encodes."""

    keep_identity: bool = switch(False, "DICOM: keep the patient's tags and the pixels outside the sector")
    blackout: bool = switch(
        False, "black outside the tissue, in every format (DICOM anyway unless identity is kept)"
    )
    mark: bool = switch(
        True,
        f"draw '{MARK}' beside the sector of enhanced .mp4, .webm, .gif and .png; their metadata have it anyway",
    )
    strip: bool = switch(False, "where no corner is free for the mark, add a strip for it below the picture")
    crf: int = number(10, "H.264 quality, lower is better and larger", 0, 51)
    description: str = text("", "what was done, with which model; for the DICOM Derivation Description")
    software_version: str = text("", "version of this software, as 0.1.0")
    enhancement: Enhancement | None = None
    """What made the frames; None where no network did, and then there is no mark."""
    fps: float | None = number(None, "frames per second; else the clip's own", 0.1, 1000)

    def check(self) -> None:
        """Raise SettingsError, naming the option and its range, unless every value can be used."""
        check_settings(self)


def black_outside(frame: np.ndarray, tissue_mask: np.ndarray) -> np.ndarray:
    """A copy of the frame, uint8 (H, W) or (H, W, 3), zero where `tissue_mask`, bool (H, W), is False."""
    assert frame.shape[:2] == tissue_mask.shape
    return np.where(tissue_mask if frame.ndim == 2 else tissue_mask[..., None], frame, np.uint8(0))
