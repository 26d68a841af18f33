"""Classical filters as baselines: histogram matching, non-local means, bilateral, CLAHE, wavelets, total variation.

    python -m eval classical      search each filter's settings again, on training hearts

The filters are those of OpenCV and scikit-image. Each takes frames uint8 (T, h, w) and a mask bool (h, w) and returns
the same shape; pixels outside the mask stay unchanged. The settings are in `eval/results/classical.json`. They are the
best of a small grid by mean SSIM against the clear truth, over simulated pairs of training hearts. The reference
histogram is the mean over the clear frames of these hearts.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.restoration import denoise_tv_chambolle, denoise_wavelet

from echogan.phantom import PHANTOM_VERSION
from eval.command import begin, write
from eval.measures.metrics import ssim
from eval.measures.training_pairs import Pair, training_pair
from eval.paths import RESULTS

RESULT = RESULTS / "classical.json"
Filter = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(frames uint8 (T, h, w), mask bool (h, w)) to frames of the same shape."""


def match_histogram(frames: np.ndarray, mask: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Give the clip's tissue the reference distribution (256,) of grey levels.

    Gonzalez & Woods, Digital Image Processing, 3.3.2. One curve serves the whole clip, so that frames do not flicker.
    """
    counts = np.bincount(frames[:, mask].ravel(), minlength=256)
    quantiles = (np.cumsum(counts) - counts / 2) / max(1, counts.sum())
    wanted = np.cumsum(reference) / np.sum(reference)
    curve = np.interp(quantiles, wanted, np.arange(256)).round().astype(np.uint8)
    return _inside(mask, curve[frames], frames)


def non_local_means(frames: np.ndarray, mask: np.ndarray, strength: float) -> np.ndarray:
    """Buades et al., CVPR 2005: 7 x 7 patches within 21 x 21 pixels; strength in grey levels."""
    filtered = [cv2.fastNlMeansDenoising(frame, None, strength, 7, 21) for frame in frames]
    return _inside(mask, np.stack(filtered), frames)


def bilateral(frames: np.ndarray, mask: np.ndarray, grey: float, pixels: float) -> np.ndarray:
    """Tomasi & Manduchi, ICCV 1998: standard deviations in grey levels and in pixels."""
    filtered = [cv2.bilateralFilter(frame, -1, grey, pixels) for frame in frames]
    return _inside(mask, np.stack(filtered), frames)


def clahe(frames: np.ndarray, mask: np.ndarray, limit: float, tiles: int) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994)."""
    equaliser = cv2.createCLAHE(limit, (tiles, tiles))
    return _inside(mask, np.stack([equaliser.apply(frame) for frame in frames]), frames)


def wavelet(frames: np.ndarray, mask: np.ndarray, strength: float) -> np.ndarray:
    """BayesShrink (Chang et al., IEEE TIP 9(9), 2000) with the db2 wavelet.

    The noise is taken as `strength` times its estimate: the median of the finest coefficients inside the mask.
    """
    filtered = []
    for frame in frames:
        grey = frame / 255.0
        fine = grey[1:-1, 1:-1] - (grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]) / 4
        spread = float(np.median(np.abs(fine[mask[1:-1, 1:-1]]))) / 0.6745 / np.sqrt(1.25)
        sigma = max(1e-4, strength * spread)
        smooth: Any = denoise_wavelet(grey, sigma=sigma, wavelet="db2", mode="soft", method="BayesShrink")
        filtered.append(np.rint(255 * smooth.clip(0, 1)).astype(np.uint8))
    return _inside(mask, np.stack(filtered), frames)


def total_variation(frames: np.ndarray, mask: np.ndarray, weight: float) -> np.ndarray:
    """Rudin, Osher & Fatemi, Physica D 60, 1992, by Chambolle's algorithm; grey from 0 to 1."""
    filtered = [denoise_tv_chambolle(frame / 255.0, weight=weight) for frame in frames]
    return _inside(mask, np.rint(255 * np.stack(filtered).clip(0, 1)).astype(np.uint8), frames)


def _inside(mask: np.ndarray, filtered: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return np.where(mask, filtered, frames)


FILTERS: dict[str, Callable[..., np.ndarray]] = {
    "histogram matching": match_histogram,
    "non-local means": non_local_means,
    "bilateral filter": bilateral,
    "CLAHE": clahe,
    "wavelet shrinkage": wavelet,
    "total variation": total_variation,
}
GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "non-local means": {"strength": (3, 5, 7, 10, 15)},
    "bilateral filter": {"grey": (5, 10, 20, 40), "pixels": (1, 1.5, 3)},
    "CLAHE": {"limit": (0.1, 0.25, 0.5, 1, 2), "tiles": (2, 4, 8)},
    "wavelet shrinkage": {"strength": (0.125, 0.25, 0.5, 1, 2)},
    "total variation": {"weight": (0.0025, 0.005, 0.01, 0.02, 0.05)},
}
"""The settings that the search tries."""


def classical_filters(chosen: dict[str, dict] | None = None) -> dict[str, Filter]:
    """Name -> filter with its chosen settings. The default settings are those of eval/results/classical.json."""
    if chosen is None:
        chosen = json.loads(RESULT.read_text())["chosen"]
    assert chosen is not None
    made: dict[str, Filter] = {}
    for name, function in FILTERS.items():
        settings = dict(chosen[name])
        if "reference" in settings:
            settings["reference"] = np.asarray(settings["reference"], float)
        made[name] = partial(function, **settings)
    return made


@dataclass(frozen=True)
class ClassicalSettings:
    """The training hearts of the search, and where its result goes."""

    clips: int = field(default=24, metadata={"help": "number of training hearts; one frame of each"})
    first_seed: int = field(
        default=0, metadata={"help": "seed of the first heart; every second seed is used"}
    )
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: ClassicalSettings) -> None:
    """Search, print and write."""
    pairs = [training_pair(settings.first_seed + 2 * k) for k in range(settings.clips)]
    chosen, tried = search(pairs)
    facts = {k: v for k, v in asdict(settings).items() if k != "out"}
    result = {"phantom": PHANTOM_VERSION, "settings": facts, "criterion": "mean SSIM inside the sector",
              "chosen": chosen, "tried": tried}  # fmt: skip
    write(result, settings.out, settings, lambda result: result["tried"])
    for name, scores in tried.items():
        print(name, max(scores.items(), key=lambda score: score[1]), f"of {len(scores)}")


def search(pairs: Sequence[Pair]) -> tuple[dict[str, dict], dict[str, dict[str, float]]]:
    """The best settings of each filter, and the mean SSIM of the input and of all settings tried."""
    counts = sum(
        (np.bincount(clear[mask], minlength=256) / mask.sum() for _, clear, mask in pairs), np.zeros(256)
    )
    reference = [round(float(share), 6) for share in counts / len(pairs)]
    chosen: dict[str, dict] = {"histogram matching": {"reference": reference}}
    tried = {"input": {"": _score(lambda frames, mask: frames, pairs)}}
    for name, grid in GRIDS.items():
        options = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        scores = [_score(partial(FILTERS[name], **option), pairs) for option in options]
        chosen[name] = options[int(np.argmax(scores))]
        tried[name] = {json.dumps(o): round(s, 4) for o, s in zip(options, scores, strict=True)}
    matched = partial(match_histogram, reference=np.asarray(reference))
    return chosen, tried | {"histogram matching": {"": round(_score(matched, pairs), 4)}}


def _score(apply: Filter, pairs: Sequence[Pair]) -> float:
    return float(np.mean([ssim(apply(poor[None], mask)[0], clear, mask) for poor, clear, mask in pairs]))


if __name__ == "__main__":
    begin(main, ClassicalSettings)
