"""What is hidden over the tissue, on one sheet: for whoever makes a study, to see where tissue was taken for text.

The sheet shows what lies under the masks, which may be a name. It stays in the study's folder, as the linkage does.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from echogan.clips.clip import grey
from echogan.study.media.pairing import Pair

TILE, CAPTION, COLUMNS, MOST = 220, 20, 6, 120  # pixels, tiles of a row, tiles of a sheet
RED = np.array((255, 70, 60))


def hidden(pair: Pair) -> int:
    """How many pixels over the tissue are hidden, since text was found there."""
    return int(pair.sector.overlay_mask.sum())


def mask_sheet(pairs: Sequence[Pair], names: Sequence[str]) -> bytes:
    """A PNG with the sector of each original under its name, what is hidden in it in red; those with most of it first.

    The first MOST clips alone.
    """
    order = sorted(range(len(pairs)), key=lambda i: -hidden(pairs[i]))[:MOST]
    rows = math.ceil(len(order) / COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + CAPTION)))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, i in enumerate(order):
        left, top = place % COLUMNS * TILE, place // COLUMNS * (TILE + CAPTION)
        words = f"{names[i]}: {hidden(pairs[i])} pixels hidden" if hidden(pairs[i]) else names[i]
        draw.text((left + 4, top + 2), words, fill=(220, 220, 220), font=font)
        tile = Image.fromarray(_tile(pairs[i]))
        tile.thumbnail((TILE - 6, TILE - 6))
        sheet.paste(tile, (left + 3, top + CAPTION))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _tile(pair: Pair) -> np.ndarray:
    """The sector of the middle frame, uint8 (H, W, 3): hidden places in red, black outside."""
    frame = grey(pair.original.sample(1))[0].astype(float)
    top, left, bottom, right = pair.sector.box
    shown = np.where(pair.sector.mask, frame, 0.0)[..., None] * np.ones(3)
    over = pair.sector.overlay_mask
    shown[over] = 0.5 * shown[over] + 0.5 * RED
    return shown[top:bottom, left:right].astype(np.uint8)
