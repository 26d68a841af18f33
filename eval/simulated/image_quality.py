"""Image quality on simulated clips: PSNR, SSIM, gCNR and KID of each method against the clear truth.

    python -m eval image_quality [--model echogan] [--others echogan-camus runs/my-run/checkpoint]
                                 [--oracle runs/oracle/checkpoint] [--clips 200]

The clips are simulated. Their hearts were never trained on, nor used to choose a checkpoint. The truth is the same
heart through the best acoustic window (`phantom_pair`). The oracle is a network trained with the pairs; the table gives
each method's gain as a share of the oracle's. KID compares each method's frames with clear frames of other hearts
(`eval.measures.kid`). docs/results.md has the command that trains the reference CycleGAN; it is measured if its run is
there.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from echogan.core.errors import EchoGANError
from echogan.core.geometry import Sector
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.phantom.clip import Want
from echogan.phantom.render import phantom_pair
from eval.command import begin, write
from eval.measures.baselines import (
    NETWORKS,
    Method,
    enhancer_method,
    filter_method,
    open_enhancer,
    open_enhancers,
    untouched,
)
from eval.measures.classical import classical_filters
from eval.measures.kid import extractor
from eval.measures.provenance import provenance
from eval.measures.tone_curves import fit_tone_curves
from eval.paths import ORACLE, RESULTS
from eval.simulated.clip_quality import measure
from eval.simulated.quality_summary import kid_rows, network_facts, summarise

RESULT = RESULTS / "image_quality.json"
REFERENCE = Path("runs/reference-cyclegan/checkpoint")
WANTED: tuple[Want, ...] = ("clean", "degraded", "labels", "support")
LEAST_KID_CLIPS = 8  # KID takes every second clip on either side, and halves of those


@dataclass(frozen=True)
class ImageQualitySettings:
    """What is measured, and where the result goes."""

    model: str = field(default=DEFAULT, metadata={"help": "checkpoint to measure, by name or folder"})
    others: tuple[str, ...] = field(
        default=tuple(name for name in NETWORKS if name != DEFAULT),
        metadata={"help": "more checkpoints; each gets a row"},
    )
    reference: Path = field(
        default=REFERENCE, metadata={"help": "checkpoint of the reference CycleGAN; may be absent"}
    )
    oracle: Path | None = field(default=ORACLE, metadata={"help": "checkpoint trained with the pairs"})
    clips: int = field(default=200, metadata={"help": "number of held-out clips"})
    frames: int = field(default=1, metadata={"help": "frames of each clip"})
    kid: bool = field(
        default=True, metadata={"help": "measure KID; the feature extractor is trained if it is missing"}
    )
    classical: bool = field(default=True, metadata={"help": "measure the classical filters too"})
    tone_clips: int = field(
        default=40, metadata={"help": "training clips that the tone curves are fitted on"}
    )
    first_seed: int = field(default=1_500_000_000, metadata={"help": "seed of the first held-out clip"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: ImageQualitySettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    if settings.kid and settings.clips < LEAST_KID_CLIPS:
        raise EchoGANError(f"KID needs at least {LEAST_KID_CLIPS} clips: give more --clips, or --no-kid.")
    enhancer = open_enhancer(settings.model)
    oracle = settings.oracle and open_enhancer(str(settings.oracle))
    folders = [*settings.others, *([str(settings.reference)] if settings.reference.is_dir() else ())]
    others = open_enhancers(folders)
    methods = make_methods(settings, enhancer, oracle, others)
    features = extractor() if settings.kid else None
    rows = []
    for k in range(settings.clips):
        clip = phantom_pair(settings.first_seed + k, frames=settings.frames, want=WANTED)
        rows.append(measure(clip, methods, enhancer, features))
        if (k + 1) % 20 == 0:
            print(f"{k + 1} of {settings.clips} clips", flush=True)
    paths = ("out", "oracle", "others", "reference")
    used = {name: value for name, value in asdict(settings).items() if name not in paths}
    result = summarise(rows, enhancer, oracle, used)
    result["others"] = [network_facts(other) for other in others.values()]
    made_with = provenance([result["model"]], result["others"])
    result |= {name: made_with[name] for name in ("classical", "enhancing", "versions")}
    if features:
        result["kid"] = kid_rows(rows) | {
            "extractor": asdict(features.settings) | {"sha256": features.sha256}
        }
    print(json.dumps({k: result[k] for k in ("rows", "gain", "share_of_oracle", "change")}, indent=1))
    write(result, settings.out, settings, lambda result: [*result["rows"], *result.get("kid", ())])


def make_methods(
    settings: ImageQualitySettings, enhancer: Enhancer, oracle: Enhancer | None, others: dict[str, Enhancer]
) -> dict[str, Method]:
    """Every method of the table by name. The tone curves are fitted here."""
    methods: dict[str, Method] = {"input": untouched}
    for name, curve in fit_tone_curves(settings.tone_clips).items():
        methods[name] = tone_curve_method(curve)
    for name, apply in classical_filters().items() if settings.classical else ():
        methods[name] = filter_method(apply)
    for name, other in others.items():
        methods[name] = enhancer_method(other)
    methods["enhanced"] = enhancer_method(enhancer)
    if oracle is not None:
        methods["oracle"] = enhancer_method(oracle)
    return methods


def tone_curve_method(curve: np.ndarray) -> Method:
    """A curve uint8 (256,) as a method."""

    def apply(frames: np.ndarray, sector: Sector) -> np.ndarray:
        return curve[frames]

    return apply


if __name__ == "__main__":
    begin(main, ImageQualitySettings)
