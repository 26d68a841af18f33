"""The calibration of a checkpoint: the thresholds from which a pixel is flagged, and what they promise.

amber   misses at most `alpha_miss` of what the network removed or invented, on average over clips like those of the
        calibration
red     flags at most `alpha_flag` of what is faithful, on average over them

It lies beside the weights as trust.json, and names the hash of the weights that it was made for; trust.safetensors
beside it has the numbers that a trust card is compared with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load, save

from echogan.core.atomic import replace_files
from echogan.core.errors import InvalidCheckpoint

TRUST_FILE, REFERENCE_FILE = "trust.json", "trust.safetensors"
LARGEST = {TRUST_FILE: 1_000_000, REFERENCE_FILE: 16_000_000}  # bytes
ALPHA_MISS, ALPHA_FLAG = 0.10, 0.01
FORMAT = 1


@dataclass(frozen=True)
class Calibration:
    """Thresholds of one checkpoint.

    generator     sha256 of the weights that it belongs to
    fusion        sha256 of the fusion's weights
    amber, red    probabilities from which a pixel is flagged, 0 < amber <= red <= 1
    clips         how many clips the thresholds come from: with known errors, and faithful ones
    phantom       version of the phantom that the clips come from
    errors        what the known errors were, in words
    date          YYYY-MM-DD
    gain, haze_gain, caution, dark_level, keep_walls   what the checkpoint applied; gain is None where it was not noted
    reference     sha256 of trust.safetensors
    """

    generator: str
    fusion: str
    amber: float
    red: float
    clips: dict[str, int]
    phantom: str
    errors: str
    date: str
    alpha_miss: float = ALPHA_MISS
    alpha_flag: float = ALPHA_FLAG
    reference: str = ""
    gain: float | None = None
    caution: float = 0.0
    dark_level: float = 0.0
    keep_walls: float = 0.0
    haze_gain: float = 0.0


def write_calibration(folder: Path, calibration: Calibration, reference: Mapping[str, np.ndarray]) -> None:
    """Write trust.json and trust.safetensors into a checkpoint folder, both or neither. Raises OSError."""
    data = save({name: np.ascontiguousarray(array) for name, array in reference.items()})
    named = replace(calibration, reference=hashlib.sha256(data).hexdigest())
    text = json.dumps({"format": FORMAT, **asdict(named)}, indent=2, sort_keys=True) + "\n"
    replace_files({folder / REFERENCE_FILE: data, folder / TRUST_FILE: text.encode()})


def read_calibration(
    folder: Path, generator: str, fusion: str, applied: Mapping[str, float]
) -> Calibration | None:
    """The calibration in a checkpoint folder; None where there is none.

    generator, fusion   sha256 of the weights that are loaded, and of the fusion that is used
    applied             of the checkpoint's config: gains, caution, dark level and share of walls kept, by name
    Raises InvalidCheckpoint for a file that cannot be read, or that was made for other weights, or where
    something else was applied.
    """
    path = folder / TRUST_FILE
    if not path.is_file():
        return None
    try:
        found = _parsed(json.loads(_content(path).decode()))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unusable(path, str(error)) from None
    if found.generator != generator:
        raise InvalidCheckpoint(f"{TRUST_FILE} of {folder.name} belongs to other weights; {_remedy(folder)}.")
    if any(getattr(found, name) not in (None, value) for name, value in applied.items()):
        raise InvalidCheckpoint(
            f"{TRUST_FILE} of {folder.name} was made for another gain, haze gain, caution, dark level or share "
            f"of walls kept; {_remedy(folder)}."
        )
    return found if found.fusion == fusion else None


def read_reference(folder: Path, calibration: Calibration) -> dict[str, np.ndarray]:
    """The arrays of trust.safetensors that belong to a calibration. Raises InvalidCheckpoint."""
    path = folder / REFERENCE_FILE
    try:
        data = _content(path)
        if hashlib.sha256(data).hexdigest() != calibration.reference:
            raise ValueError(f"it does not belong to {TRUST_FILE}")
        return load(data)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise _unusable(path, str(error)) from None


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST[path.name]:
        raise ValueError("it is too large")
    return path.read_bytes()


def _unusable(path: Path, why: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"{path.name} of {path.parent.name} cannot be used ({why}); {_remedy(path.parent)}."
    )


def _parsed(values: Any) -> Calibration:
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise ValueError("another version of the program wrote it")
    found = Calibration(**values)
    for number in (found.amber, found.red, found.alpha_miss, found.alpha_flag):
        if not isinstance(number, float) or not 0 <= number <= 1:
            raise ValueError("a threshold lies outside 0 to 1")
    if found.amber > found.red:
        raise ValueError("amber lies above red")
    return found


def _remedy(folder: Path) -> str:
    return f"make it again with python -m echogan calibrate {folder.name}, or remove the file"
