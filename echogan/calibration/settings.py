"""How many clips a calibration takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from echogan.core.settings import check_settings

LEAST_CLIPS = 20  # of each kind: fewer faithful clips than 100 can promise nothing about 1 %


@dataclass(frozen=True)
class CalibrationSettings:
    """How many clips a calibration takes."""

    clips: int = field(
        default=40,
        metadata={"help": "simulated clips of each of five kinds of lesion", "min": LEAST_CLIPS, "max": 1000},
    )

    def check(self) -> None:
        """Raise SettingsError unless the number is within its range."""
        check_settings(self)
