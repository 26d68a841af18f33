"""Does the generator bring poor phantom clips nearer to the clean truth than doing nothing, or than any tone curve?

    python -m eval.image_quality [--model echogan-phantom] [--clips 50]

The clips are simulated and their hearts were never trained on, nor used to choose the checkpoint.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import tyro
from scipy.optimize import minimize

import echogan
from echogan.clips.clip import ClipFile
from echogan.enhancer import Chunk, Enhancer, EnhanceSettings
from echogan.geometry import Fan, Sector
from echogan.metrics import bootstrap_interval, mean_change, psnr, ssim
from echogan.model.hub import load_checkpoint
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.render import PhantomClip, phantom_clip

RESULT = Path(__file__).parent / "results" / "image_quality.json"


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: str = field(default="echogan-phantom", metadata={"help": "checkpoint to measure"})
    clips: int = field(default=50, metadata={"help": "held-out clips"})
    frames: int = field(default=4, metadata={"help": "frames of each clip"})
    tone_clips: int = field(
        default=40, metadata={"help": "training clips that the tone curves are fitted on"}
    )
    first_seed: int = field(default=1_500_000_000, metadata={"help": "seed of the first held-out clip"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: Settings) -> None:
    """Measure, print and write."""
    enhancer = Enhancer(load_checkpoint(settings.model), EnhanceSettings(device="auto"))
    curves = fit_tone_curves(settings)
    rows = [measure(phantom_clip(settings.first_seed + k, frames=settings.frames), enhancer, curves)
            for k in range(settings.clips)]  # fmt: skip
    result = summarise(rows, enhancer, settings)
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: result[k] for k in ("psnr_db", "ssim", "gain", "change")}, indent=1))


def fit_tone_curves(settings: Settings) -> dict[str, np.ndarray]:
    """The two best single tone curves, uint8 (256,): for PSNR in closed form, for SSIM by search.

    For squared error the best curve is the mean clean grey level of each poor one. For SSIM a curve
    a * x^g + b is fitted by Nelder-Mead.
    """
    clips = [phantom_clip(2 * k, frames=1) for k in range(settings.tone_clips)]
    pairs = [(tensor_frames(c.degraded)[0], tensor_frames(c.clean)[0], c.sector_mask.numpy()) for c in clips]
    poor = np.concatenate([p[m] for p, _, m in pairs])
    clean = np.concatenate([c[m] for _, c, m in pairs]).astype(np.float64)
    count = np.bincount(poor, minlength=256)
    mean = np.bincount(poor, clean, minlength=256) / np.maximum(count, 1)
    levels = np.arange(256)
    for_psnr = np.interp(levels, levels[count > 0], mean[count > 0])

    def power_curve(p: np.ndarray) -> np.ndarray:
        return np.clip(255 * (p[0] * (levels / 255) ** np.exp(p[1]) + p[2]), 0, 255).round().astype(np.uint8)

    def loss(p: np.ndarray) -> float:
        curve = power_curve(p)
        return -float(np.mean([ssim(curve[x], y, m) for x, y, m in pairs[::2]]))

    found = minimize(loss, [1.0, 0.0, 0.0], method="Nelder-Mead", options={"maxiter": 80, "xatol": 0.01})
    return {
        "tone curve, best PSNR": for_psnr.round().astype(np.uint8),
        "tone curve, best SSIM": power_curve(found.x),
    }


def measure(
    clip: PhantomClip, enhancer: Enhancer, curves: dict[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """One clip's mean PSNR and SSIM for each way of treating it, and how much is changed."""
    poor, clean, mask = tensor_frames(clip.degraded), tensor_frames(clip.clean), clip.sector_mask.numpy()
    enhanced, untouched = (enhance(enhancer, frames, clip) for frames in (poor, clean))
    ways = {"input": poor, **{name: curve[poor] for name, curve in curves.items()}, "enhanced": enhanced}
    row = {
        name: {
            "psnr_db": float(np.mean([psnr(a, b, mask) for a, b in zip(frames, clean, strict=True)])),
            "ssim": float(np.mean([ssim(a, b, mask) for a, b in zip(frames, clean, strict=True)])),
        }
        for name, frames in ways.items()
    }
    row["change"] = {"poor": mean_change(enhanced, poor, mask), "clean": mean_change(untouched, clean, mask)}
    return row


def enhance(enhancer: Enhancer, frames: np.ndarray, clip: PhantomClip) -> np.ndarray:
    """Frames uint8 (T, h, w) of a phantom clip, enhanced, the same shape."""
    return np.concatenate([chunk.enhanced for chunk in phantom_chunks(enhancer, frames, clip)])


def phantom_chunks(enhancer: Enhancer, frames: np.ndarray, clip: PhantomClip) -> Iterator[Chunk]:
    """Frames uint8 (T, h, w) through the whole enhancer, with the phantom's own sector."""
    mask = clip.sector_mask.numpy()
    x, y, *rest = clip.fan
    sector = Sector("fan", mask, np.zeros_like(mask), 1.0, Fan((x, y), *rest))
    count, height, width = frames.shape
    source = ClipFile(Path("phantom"), "video", count, height, width, 30.0, False, lambda: iter(frames))
    return enhancer.stream(source, sector)


def summarise(rows: list[dict], enhancer: Enhancer, settings: Settings) -> dict:
    """Means with 95 % intervals over clips, and paired differences of the enhanced against every other way."""
    ways = [name for name in rows[0] if name != "change"]
    result: dict = {"psnr_db": {}, "ssim": {}, "gain": {"psnr_db": {}, "ssim": {}}}
    for metric in ("psnr_db", "ssim"):
        ours = np.array([row["enhanced"][metric] for row in rows])
        for name in ways:
            values = np.array([row[name][metric] for row in rows])
            result[metric][name] = _summary(values)
            if name != "enhanced":
                result["gain"][metric][f"over {name}"] = _summary(ours - values)
    poor, clean = (np.array([row["change"][kind] for row in rows]) for kind in ("poor", "clean"))
    result["change"] = {
        "poor": _summary(poor), "clean": _summary(clean), "clean_to_poor": float(clean.mean() / poor.mean()),
    }  # fmt: skip
    return result | {
        "data": "simulated clips (phantom), hearts never trained on",
        "phantom": PHANTOM_VERSION,
        "model": {"name": enhancer.checkpoint.name, "sha256": enhancer.checkpoint.sha256},
        "device": enhancer.device.type,
        "settings": {
            k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items() if k != "out"
        },
        "versions": {
            "echogan": echogan.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def _summary(values: np.ndarray) -> dict[str, float]:
    low, high = bootstrap_interval(values)
    return {"mean": float(values.mean()), "low": low, "high": high}


def tensor_frames(frames: torch.Tensor | None) -> np.ndarray:
    """Rendered frames as numpy."""
    assert frames is not None
    return frames.numpy()


if __name__ == "__main__":
    main(tyro.cli(Settings))
