"""KID: the distance between two sets of frames, in the features of a small network trained here.

    python -m eval kid        train the feature extractor if it is missing; the same seed gives the same weights

Bińkowski et al., ICLR 2018, section 4: the unbiased squared MMD with the kernel (x.y / d + 1)^3. Their extractor was
trained on photographs. Ours classifies simulated frames by view and by look (clear or degraded). So its values compare
the rows of one table; they cannot be compared with published KID values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from echogan.core.atomic import replacing
from echogan.core.scale import GREY
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.clip import PhantomClip
from echogan.phantom.render import phantom_pair
from eval.paths import RUNS

FOLDER = RUNS / "kid"
FIRST_SEED = 800_000_000  # hearts that nothing else is trained, chosen or tested on
LOOKS = ("clear", "degraded")
DRAWS = 100  # random halves, for the interval


@dataclass(frozen=True)
class ExtractorSettings:
    """How the extractor is trained. Another value makes another extractor."""

    size: int = field(default=128, metadata={"help": "side of the input in pixels"})
    width: int = field(
        default=16, metadata={"help": "channels of the first layer; there are 8 times as many features"}
    )
    steps: int = field(default=500, metadata={"help": "training steps"})
    clips: int = field(default=250, metadata={"help": "simulated clips, each clear and degraded"})
    frames: int = field(default=4, metadata={"help": "frames of each clip"})
    batch_size: int = field(default=16, metadata={"help": "frames per step"})
    learning_rate: float = field(default=1e-3, metadata={"help": "learning rate of AdamW at the start"})
    seed: int = field(default=0, metadata={"help": "seed of the weights and of the clips"})


class Extractor(nn.Module):
    """Strided convolutions, the mean over the frame, and two heads: look (clear or degraded) and view."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (1, width, 2 * width, 4 * width, 8 * width)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.GroupNorm(8, after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.look = nn.Linear(widths[-1], len(LOOKS))
        self.view = nn.Linear(widths[-1], len(VIEWS))

    def forward(self, x: Tensor) -> Tensor:
        """Grey (n, 1, s, s) in [-1, 1] to features (n, 8 * width)."""
        return self.body(x).mean((2, 3))


@dataclass(frozen=True)
class FrozenExtractor:
    """A trained extractor, and the sha256 of its weights."""

    network: Extractor
    settings: ExtractorSettings
    sha256: str

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features float64 (T, d) of frames uint8 (T, h, w)."""
        with torch.inference_mode():
            return self.network(_tensor(frames, self.settings.size)).double().numpy()


def extractor(
    settings: ExtractorSettings | None = None, folder: Path = FOLDER, say: Callable[[str], None] = print
) -> FrozenExtractor:
    """The extractor of these settings. It is trained first if it is not in the folder."""
    settings = settings or ExtractorSettings()
    made_of = {"settings": asdict(settings), "phantom": PHANTOM_VERSION}
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
    path = folder / f"extractor-{key}.safetensors"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        weights = train(settings, say).state_dict()
        with replacing(path) as part:
            save_file(weights, part)
    network = Extractor(settings.width)
    network.load_state_dict(load_file(path))
    network.eval().requires_grad_(False)
    return FrozenExtractor(network, settings, hashlib.sha256(path.read_bytes()).hexdigest())


def train(settings: ExtractorSettings, say: Callable[[str], None]) -> Extractor:
    """Train by cross-entropy of look and view, with a cosine learning rate.

    It runs on one thread: another number of threads would change the last bits.
    """
    torch.set_num_threads(1)
    first = FIRST_SEED + settings.seed * 1_000_003
    say(f"extractor: rendering {settings.clips} clips")
    clips = [phantom_pair(first + k, frames=settings.frames) for k in range(settings.clips)]
    frames, looks, views = labelled(clips, settings.size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Extractor(settings.width)
    chance = torch.Generator().manual_seed(settings.seed)
    adam = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-2)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.steps)
    for step in range(settings.steps):
        pick = torch.randint(len(frames), (settings.batch_size,), generator=chance)
        features = network(frames[pick])
        scores = network.look(features), network.view(features)
        loss = F.cross_entropy(scores[0], looks[pick]) + F.cross_entropy(scores[1], views[pick])
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        fall.step()
        if (step + 1) % 50 == 0:
            right = (scores[0].argmax(1) == looks[pick]).float().mean().item()
            say(
                f"extractor: step {step + 1}/{settings.steps}, loss {loss.item():.3f}, {right:.0%} of looks right"
            )
    return network


def labelled(clips: Sequence[PhantomClip], size: int) -> tuple[Tensor, Tensor, Tensor]:
    """All frames of all clips, clear and degraded, (n, 1, size, size), and the class indices of look and view."""
    frames, looks, views = [], [], []
    for clip in clips:
        for look, shown in enumerate((clip.clean, clip.degraded)):
            assert shown is not None
            frames.append(_tensor(shown.numpy(), size))
            looks += [look] * len(shown)
            views += [VIEWS.index(clip.truth["view"])] * len(shown)
    return torch.cat(frames), torch.tensor(looks), torch.tensor(views)


def _tensor(frames: np.ndarray, size: int) -> Tensor:
    x = torch.from_numpy(frames).float()[:, None] / GREY - 1
    return F.interpolate(x, (size, size), mode="area")


def kid(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased squared MMD of two sets of features (n, d) and (m, d), n, m >= 2. It may be below 0."""
    inside = [(_kernel(x, x).sum() - np.trace(_kernel(x, x))) / (len(x) * (len(x) - 1)) for x in (a, b)]
    return float(sum(inside) - 2 * _kernel(a, b).mean())


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3


def kid_interval(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """KID of all clips, and its 2.5 and 97.5 % quantiles over random halves of both sets.

    Features are (clips, frames, d), of four clips or more. Halves are of clips, drawn without replacement. A half
    varies around the full set about as much as the full set varies around the truth. Sets of one size get the same
    draws, so that the rows of a table are compared on the same clips.
    """
    rng = np.random.default_rng(0)
    found = [kid(*(_frames(x[rng.permutation(len(x))[: len(x) // 2]]) for x in (a, b))) for _ in range(DRAWS)]
    low, high = np.quantile(found, (0.025, 0.975))
    return {"mean": kid(_frames(a), _frames(b)), "low": float(low), "high": float(high)}


def _frames(clips: np.ndarray) -> np.ndarray:
    return clips.reshape(-1, clips.shape[-1])


if __name__ == "__main__":
    print(extractor(tyro.cli(ExtractorSettings)).sha256)
