"""How near do poor phantom clips come to the clear truth: untouched, by classical filters, and by the network?

    python -m eval image_quality [--model echogan] [--others echogan-camus runs/my-run/checkpoint]
                                 [--oracle runs/oracle/checkpoint] [--clips 200]

The clips are simulated and their hearts were never trained on, nor used to choose the checkpoint. The truth is the
same heart through the best window (`phantom_pair`). The oracle is a network trained with the pairs, which no
unpaired one can be asked to beat: each row's share of the way from the input to it is given. KID compares each row
with clear frames of other hearts (`eval.measures.kid`). The reference CycleGAN, trained by the command in docs/results.md, has a
row where its run is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from echogan.core.errors import EchoGANError
from echogan.core.geometry import Fan, Sector
from echogan.enhance.enhancer import Chunk, Enhancer, EnhanceSettings
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.render import PhantomClip, Want, phantom_pair
from echogan.phantom.tissues import Tissue
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, apart, chunks, provenance
from eval.measures.classical import classical_methods
from eval.measures.kid import FrozenExtractor, extractor, kid_interval
from eval.measures.metrics import (
    bootstrap_interval,
    gcnr,
    mean_change,
    psnr,
    speckle_snr,
    ssim,
    tone_matched_psnr,
)
from eval.measures.tone_curves import fit_tone_curves
from eval.paths import ORACLE, RESULTS

RESULT = RESULTS / "image_quality.json"
REFERENCE = Path("runs/reference-cyclegan/checkpoint")
WANTED: tuple[Want, ...] = ("clean", "degraded", "labels", "support")
CAVITIES = (Tissue.LV, Tissue.LA, Tissue.RV, Tissue.RA)
WALLS = (Tissue.MYOCARDIUM, Tissue.RV_WALL)
EDGE_PX = 2  # of a cavity or a wall, left out: there the beam's width mixes both
LEAST_KID_CLIPS = 8  # every second one on either side, and halves of those
SHARED_METRICS: tuple[str, ...] = (
    "psnr_db",
    "tone_matched_psnr_db",
    "ssim",
    "supported_ssim",
    "supported_tone_matched_psnr_db",
)
"""Those whose share of the oracle's gain is told."""
METRICS: tuple[str, ...] = (*SHARED_METRICS, "gcnr", "speckle_snr")
LEAST_SUPPORT = 0.5  # share of the signal that survives, where an enhancement can be asked for
LEAST_SUPPORTED_PX = 500  # of a frame, else it has no figures there

Treatment = Callable[[np.ndarray, PhantomClip], np.ndarray]  # frames uint8 (T, h, w) to the same


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: str = field(default=DEFAULT, metadata={"help": "checkpoint to measure"})
    others: tuple[str, ...] = field(default=NETWORKS[1:], metadata={"help": "more checkpoints, a row each"})
    reference: Path = field(
        default=REFERENCE, metadata={"help": "checkpoint of the reference CycleGAN; may be absent"}
    )
    oracle: Path | None = field(default=ORACLE, metadata={"help": "checkpoint trained with the pairs"})
    clips: int = field(default=200, metadata={"help": "held-out clips"})
    frames: int = field(default=1, metadata={"help": "frames of each clip"})
    kid: bool = field(
        default=True, metadata={"help": "train the KID's extractor where it is missing, and use it"}
    )
    classical: bool = field(default=True, metadata={"help": "measure the classical filters too"})
    tone_clips: int = field(
        default=40, metadata={"help": "training clips that the tone curves are fitted on"}
    )
    first_seed: int = field(default=1_500_000_000, metadata={"help": "seed of the first held-out clip"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: Settings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    if settings.kid and settings.clips < LEAST_KID_CLIPS:
        raise EchoGANError(f"KID wants at least {LEAST_KID_CLIPS} clips: give more --clips, or --no-kid.")
    enhancer = open_enhancer(settings.model)
    oracle = settings.oracle and open_enhancer(str(settings.oracle))
    others = open_others(settings)
    ways = treatments(settings, enhancer, oracle, others)
    features = extractor() if settings.kid else None
    rows = []
    for k in range(settings.clips):
        clip = phantom_pair(settings.first_seed + k, frames=settings.frames, want=WANTED)
        rows.append(measure(clip, ways, enhancer, features))
        if (k + 1) % 20 == 0:
            print(f"{k + 1} of {settings.clips} clips", flush=True)
    result = summarise(rows, enhancer, oracle, settings)
    result["others"] = [facts(other) for other in others.values()]
    if features:
        result["kid"] = kid_rows(rows) | {
            "extractor": asdict(features.settings) | {"sha256": features.sha256}
        }
    print(json.dumps({k: result[k] for k in ("rows", "gain", "share_of_oracle", "change")}, indent=1))
    write(result, settings.out, settings, lambda result: [*result["rows"], *result.get("kid", ())])


def open_enhancer(model: str) -> Enhancer:
    """The whole enhancer with a checkpoint."""
    return Enhancer(load_checkpoint(model), EnhanceSettings(device="auto"))


def open_others(settings: Settings) -> dict[str, Enhancer]:
    """The other checkpoints, and the reference where it is, by name. Raises EchoGANError where two have one name."""
    folders = [*settings.others, *([str(settings.reference)] if settings.reference.is_dir() else ())]
    opened = [open_enhancer(folder) for folder in folders]
    names = [other.checkpoint.name for other in opened]
    apart(names)
    return dict(zip(names, opened, strict=True))


def treatments(
    settings: Settings, enhancer: Enhancer, oracle: Enhancer | None, others: dict[str, Enhancer]
) -> dict[str, Treatment]:
    """Every row of the table: a name and what it makes of a clip's poor frames."""
    ways: dict[str, Treatment] = {"input": lambda frames, clip: frames}
    for name, curve in fit_tone_curves(settings.tone_clips).items():
        ways[name] = lambda frames, clip, curve=curve: curve[frames]
    for name, act in classical_methods().items() if settings.classical else ():
        ways[name] = lambda frames, clip, act=act: act(frames, clip.sector_mask.numpy())
    for name, other in others.items():
        ways[name] = lambda frames, clip, other=other: enhance(other, frames, clip)
    ways["enhanced"] = lambda frames, clip: enhance(enhancer, frames, clip)
    if oracle is not None:
        ways["oracle"] = lambda frames, clip: enhance(oracle, frames, clip)
    return ways


def measure(
    clip: PhantomClip, ways: dict[str, Treatment], enhancer: Enhancer, features: FrozenExtractor | None = None
) -> dict[str, Any]:
    """One clip's metrics for each way of treating it, how much the network changes poor and clear frames, and the
    features of each way's frames and of the clear ones."""
    poor, clear, mask = tensor_frames(clip.degraded), tensor_frames(clip.clean), clip.sector_mask.numpy()
    regions = [cavity_and_wall(labels) for labels in tensor_frames(clip.labels)]
    supported = mask & (tensor_frames(clip.support) >= 255 * LEAST_SUPPORT)
    row: dict[str, Any] = {}
    treated: dict[str, np.ndarray] = {}
    for name, act in ways.items():
        treated[name] = act(poor, clip)
        frames = zip(treated[name], clear, regions, supported, strict=True)
        found = [measure_frame(*each, mask) for each in frames]
        row[name] = {metric: float(np.mean([one[metric] for one in found])) for metric in METRICS}
    untouched = enhance(enhancer, clear, clip)
    row["change"] = {
        "poor": mean_change(treated["enhanced"], poor, mask),
        "clear": mean_change(untouched, clear, mask),
    }
    row["supported"] = float(supported.sum() / (len(supported) * mask.sum()))
    if features:
        row["features"] = {name: features(frames) for name, frames in (treated | {"clear": clear}).items()}
    return row


def measure_frame(
    image: np.ndarray,
    truth: np.ndarray,
    regions: tuple[np.ndarray, np.ndarray],
    supported: np.ndarray,
    mask: np.ndarray,
) -> dict[str, float]:
    """All metrics of one frame, uint8 (h, w); NaN where too few of its pixels are supported."""
    cavity, wall = (region & mask for region in regions)
    enough = supported.sum() >= LEAST_SUPPORTED_PX
    return {
        "supported_ssim": ssim(image, truth, supported) if enough else float("nan"),
        "supported_tone_matched_psnr_db": (
            tone_matched_psnr(image, truth, supported) if enough else float("nan")
        ),
        "psnr_db": psnr(image, truth, mask),
        "tone_matched_psnr_db": tone_matched_psnr(image, truth, mask),
        "ssim": ssim(image, truth, mask),
        "gcnr": gcnr(image, cavity, wall),
        "speckle_snr": speckle_snr(image, mask),
    }


def cavity_and_wall(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The insides of the cavities and of the walls of a label map, bool (h, w) each, without their edges."""
    kernel = np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8)
    cavity, wall = (
        cv2.erode(np.isin(labels, kinds).astype(np.uint8), size) > 0
        for kinds, size in ((CAVITIES, kernel), (WALLS, np.ones((3, 3), np.uint8)))
    )
    return cavity, wall


def enhance(enhancer: Enhancer, frames: np.ndarray, clip: PhantomClip) -> np.ndarray:
    """Frames uint8 (T, h, w) of a phantom clip, enhanced, the same shape."""
    return np.concatenate([chunk.enhanced for chunk in phantom_chunks(enhancer, frames, clip)])


def phantom_chunks(enhancer: Enhancer, frames: np.ndarray, clip: PhantomClip) -> Iterator[Chunk]:
    """Frames uint8 (T, h, w) through the whole enhancer, with the phantom's own sector."""
    mask = clip.sector_mask.numpy()
    x, y, *rest = clip.fan
    return chunks(enhancer, frames, Sector("fan", mask, np.zeros_like(mask), 1.0, Fan((x, y), *rest)))


def summarise(rows: list[dict], enhancer: Enhancer, oracle: Enhancer | None, settings: Settings) -> dict:
    """Means with 95 % intervals over clips, paired differences of the network against every other row, and each
    row's share of the way from the input to the oracle."""
    ways = [name for name in rows[0] if name not in ("change", "features", "supported")]
    values = {way: {m: np.array([row[way][m] for row in rows]) for m in METRICS} for way in ways}
    result: dict = {
        "rows": {way: {m: _summary(values[way][m]) for m in METRICS} for way in ways},
        "gain": {
            way: {m: _summary(values["enhanced"][m] - values[way][m]) for m in METRICS}
            for way in ways if way != "enhanced"
        },
        "share_of_oracle": {},
    }  # fmt: skip
    if oracle is not None:
        result["share_of_oracle"] = {
            way: share_of_oracle(values, way) for way in ways if way not in ("input", "oracle")
        }
        result["oracle"] = facts(oracle)
    poor, clear = (np.array([row["change"][kind] for row in rows]) for kind in ("poor", "clear"))
    result["change"] = {
        "poor": _summary(poor), "clear": _summary(clear), "clear_to_poor": float(clear.mean() / poor.mean()),
    }  # fmt: skip
    return result | {
        "supported": _summary(np.array([row["supported"] for row in rows])),
        "data": "simulated clips (phantom), hearts never trained on",
        "phantom": PHANTOM_VERSION,
        "model": facts(enhancer),
        "device": enhancer.device.type,
        "settings": {
            k: v for k, v in asdict(settings).items() if k not in ("out", "oracle", "others", "reference")
        },
        **{k: v for k, v in provenance([]).items() if k in ("classical", "enhancing", "versions")},
    }


def kid_rows(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """KID of each way's frames of every second clip against the clear frames of the other clips; and of clear frames
    against those, which is what a perfect way would have."""

    def features(way: str, first: int) -> np.ndarray:
        return np.stack([row["features"][way] for row in rows[first::2]])

    return {way: kid_interval(features(way, 0), features("clear", 1)) for way in rows[0]["features"]}


def share_of_oracle(values: dict[str, dict[str, np.ndarray]], way: str) -> dict[str, dict[str, float]]:
    """Gain over the input as a share of the oracle's, of the means; the interval by drawing clips."""
    shares = {}
    for metric in SHARED_METRICS:
        whole = np.stack([values[name][metric] for name in ("input", way, "oracle")])
        start, mine, best = whole[:, np.isfinite(whole).all(0)]
        picks = np.random.default_rng(0).integers(len(mine), size=(10_000, len(mine)))
        drawn = (mine - start)[picks].mean(1) / (best - start)[picks].mean(1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        mean = (mine - start).mean() / (best - start).mean()
        shares[metric] = {"mean": float(mean), "low": float(low), "high": float(high)}
    return shares


def facts(enhancer: Enhancer) -> dict[str, object]:
    """Which network it was, and how many frames of each domain it was trained on in its last stage."""
    config = enhancer.checkpoint.config
    steps = config.training.get("finished_steps")
    return {
        "name": enhancer.checkpoint.name,
        "sha256": enhancer.checkpoint.sha256,
        "kind": config.generator.kind,
        "steps": steps,
        "frames": steps and steps * config.training.get("batch_size", 1),
        "paired_steps": paired_steps(config.training),
    }


def paired_steps(training: dict[str, Any]) -> int:
    """How many steps of all stages saw the pairs."""
    stages = [*training.get("earlier_stages", ()), training]
    return sum(stage["finished_steps"] for stage in stages if stage.get("loss", {}).get("paired"))


def _summary(values: np.ndarray) -> dict[str, float]:
    kept = values[np.isfinite(values)]
    low, high = bootstrap_interval(kept)
    return {"mean": float(kept.mean()), "low": low, "high": high}


def tensor_frames(frames: torch.Tensor | None) -> np.ndarray:
    """Rendered frames as numpy."""
    assert frames is not None
    return frames.numpy()


if __name__ == "__main__":
    begin(main, Settings)
