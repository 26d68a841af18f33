"""Turn stored DICOM values into the uint8 that is shown: palette, modality LUT, VOI LUT or window, inversion.

Sources: DICOM PS3.3, C.7.6.3 (palette), C.11.1 (modality LUT), C.11.2 (VOI LUT); PS3.5, 8.1.1 (bits).
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi,
    convert_color_space,
)

from echogan.clips.dicom.facts import numbers
from echogan.clips.dicom.layout import Layout

OVERLAY_BIT = 0x60000102
CLIPPED = (
    "Some values are larger than the header's number of bits allows; they are shown as the largest value."
)
RANGE_FOUND = "The file does not say which grey values to show, so the range was taken from its values."
LUT_IGNORED = "The file's table of grey levels (VOI LUT) cannot be read, so it was not applied."

Table = np.ndarray


def display_table(
    header: Dataset, layout: Layout, samples: np.ndarray
) -> tuple[Table | None, tuple[str, ...]]:
    """What each stored value shows as, and what to tell the reader: uint8 (2**bits allocated,) grey or (.., 3) colour.

    None for RGB frames. `samples` are the stored values of some frames, from which is taken what the header lacks.
    """
    if layout.samples == 3:
        return None, ()
    raw = np.arange(2**layout.bits_allocated)
    if layout.photometric == "PALETTE COLOR":
        return _palette(raw, header, layout), ()
    stored, notes = _stored_values(raw, header, layout, samples)
    shown, more = _shown(stored, header, layout, stored[_unsigned(samples, len(raw))])
    table = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    return 255 - table if layout.photometric == "MONOCHROME1" else table, (*notes, *more)


def to_display(values: np.ndarray, layout: Layout, table: Table | None) -> np.ndarray:
    """Stored samples as shown: uint8 (H, W) by the table, or (H, W, 3) RGB."""
    if table is not None:
        return table[_unsigned(values, len(table))]
    if layout.photometric != "RGB":
        return convert_color_space(values, "YBR_FULL", "RGB")
    return np.ascontiguousarray(values, np.uint8)


def _unsigned(values: np.ndarray, size: int) -> np.ndarray:
    """Values as indices of a table of `size` entries, a power of two."""
    return values.astype(f"u{values.dtype.itemsize}") & (size - 1)


def _palette(raw: np.ndarray, header: Dataset, layout: Layout) -> Table:
    table = apply_color_lut(raw.astype(f"u{layout.bits_allocated // 8}"), header)
    # Some devices leave 8-bit colours in 16-bit entries.
    table = (table >> 8 if table.max() > 255 else table).astype(np.uint8)
    return table[:, 0].copy() if (table == table[:, :1]).all() else table


def _stored_values(
    raw: np.ndarray, header: Dataset, layout: Layout, samples: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The value that each raw entry stands for. Bits above Bits Stored are not part of it (PS3.5, 8.1.1).

    But where they differ from pixel to pixel and no overlay is kept there, values are too large, and are clipped.
    """
    top = 2**layout.bits_stored - 1
    if layout.signed:
        low = raw & top
        return np.where(low > top // 2, low - top - 1, low), ()
    above = _unsigned(samples, len(raw)) >> layout.bits_stored
    overlay = OVERLAY_BIT in header and any(numbers(header[OVERLAY_BIT].value))
    if overlay or above.min() == above.max() > 0:
        return raw & top, ()
    return np.minimum(raw, top), (CLIPPED,) if above.any() else ()


def _shown(
    stored: np.ndarray, header: Dataset, layout: Layout, found: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Each value as 0..1 by the VOI LUT, the first window, or a range; values outside 0..1 are to be clipped."""
    values, notes = _modality(stored, header)
    if header.get("VOILUTSequence"):
        try:
            depth = int(header.VOILUTSequence[0].LUTDescriptor[2])
            return apply_voi(np.rint(values).astype(np.int64), header) / (2**depth - 1), notes
        except Exception:  # pydicom raises whatever the damage leads to
            notes = (LUT_IGNORED,)
    centers, widths = numbers(header.get("WindowCenter")), numbers(header.get("WindowWidth"))
    if centers and widths and widths[0] >= 1:
        return _window(values, header, centers[0], widths[0]), notes
    ends = _modality(np.array(_range(header, layout, stored, found)), header)[0]
    guessed = layout.bits_stored > 8 and (ends.min() > values.min() or ends.max() < values.max())
    shown = (values - ends.min()) / max(float(ends.max() - ends.min()), 1e-6)
    return shown, (*notes, RANGE_FOUND) if guessed else notes


def _modality(stored: np.ndarray, header: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Stored values through the modality LUT, else rescaled."""
    if header.get("ModalityLUTSequence"):
        try:
            return apply_modality_lut(stored.astype(np.int64), header).astype(float), ()
        except Exception:  # pydicom raises whatever the damage leads to
            return stored.astype(float), (LUT_IGNORED,)
    slope = (numbers(header.get("RescaleSlope")) or [1.0])[0] or 1.0
    return stored * slope + (numbers(header.get("RescaleIntercept")) or [0.0])[0], ()


def _range(header: Dataset, layout: Layout, stored: np.ndarray, found: np.ndarray) -> tuple[int, int]:
    """The stored values shown as black and white where no window says so.

    Up to 8 bits all; above, as the header's smallest and largest value say if the `found` ones fit them, else the bits
    that the values found really use.
    """
    full = int(stored.min()), int(stored.max())
    least, most = int(found.min()), int(found.max())
    if layout.bits_stored <= 8 or least == most:
        return full
    low = int((numbers(header.get("SmallestImagePixelValue")) or [0])[0])
    high = int((numbers(header.get("LargestImagePixelValue")) or [0])[0])
    if low <= least and most <= high and most - low > (high - low) / 2:
        return low, high
    if least < 0:
        return least, most
    used = 2 ** most.bit_length() - 1
    return (0 if least <= used // 8 else least), used


def _window(values: np.ndarray, header: Dataset, center: float, width: float) -> np.ndarray:
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return (values - center) / width + 0.5
    return (values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5
