"""The picture docs/phantom.png: one simulated clip per view, clean and degraded, with labels and support.

python -m eval phantom_picture
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch

from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.lesions import LESIONS, LesionKind
from echogan.phantom.render import Phantom
from echogan.phantom_files.contact_sheet import Sheet
from eval.command import begin
from eval.paths import DOCS

FRAMES = 12


@dataclass(frozen=True)
class PhantomPictureSettings:
    """Which clips are shown, and where the picture goes."""

    seeds: tuple[int, ...] = field(
        default=(8, 4, 6, 6, 1), metadata={"help": "seed of the clip of each view"}
    )
    lesions: tuple[LesionKind | None, ...] = field(
        default=(None, LESIONS[0], LESIONS[1], None, LESIONS[3]),
        metadata={"help": "lesion of the clip of each view, or None"},
    )
    out: Path = DOCS / "phantom.png"


def main(settings: PhantomPictureSettings) -> None:
    """Draw one row per view."""
    torch.set_num_threads(1)
    sheet = Sheet()
    for view, seed, lesion in zip(VIEWS, settings.seeds, settings.lesions, strict=True):
        clip = Phantom(view, seed, frames=FRAMES, lesion=lesion).render(
            want=("clean", "degraded", "labels", "support")
        )
        sheet.add(clip, lesion or "")
    sheet.write(settings.out)


if __name__ == "__main__":
    begin(main, PhantomPictureSettings)
