"""The findings of the trust card in words."""

from __future__ import annotations

from dataclasses import replace

from echogan.trust.calibration import Calibration
from echogan.trust.card.card import Finding, Guarantee, Mode, TrustCard
from echogan.trust.card.reference import Reference
from echogan.trust.card.sums import CardNumbers, CardPicture
from echogan.trust.maps.anatomy import AnatomyShift
from echogan.trust.regions import Region

UNLIKE = 0.05  # p-value below which a clip is said to look unlike the reference
COMMAND = "python -m echogan calibrate CHECKPOINT"
NO_CALIBRATION = f"This checkpoint has no calibration. To make one: {COMMAND}"
NO_REFERENCE = (
    "There are no reference clips to compare with; they come with the calibration of the checkpoint."
)


def make_card(
    numbers: CardNumbers,
    picture: CardPicture,
    mode: Mode,
    model: tuple[str, str],
    calibration: Calibration | None = None,
    reference: Reference | None = None,
    pixel_mm2: float | None = None,
) -> TrustCard:
    """The card of a clip.

    model        name and sha256 of the checkpoint
    calibration  of the checkpoint; without one nothing is flagged
    reference    the same numbers of simulated clips
    pixel_mm2    area of a pixel of the working space; None where the clip does not tell
    """
    calibrated = calibration is not None and numbers.removed is not None
    found = [
        _novelty(numbers, reference),
        *_flagged(numbers, calibrated),
        _shadow(numbers),
        *_hidden_walls(numbers),
        _largest(numbers, calibrated, pixel_mm2),
        *_anatomy(numbers.anatomy),
        _flicker(numbers),
        _hidden(numbers),
        *(_full(numbers) if mode == "full" else ()),
    ]
    if reference is not None:
        found = [_compared(one, reference) for one in found]
    shown = f"Frame {picture.frame + 1} of {numbers.frames}: original, enhanced, and " + (
        "what is flagged as removed (blue) and added (red)"
        if picture.flagged
        else "the tone-matched residual, removed (blue) and added (red)"
    )
    shown += "; the box is the largest flagged region." if picture.box else "."
    return TrustCard(*model, mode, numbers.frames, tuple(found), guarantee(calibration), shown)


def guarantee(calibration: Calibration | None) -> Guarantee:
    """What a calibration, or none, promises."""
    always = (
        "A place that is not flagged may still be wrong. Compare with the original.",
        "Where the input shows nothing, in shadow or under haze, nothing that is painted can be held against it.",
    )
    if calibration is None:
        return Guarantee((NO_CALIBRATION,), ("Nothing is promised for this result.", *always))
    c = calibration
    covers = (
        f"Calibrated on {c.clips['faithful']} simulated clips (phantom {c.phantom}) on {c.date}, for the weights "
        f"{c.generator[:12]}.",
        f"On average over such clips, amber (from {c.amber:.3f}) misses at most {100 * c.alpha_miss:.0f} % of the "
        "pixels that were wrongly removed or added.",
        f"On average over such clips, red (from {c.red:.3f}) flags at most {100 * c.alpha_flag:.0f} % of the area "
        "that is faithful.",
    )
    does_not = (
        "The averages are over many clips: they say nothing of this one alone.",
        "They hold for simulated clips of that kind. Other probes, views, vendors and lesions can be worse.",
        "They hold for these weights at full strength.",
        *always,
    )
    return Guarantee(covers, does_not)


def _novelty(numbers: CardNumbers, reference: Reference | None) -> Finding:
    label = "Likeness to the simulated clips"
    p = None
    if reference is not None and numbers.features is not None:
        p = reference.p_value(numbers.features)
    if p is None:
        return Finding("novelty", label, None, "", NO_REFERENCE)
    said = (
        "This clip looks unlike the simulated clips, so that the other numbers tell less of it."
        if p < UNLIKE
        else "This clip does not stand out from the simulated clips. A lesion would hardly show in this number."
    )
    return Finding("novelty", label, p, f"p = {p:.3f}", said)


def _flagged(numbers: CardNumbers, calibrated: bool) -> list[Finding]:
    shares = (
        ("removed", "Removed", numbers.removed, "Share of the sector flagged as removed (amber)."),
        ("added", "Added", numbers.added, "Share of the sector flagged as added (amber)."),
        ("red", "Flagged red", numbers.red, "Share of the sector over the red threshold, removed or added."),
    )
    if not calibrated:
        return [Finding(name, label, None, "", NO_CALIBRATION) for name, label, _, _ in shares]
    return [_percent(name, label, share or 0.0, said) for name, label, share, said in shares]


def _shadow(numbers: CardNumbers) -> Finding:
    said = (
        "Share of the sector in which the input is dark to the end of the beam: what is shown there cannot be "
        "verified. Places hidden by haze come on top and are not counted."
    )
    return _percent("shadow", "Cannot be verified", numbers.shadow, said)


def _hidden_walls(numbers: CardNumbers) -> list[Finding]:
    if numbers.hidden_walls is None:
        return []
    said = (
        "Share of the sector in which a wall probably lies that the result does not show: hidden in the input by "
        "drop-out, shadow or haze, or cleared with the haze. Nothing there tells wall from cavity."
    )
    return [_percent("hidden_walls", "Hidden walls", numbers.hidden_walls, said)]


def _largest(numbers: CardNumbers, calibrated: bool, pixel_mm2: float | None) -> Finding:
    name, label = "largest_region", "Largest flagged region"
    if not calibrated:
        return Finding(name, label, None, "", NO_CALIBRATION)
    if not numbers.regions:
        return Finding(
            name, label, None, "", "No region is flagged. That is no proof: see what is not covered."
        )
    one = numbers.regions[0]
    said = describe_region(one, numbers.frames)
    if pixel_mm2 is None:  # nothing to compare pixels with
        return Finding(f"{name}_px", label, float(one.pixels), f"{one.pixels} px", said)
    area = one.pixels * pixel_mm2
    return Finding(name, label, area, f"{area:.0f} mm²", said)


def describe_region(region: Region, frames: int) -> str:
    """Kind, place, frames (counted from 1) and persistence of a region in words."""
    span = f"frame {region.first + 1}"
    if region.last > region.first:
        span = f"frames {region.first + 1} to {region.last + 1}"
    said = f"{region.kind.capitalize()}, {region.depth} field, {region.side} of the image; {span} of {frames}"
    lasting = {True: ", persistent", False: ", flickering", None: ""}[region.persistent]
    return f"{said}{lasting}; {'red' if region.red else 'amber'}."


def _anatomy(shift: AnatomyShift | None) -> list[Finding]:
    labels = {
        "lv_overlap": "Left ventricle, overlap",
        "lv_area": "Left ventricle, change of area",
        "ef": "Ejection fraction, change",
    }
    if shift is None:
        why = "The segmenter is not there, so the left ventricle was not looked for."
        return [Finding(name, label, None, "", why) for name, label in labels.items()]
    values = {"lv_overlap": shift.dice, "lv_area": shift.area_change, "ef": shift.ef_change}
    said = {
        "lv_overlap": "Dice of the segmenter's outline before and after; 1 is unchanged.",
        "lv_area": "Mean over the frames, by the segmenter.",
    }
    text = {}
    if shift.dice is not None and shift.area_change is not None:
        text = {"lv_overlap": f"{shift.dice:.3f}", "lv_area": f"{100 * shift.area_change:+.1f} %"}
    if shift.ef_before is not None and shift.ef_after is not None:
        text["ef"] = f"{100 * (shift.ef_after - shift.ef_before):+.1f} points"
        said["ef"] = (
            f"From {100 * shift.ef_before:.0f} % to {100 * shift.ef_after:.0f} %: one plane, area-length, by the "
            "segmenter. Only the change means something; neither number is a measurement."
        )
    why = {"lv_overlap": shift.why_no_area, "lv_area": shift.why_no_area, "ef": shift.why_no_ef}
    return [
        Finding(name, label, values[name], text.get(name, ""), why[name] or said[name])
        for name, label in labels.items()
    ]


def _flicker(numbers: CardNumbers) -> Finding:
    ratio = numbers.flicker_ratio
    if ratio is None:
        return Finding("flicker_ratio", "Flicker ratio", None, "", "Flicker needs three frames that differ.")
    said = "Change from frame to frame in the result over that in the input; 1 is as calm as the input."
    return Finding("flicker_ratio", "Flicker ratio", ratio, f"{ratio:.2f}", said)


def _hidden(numbers: CardNumbers) -> Finding:
    gap = numbers.hidden
    if gap is None:
        why = "The input has no bright spots to follow through the cycle."
        return Finding("hidden", "Hidden-information gap", None, "", why)
    said = (
        "Contrast of bright spots that the cycle restores beyond what the result shows; near 1 the network hides what "
        "it erases, and a low cycle error proves nothing."
    )
    return Finding("hidden", "Hidden-information gap", gap, f"{gap:+.2f}", said)


def _full(numbers: CardNumbers) -> list[Finding]:
    said = {
        "spread": "How far the result moves when the input is shifted, brightened or made noisier.",
        "idempotence": "How far the result moves when it is enhanced again.",
    }
    labels = {"spread": "Spread under small changes", "idempotence": "Change when enhanced twice"}
    return [
        Finding(name, labels[name], value, f"{255 * value:.2f} grey levels", said[name])
        for name, value in (("spread", numbers.spread), ("idempotence", numbers.idempotence))
        if value is not None
    ]


def _percent(name: str, label: str, share: float, sentence: str) -> Finding:
    return Finding(name, label, share, f"{100 * share:.1f} %", sentence)


def _compared(finding: Finding, reference: Reference) -> Finding:
    if finding.size is None or finding.name == "novelty":
        return finding
    return replace(finding, percentile=reference.percentile(finding.name, finding.size))
