"""The trust card: what a reader should know of one enhanced clip. Never a single score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from echogan.core.notice import IN_FULL

Mode = Literal["fast", "full"]
TITLE = "Trust card"
CHANGES = ("lv_area", "ef")
STRENGTH = "All numbers are of the result at full strength."


@dataclass(frozen=True)
class Finding:
    """One number of the card, as every form of it shows it.

    name         key of the reference
    label        what it is
    value        in the unit that `text` names; None where it cannot be given
    text         the value and its unit, "" without a value
    sentence     what it says, or why there is no value
    percentile   how many of 100 reference clips have a lower value; None where nothing is known
    """

    name: str
    label: str
    value: float | None
    text: str
    sentence: str
    percentile: float | None = None

    @property
    def size(self) -> float | None:
        """What is compared with a reference: of a change, how large it is either way."""
        return abs(self.value) if self.value is not None and self.name in CHANGES else self.value

    @property
    def compared(self) -> str:
        """The percentile in words; "" without a value, or where it says nothing."""
        if self.value is None or self.name == "novelty":  # a p-value is a comparison already
            return ""
        if self.percentile is None:
            return "no reference"
        return f"higher than in {self.percentile:.0f} of 100 simulated clips"


@dataclass(frozen=True)
class Guarantee:
    """What the calibration promises, and what it does not: a sentence each. Without one, `covers` says so."""

    covers: tuple[str, ...]
    does_not_cover: tuple[str, ...]


@dataclass(frozen=True)
class TrustCard:
    """The card of one clip.

    model, sha256   of the checkpoint that made the result
    mode            "full" has the findings that need more passes of the generator
    frames          of the clip
    findings        in the order in which they are shown
    picture         what the picture shows, in words
    """

    model: str
    sha256: str
    mode: Mode
    frames: int
    findings: tuple[Finding, ...]
    guarantee: Guarantee
    picture: str
    strength: str = STRENGTH
    notice: str = IN_FULL

    def finding(self, name: str) -> Finding:
        """The finding of that name. Raises KeyError."""
        return {one.name: one for one in self.findings}[name]

    @property
    def made_by(self) -> str:
        """Which weights, which mode, how many frames."""
        frames = "1 frame" if self.frames == 1 else f"{self.frames} frames"
        return f"{self.model} {self.sha256[:12]} · {frames} · {self.mode} mode"

    def to_dict(self) -> dict[str, Any]:
        """The card as plain dictionaries, lists, numbers and strings."""
        card = asdict(self)
        findings = [asdict(one) | {"compared": one.compared} for one in self.findings]
        guarantee = {name: list(said) for name, said in card["guarantee"].items()}
        return card | {"findings": findings, "guarantee": guarantee}

    @classmethod
    def from_dict(cls, card: Mapping[str, Any]) -> TrustCard:
        """What `to_dict` gave."""
        findings = ({k: v for k, v in one.items() if k != "compared"} for one in card["findings"])
        guarantee = {name: tuple(said) for name, said in card["guarantee"].items()}
        parts = {"findings": tuple(Finding(**one) for one in findings), "guarantee": Guarantee(**guarantee)}
        return cls(**(dict(card) | parts))
