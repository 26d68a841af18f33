"""Names of exported files: telling, without the patient's identity, and good for every file system."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.identity_values import identity_values
from echogan.core.errors import ClipError

LONGEST_STEM, LONGEST_MODEL = 80, 48  # bytes in UTF-8; file systems take 255 for a whole name
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)  # on Windows
DOUBLE = (".nii.gz",)


def export_stem(clip: ClipFile, name: str, number: int = 1, blackout: bool = False) -> str:
    """What the names of a clip's exports begin with: the clip's own name, or "clip_" and `number`.

    name       of the file as the user knows it; folders before it are left out
    blackout   whether the exports are to be free of identity

    The own name is used only if it holds no part of what the DICOM header says of patient, examination and place. With
    `blackout` a name that cannot be checked is not used either: that of a file other than DICOM, or of a DICOM whose
    header names nobody.
    """
    neutral = f"clip_{number}"
    stem = _stem(name)
    if clip.kind != "dicom":
        return neutral if blackout else safe_name(stem) or neutral
    try:
        identity = identity_values(clip.path)
    except ClipError:
        return neutral
    if identity.within(stem) or (blackout and not identity.named):
        return neutral
    return safe_name(stem) or neutral


def export_name(stem: str, what: str, model: str, suffix: str) -> str:
    """The name of a file, as `stem`_enhanced_`model`.mp4; `suffix` begins with a dot."""
    return f"{stem}_{what}_{safe_name(model, LONGEST_MODEL) or 'model'}{suffix}"


def safe_name(text: str, longest: int = LONGEST_STEM) -> str:
    """The text as part of a file's name: letters and digits of every script, - and _; "" where none is left.

    At most `longest` bytes in UTF-8, composed (NFC), and no name that Windows keeps for devices.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(c if _is_kept(c) else "_" for c in composed)
    trimmed = re.sub(r"_+", "_", kept).strip("_-")
    cut = trimmed.encode()[:longest].decode(errors="ignore").rstrip("_-")
    return f"clip_{cut}"[:longest] if RESERVED.fullmatch(cut) else cut


def _is_kept(character: str) -> bool:
    return character in "-_" or unicodedata.category(character)[0] in "LNM"


def _stem(name: str) -> str:
    """The last part of a path of any system, without its suffix; the digits at the end of a UID are none."""
    last = re.split(r"[/\\]", name)[-1]
    for double in DOUBLE:
        if last.lower().endswith(double):
            return last[: -len(double)]
    path = Path(last)
    return last if path.suffix[1:].isdigit() else path.stem
