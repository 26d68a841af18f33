"""The grade classifier: a small frozen network that gives P(good), the probability that an expert grades a still Good.

It is trained from its seed if it is missing, kept in an ignored folder and never shipped. It takes no part in losses.
Its Good stills are those of the frozen segmenter's patients, in both views. Its Poor stills are those of the
"grade-classifier" patients of `eval.camus.two_chamber`, and of the frozen segmenter's patients with a Poor two-chamber
view. Both grades have the same number of stills in each view, so that the view says nothing about the grade. Gain and
gamma are augmented in training, so that brightness says nothing either. It saw no test patients.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from scipy.stats import rankdata
from torch import Tensor, nn

from echogan.core.atomic import replacing
from echogan.training.segmenter.data import Frames
from eval.camus.splits import split_hash
from eval.camus.stills import Still, view_stills
from eval.camus.tensors import fit, tensor, to_square
from eval.camus.two_chamber import VIEWS, ViewRole, list_hash
from eval.paths import RUNS

FOLDER = RUNS / "grade-classifier"
ROLES: dict[str, tuple[ViewRole, ...]] = {
    "Good": ("frozen-segmenter",),
    "Poor": ("frozen-segmenter", "grade-classifier"),
}


@dataclass(frozen=True)
class ClassifierSettings:
    """How the classifier is trained. Another value makes another classifier."""

    size: int = field(default=128, metadata={"help": "longer side of the input in pixels"})
    width: int = field(default=16, metadata={"help": "channels at half size"})
    members: int = field(default=3, metadata={"help": "number of networks whose logits are averaged"})
    steps: int = field(default=300, metadata={"help": "training steps of each network"})
    batch_size: int = field(default=16, metadata={"help": "stills per step"})
    learning_rate: float = field(default=2e-3, metadata={"help": "learning rate of AdamW at the start"})
    seed: int = field(default=0, metadata={"help": "seed of the first network's weights and order of stills"})


class Classifier(nn.Module):
    """Four strided convolutions; the mean and standard deviation of each feature over the still give one logit."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (1, width, 2 * width, 3 * width, 4 * width)
        self.features = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
                for a, b in itertools.pairwise(widths)
            )
        )
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(2 * widths[-1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Grey (n, 1, s, s) in [-1, 1] to logits (n,): above 0 is Good."""
        features = self.features(x)
        pooled = torch.cat([features.mean((2, 3)), features.std((2, 3))], 1)
        return self.head(self.drop(pooled))[:, 0]


@dataclass(frozen=True)
class GradeClassifier:
    """The trained networks of the ensemble, and the sha256 of their weights."""

    members: nn.ModuleList
    settings: ClassifierSettings
    sha256: str

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """P(good) in [0, 1] of each uint8 (h, w) image."""
        x = torch.stack([tensor(to_square(image, self.settings.size)[0]) for image in images])
        with torch.inference_mode():
            logits = torch.stack([member(x) for member in self.members]).mean(0)
        return logits.sigmoid().double().numpy()


def grade_classifier(
    data: Path, settings: ClassifierSettings | None = None, say: Callable[[str], None] = print
) -> GradeClassifier:
    """The classifier of these settings and of the committed lists. It is trained first if it is missing."""
    settings = settings or ClassifierSettings()
    made_of = {"settings": asdict(settings), "split": [split_hash(), list_hash()]}
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]
    path = FOLDER / f"classifier-{key}.safetensors"
    members = nn.ModuleList([Classifier(settings.width) for _ in range(settings.members)])
    if not path.is_file():
        good, poor = training_stills(data)
        say(f"training the grade classifier on {len(good)} Good and {len(poor)} Poor stills, with repeats")
        members = train(good, poor, settings, say)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            save_file({k: t.contiguous() for k, t in members.state_dict().items()}, part)
    members.load_state_dict(load_file(path))
    members.eval().requires_grad_(False)
    return GradeClassifier(members, settings, hashlib.sha256(path.read_bytes()).hexdigest())


def training_stills(data: Path) -> tuple[list[Still], list[Still]]:
    """Good and Poor stills of the classifier's patients. In each view the Poor ones are repeated to as many."""
    sides: tuple[list[Still], list[Still]] = ([], [])
    for view in VIEWS:
        good, poor = (
            [still for role in ROLES[grade] for still in view_stills(data, view, role, grade)]
            for grade in ("Good", "Poor")
        )
        sides[0].extend(good)
        sides[1].extend(poor[k % len(poor)] for k in range(len(good)))
    return sides


def train(
    good: Sequence[Still], poor: Sequence[Still], settings: ClassifierSettings, say: Callable[[str], None]
) -> nn.ModuleList:
    """Train each network of the ensemble on the same stills, with a seed of its own."""
    shown = torch.stack([tensor(to_square(s.image, settings.size)[0]) for s in (*good, *poor)])
    # `fit` moves class maps along with the images. A map is all 1 for Good; pixels that move in from outside are 0.
    grade = torch.tensor([1] * len(good) + [0] * len(poor))
    data = Frames(shown, grade[:, None, None].expand(-1, settings.size, settings.size).contiguous())
    members = nn.ModuleList()
    for k in range(settings.members):
        own = ClassifierSettings(**{**asdict(settings), "seed": settings.seed * 1000 + k})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(own.seed)
            network = Classifier(settings.width)
            fit(network, data, grade_loss, own, lambda text, k=k: say(f"grade classifier {k + 1}: {text}"))
        members.append(network)
    return members


def grade_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy with the grade of each class map, with label smoothing of 0.05."""
    wanted = classes.amax((1, 2)).float() * 0.9 + 0.05
    return F.binary_cross_entropy_with_logits(logits, wanted)


def auc(good: np.ndarray, poor: np.ndarray) -> float:
    """AUC: the probability that a Good still has a higher P(good) than a Poor one (Mann-Whitney)."""
    ranks = rankdata(np.concatenate([good, poor]))[: len(good)]
    return float((ranks.sum() - len(good) * (len(good) + 1) / 2) / (len(good) * len(poor)))
