"""The calibration of a checkpoint: the thresholds from which a pixel is flagged, and what they promise.

amber   misses at most `alpha_miss` of what the network removed or invented, on average over clips like those of the
        calibration
red     flags at most `alpha_flag` of what is faithful, on average over them

It lies beside the weights as trust.json, and names the hash of the weights that it was made for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from echogan.core.atomic import replace_files
from echogan.core.errors import InvalidCheckpoint

TRUST_FILE = "trust.json"
LARGEST = 1_000_000  # bytes of the file
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
    reference     name of a number of the trust card -> its values on faithful clips, sorted
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
    reference: dict[str, list[float]] = field(default_factory=dict)


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Write trust.json into a checkpoint folder, whole or not at all. Raises OSError."""
    text = json.dumps({"format": FORMAT, **asdict(calibration)}, indent=2, sort_keys=True) + "\n"
    replace_files({folder / TRUST_FILE: text.encode()})


def read_calibration(folder: Path, generator: str, fusion: str) -> Calibration | None:
    """The calibration in a checkpoint folder; None where there is none.

    generator, fusion   sha256 of the weights that are loaded, and of the fusion that is used
    Raises InvalidCheckpoint for a file that cannot be read, or that was made for other weights.
    """
    path = folder / TRUST_FILE
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        found = _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidCheckpoint(
            f"{TRUST_FILE} of {folder.name} cannot be used ({error}); {_remedy(folder)}."
        ) from None
    if found.generator != generator:
        raise InvalidCheckpoint(f"{TRUST_FILE} of {folder.name} belongs to other weights; {_remedy(folder)}.")
    return found if found.fusion == fusion else None


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
