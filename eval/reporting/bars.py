"""The values that the measured results must reach, with what each of them means.

`python -m eval tables --check` fails where a result misses its bar, so that no later change undoes what was reached.
"""

from __future__ import annotations

import json
import operator
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from echogan.model.checkpoints.checkpoint import DEFAULT
from eval.hallucination.ladder import INVENTING
from eval.measures.classical import FILTERS
from eval.paths import RESULTS

DIRECTIONS = {"at least": operator.ge, "above": operator.gt, "at most": operator.le}


def greatest_size(values: Sequence[float]) -> float:
    """The greatest absolute value."""
    return max(map(abs, values))


@dataclass(frozen=True)
class Bar:
    """One bar.

    meaning    a sentence that says what the bar asks for
    result     name of the file in eval/results, without .json
    path       keys to the value, divided by "/"; "*" is every entry that has the rest of the path
    limit      the bar itself; `direction` says on which side of it the value must be
    summary    of the values at the path: by default the worst one
    """

    meaning: str
    result: str
    path: str
    direction: Literal["at least", "above", "at most"]
    limit: float
    summary: Callable[[Sequence[float]], float] | None = None

    def value(self) -> float | None:
        """The measured value; None where there is no such result, or nothing at the path."""
        source = RESULTS / f"{self.result}.json"
        result = json.loads(source.read_text()) if source.is_file() else {}
        values = list(values_at(result, self.path.split("/")))
        worst = max if self.direction == "at most" else min
        return (self.summary or worst)(values) if values else None

    def missed(self) -> str | None:
        """A sentence where the result misses the bar, else None."""
        value = self.value()
        if value is not None and DIRECTIONS[self.direction](value, self.limit):
            return None
        shown = "not measured" if value is None else f"{value:.4g}"
        return (
            f"{self.result}.json: {self.meaning} It must be {self.direction} {self.limit:g}, and is {shown}."
        )


MEAN_HAZE = f"means/{DEFAULT}/found"
EACH_HAZE = f"clips/*/rows/{DEFAULT}/found"
BOTH_VIEWS = "sets/both views"
GAIN = f"{DEFAULT}/gain"
HELD_OUT = {"erased": "erasing-atrial-wall", "invented": "inventing-at-atrial-wall"}
HOW_WELL = (
    ("auroc", "told from the rest (AUROC)", 0.95),
    ("found_at_5%", "found where 5 % are flagged (share of regions)", 0.9),
)  # measure, in words, limit


def held_out(wrong: str, measure: str, told: str, limit: float) -> Bar:
    """How well the fusion sees what a network did that it was not fitted on."""
    return Bar(
        f"What is {wrong} by a network that the fusion was not fitted on is {told}.",
        "hallucination", f"faulty/{HELD_OUT[wrong]}/diagnostics/fused/{wrong}/{measure}/mean", "at least", limit,
    )  # fmt: skip


BARS = (
    Bar("The sector is found in every real clip (IoU).", "fans", "real/*/iou", "at least", 0.93),
    Bar("The sector is found well in the real clips (median IoU).",
        "fans", "real/*/iou", "at least", 0.96, statistics.median),
    Bar("The sector is found well in simulated hard fans (median IoU).",
        "fans", "simulated/iou_median", "at least", 0.97),
    Bar("The page seldom asks to check a sector that is right (share).",
        "fans", "simulated/asks_elsewhere", "at most", 0.1),
    Bar("ECG traces over the sector are found (number missed, of about 100).",
        "fans", "simulated/traces_missed", "at most", 10),
    Bar("Hazy cavity and wall are separated (mean gCNR).", "haze", f"{MEAN_HAZE}/gcnr", "at least", 0.83),
    Bar("The wall keeps its level in every hazy clip (change in dB).",
        "haze", f"{EACH_HAZE}/wall_db", "at most", 1.5, greatest_size),
    Bar("The wall keeps its structure in every hazy clip (SSIM).", "haze", f"{EACH_HAZE}/structure", "at least", 0.9),
    Bar("No hazy clip flickers more than its input (ratio).", "haze", f"{EACH_HAZE}/flicker", "at most", 1.0),
    *(
        Bar(f"On simulated clips {metric} is higher than after {name} (lower end of the paired interval).",
            "image_quality", f"gain/{name}/{metric}/low", "above", 0.0)
        for name in FILTERS for metric in ("ssim", "tone_matched_psnr_db")
    ),
    Bar("Poor stills gain border contrast (lower end of the interval).",
        "segmentation", f"{BOTH_VIEWS} Poor/{GAIN}/border_contrast/low", "above", 0.0),
    Bar("Poor stills gain P(good) (lower end of the interval).",
        "segmentation", f"{BOTH_VIEWS} Poor/{GAIN}/p_good/low", "above", 0.0),
    Bar("Poor stills lose no Dice (mean gain).",
        "segmentation", f"{BOTH_VIEWS} Poor/{GAIN}/dice/mean", "at least", 0.0),
    Bar("Poor stills lose less than a point of Dice (lower end of the interval).",
        "segmentation", f"{BOTH_VIEWS} Poor/{GAIN}/dice/low", "above", -0.01),
    Bar("Good stills lose hardly any Dice (mean gain).",
        "segmentation", f"{BOTH_VIEWS} Good/{GAIN}/dice/mean", "at least", -0.003),
    Bar("Degraded stills of real hearts gain Dice (mean gain).",
        "segmentation", f"{BOTH_VIEWS} semi-real/{GAIN}/dice/mean", "at least", 0.04),
    Bar("A segmenter trained and tested on enhanced stills loses hardly any Dice on Poor ones (mean gain).",
        "retrained_segmenter", f"sets/Poor/{GAIN}/dice/mean", "at least", -0.005),
    Bar("Where signal survives, as much is gained in SSIM as by the oracle (share of its gain).",
        "image_quality", "share_of_oracle/enhanced/supported_ssim/mean", "at least", 1.0),
    Bar("Where signal survives, as much is gained in tone-matched PSNR as by the oracle (share of its gain).",
        "image_quality", "share_of_oracle/enhanced/supported_tone_matched_psnr_db/mean", "at least", 1.0),
    Bar("Visible lesions are not erased (share).", "lesions", f"rows/{DEFAULT}/erased/mean", "at most", 0.05),
    Bar("No lesions are invented (share of clips).", "lesions", f"rows/{DEFAULT}/invented/mean", "at most", 0.01),
    *(held_out(wrong, *how) for wrong in HELD_OUT for how in HOW_WELL),
    Bar("On fresh clips amber misses as little as promised (share of known errors).",
        "hallucination", "calibration/fresh/missed_at_amber/mean", "at most", 0.13),
    Bar("On fresh clips red flags as little as promised (share of what is faithful).",
        "hallucination", "calibration/fresh/flagged_at_red/mean", "at most", 0.015),
    *(
        Bar(f"Discs, {change}, are flagged (share, all clips).",
            "hallucination", f"calibration/discs/*/{change}/flagged/mean", "at least", 0.9, statistics.fmean)
        for change in ("painted, static", "painted, moving", "wall removed")
    ),
    Bar("Discs that are truly there are not flagged (share, all clips).",
        "hallucination", "calibration/discs/*/truly there/flagged/mean", "at most", 0.1, statistics.fmean),
    Bar("A disc changes the map little elsewhere (share of the sector flagged, worst clip).",
        "hallucination", "calibration/discs/*/*/elsewhere/mean", "at most", 0.01, greatest_size),
    *(
        Bar(f"What unpaired networks of the ladder invented at 256 px is {told}.",
            "ladder", f"rows/{INVENTING}/diagnostics/fused/invented/{measure}/mean", "at least", limit)
        for measure, told, limit in HOW_WELL
    ),
    *(
        Bar(f"Walls that the result does not show are told from other tissue, {where} (AUROC).",
            "hidden_walls", f"sets/{name}/cleared/hidden walls/auroc/mean", "at least", limit)
        for name, where, limit in (("simulated", "in simulated clips", 0.9), ("Poor stills", "in Poor stills", 0.85))
    ),
    Bar("The generator is much faster than the reference ResNet-9 on a CPU (ratio of frames per second).",
        "speed", "cpu/ratio", "at least", 20),
    Bar("The same with ONNX Runtime, which runs both.", "speed", "backends/onnx/ratio", "at least", 20),
    Bar("The same in CPU time, which other work slows less (CPU-ms a frame).",
        "speed", "backends/onnx/ours_cpu_ms", "at most", 33.4),
    Bar("The trust card adds little to the rest in fast mode, with torch (share of CPU time).",
        "speed", "trust_cpu/fast/share", "at most", 0.3),
    Bar("With ONNX Runtime one core makes 30 frames of 256 x 256 a second.",
        "speed", "backends/onnx/ours_fps", "at least", 30),
    Bar("A cine becomes MP4, report and arrays as fast as it plays (frames/s after the first batch).",
        "speed", "enhance_cpu/after_first_frames_per_s", "at least", 30),
    Bar("The page shows the first enhanced frames of a cine within 3 s.",
        "speed", "page_cpu/first_s", "at most", 3.0),
    Bar("Memory does not grow with the length of a clip (ratio of peaks).", "memory", "worst_ratio", "at most", 1.2),
)  # fmt: skip
NOT_REACHED = (
    Bar("Few simulated hard fans are found badly (5th percentile of IoU).",
        "fans", "simulated/iou_percentile_5", "at least", 0.9),
    Bar("The page asks to check a sector that is wrong (share).",
        "fans", "simulated/asks_where_below", "at least", 0.9),
)  # fmt: skip
"""What was asked too and is not reached; one that a later network reaches moves up to BARS."""


def missed_bars() -> list[str]:
    """A sentence for each bar that its result misses."""
    return [sentence for bar in BARS if (sentence := bar.missed())]


def values_at(result: Any, path: Sequence[str]) -> Iterator[float]:
    """The values at a path of keys, where "*" is every entry that has the rest of the path."""
    if not path:
        yield float(result)
        return
    key, *rest = path
    if key == "*":
        for entry in result.values():
            yield from values_at(entry, rest)
    elif key in result:
        yield from values_at(result[key], rest)
