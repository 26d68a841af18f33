"""The findings of the data check, in numbers and sentences, and whether to start training."""

from __future__ import annotations

from dataclasses import dataclass

FEW_CLIPS = 100
BLIND, WEAK = 0.6, 0.72


@dataclass(frozen=True)
class Side:
    """One domain: its clips and patients, the frames kept of each clip and their side in pixels (all 0 for simulated
    clips), and grey levels inside the sector."""

    clips: int
    patients: int
    frames: int
    pixels: int
    mean_grey: float
    sd_grey: float

    def text(self) -> str:
        """A line to read."""
        data = "simulated"
        if self.patients:
            data = f"{self.clips} clips of {self.patients} patients, {self.frames} frames each, {self.pixels} pixels"
        return f"{data}, grey {self.mean_grey:.0f} +- {self.sd_grey:.0f}"


@dataclass(frozen=True)
class DataCheck:
    """What the data check found.

    separability     share of frames that a discriminator classifies correctly after a few hundred steps, 0.5 to 1
    unseen           whether these frames were of patients, or hearts, that it had not learnt from
    duplicates       clips of the low side, or made poor, that are on the high side too, of any split
    shared_patients  patients who are on both sides; None if the folders cannot be compared
    size             pixels of the frames that will be trained on
    seconds_per_step, hours   of training, measured here
    """

    low: Side
    high: Side
    separability: float
    unseen: bool
    duplicates: int
    shared_patients: int | None
    size: int
    seconds_per_step: float
    hours: float
    advice: tuple[str, ...]
    worth_starting: bool

    def text(self) -> str:
        """A few lines to read."""
        kind = "unseen frames" if self.unseen else "frames, of clips that it had partly learnt from,"
        return (
            f"low : {self.low.text()}\nhigh: {self.high.text()}\n"
            f"A discriminator classified {self.separability:.0%} of {kind} correctly.\n"
            f"{self.seconds_per_step:.2f} s per step: about {self.hours:.1f} h in all.\n"
            + "\n".join(self.advice)
        )


def advise(found: DataCheck) -> tuple[tuple[str, ...], bool]:
    """Sentences, the last of which says whether to start; and whether it is worth starting."""
    advice = []
    for name, side in (("low", found.low), ("high", found.high)):
        if 0 < side.clips < FEW_CLIPS:
            advice.append(f"{side.clips} {name} clips are few: the network may memorise these hearts.")
        if 0 < side.pixels < found.size:
            advice.append(
                f"The {name} frames have {side.pixels} pixels and would be enlarged to --size {found.size}: curate "
                f"them with that --size, or train with --size {side.pixels}."
            )
    if found.duplicates:
        advice.append(f"{found.duplicates} clips are on both sides: remove them from one.")
    if found.shared_patients is None:
        advice.append(
            "Whether patients are on both sides is unknown: the folders were curated with different salts "
            "(--salt)."
        )
    elif found.shared_patients:
        advice.append(
            f"{found.shared_patients} patients are on both sides; that is allowed, but their clips are nearly pairs."
        )
    if not found.unseen:
        advice.append(
            "One side has no patients kept for validation (val), so the discriminator knew some of these clips: true "
            "separability is lower. Add patients, or curate with other --shares."
        )
    if found.separability < BLIND:
        advice.append(
            "Not worth starting: a discriminator can hardly tell the two sides apart, so a generator would learn to "
            "change nothing. Take clearly poor against very good clips, or add --semireal."
        )
    elif found.separability < WEAK:
        advice.append(
            "Worth a long run only: the difference is faint. Clearer extremes, --semireal, or a first phase at half "
            "size (--half-size-steps) would help."
        )
    elif not found.unseen:
        advice.append(
            "Perhaps worth starting: the difference is clear on clips that the discriminator has learnt from."
        )
    else:
        advice.append("Worth starting: the difference is clear.")
    return tuple(advice), found.separability >= BLIND
