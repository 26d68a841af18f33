"""Classifier two-sample test: the accuracy of a small network that classifies patches of tissue from two sources.

Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017: a classifier is trained on one half of both
samples. Its accuracy on the other half is 0.5 if both come from one distribution. The halves share no patient and no
seed. Every patch gets the same grey histogram, so that only texture and structure differ.

The test is cross-fitted (Kim, Ramdas, Singh & Wasserman, "Classification accuracy as a proxy for two-sample testing",
Annals of Statistics 49(1), 2021): each half is classified by networks trained on the other half, so that every patient
is tested. The result is the mean over several random splits. Intervals are wide because there are few real patients.
The splits depend on the names alone. So the same real patients get the same halves in every comparison, and two
comparisons can be paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import rankdata
from torch import Tensor, nn

from eval.measures.metrics import bootstrap_interval
from eval.realism.data import Picture

PATCH = 64
SHOWN = 48  # side of the random crop of a patch in a training step, in pixels; it reduces overfitting


@dataclass(frozen=True)
class PatchRules:
    """Which patches are taken from a picture."""

    per_picture: int = field(default=10, metadata={"help": "patches from each picture", "min": 1})
    lit_above: float = field(default=12.0, metadata={"help": "grey level above which a pixel counts as lit"})
    lit_share: float = field(
        default=0.5, metadata={"help": "least share of lit pixels in a patch", "min": 0, "max": 1}
    )


@dataclass(frozen=True)
class Patches:
    """Patches float32 (n, 64, 64), and the patient, clip or seed of each (n,)."""

    grey: np.ndarray
    group: np.ndarray

    def halves(self, seed: int) -> tuple[Patches, Patches]:
        """Two halves that share no patient, clip or seed."""
        first = self.in_first_half(seed)
        return Patches(self.grey[first], self.group[first]), Patches(self.grey[~first], self.group[~first])

    def in_first_half(self, seed: int) -> np.ndarray:
        """Which patches, bool (n,), belong to the first half of a random split of the groups by name."""
        names = np.random.default_rng(seed).permutation(np.unique(self.group))
        return np.isin(self.group, names[: len(names) // 2])


def cut_patches(pictures: Sequence[Picture], rules: PatchRules, seed: int = 0) -> Patches:
    """Random patches that lie inside the fan and are bright enough; every allowed position is equally likely."""
    rng = np.random.default_rng(seed)
    cut, groups = [np.zeros((0, PATCH, PATCH), np.float32)], []
    for picture in pictures:
        found = _corners(picture, rules)
        chosen = rng.permutation(len(found))[: rules.per_picture]
        cut += [picture.grey[None, y : y + PATCH, x : x + PATCH] for y, x in found[chosen]]
        groups += [picture.group] * len(chosen)
    return Patches(np.concatenate(cut), np.array(groups, dtype=str))


def _corners(picture: Picture, rules: PatchRules) -> np.ndarray:
    """Top left corners (n, 2) of all patches that `rules` allow."""
    inside = _box_sum(picture.mask)
    lit = _box_sum(picture.grey > rules.lit_above)
    return np.argwhere((inside == PATCH * PATCH) & (lit >= rules.lit_share * PATCH * PATCH))


def _box_sum(image: np.ndarray) -> np.ndarray:
    """Sums over every PATCH x PATCH box, (h - PATCH + 1, w - PATCH + 1); empty where no box fits."""
    total = np.pad(image.astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    p = PATCH
    return total[p:, p:] - total[:-p, p:] - total[p:, :-p] + total[:-p, :-p]


def match_histograms(patches: np.ndarray) -> np.ndarray:
    """Each patch (n, 64, 64) with its greys replaced by the normal quantile of their rank; equal greys stay equal.

    Both sources get one common histogram. If only the simulated patches were matched to real histograms, the matching
    itself could be recognised.
    """
    flat = patches.reshape(len(patches), -1)
    ranks = rankdata(flat, axis=1)
    return ndtri((ranks - 0.5) / flat.shape[1]).astype(np.float32).reshape(patches.shape)


def build_classifier() -> nn.Sequential:
    """Four convolutions, the first at full resolution because speckle is fine, and a linear layer on their mean."""
    layers: list[nn.Module] = []
    before = 1
    for channels, stride in ((8, 1), (24, 2), (48, 2), (64, 2)):
        conv = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(channels), nn.LeakyReLU(0.1)]
        before = channels
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(before, 1)
    )


def train_classifier(
    first: Tensor, second: Tensor, seed: int, steps: int = 600, batch: int = 64
) -> nn.Module:
    """A network trained to give 1 for the first source and 0 for the second; patches are (n, 1, 64, 64).

    Each batch has as many patches of one source as of the other, mirrored at random. AdamW with a one-cycle rate.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = build_classifier().to(memory_format=torch.channels_last)  # type: ignore[call-overload] # a quarter faster
        adam = torch.optim.AdamW(classifier.parameters(), 3e-3, weight_decay=1e-2)
        rate = torch.optim.lr_scheduler.OneCycleLR(adam, 3e-3, total_steps=steps)
        truth = torch.cat([torch.ones(batch // 2), torch.zeros(batch // 2)])
        for _ in range(steps):
            picks = [source[torch.randint(len(source), (batch // 2,))] for source in (first, second)]
            shown = torch.cat(picks)
            mirrored = torch.rand(batch) < 0.5
            shown = torch.where(mirrored[:, None, None, None], shown.flip(-1), shown)
            y, x = torch.randint(PATCH - SHOWN + 1, (2,)).tolist()
            shown = shown[..., y : y + SHOWN, x : x + SHOWN]
            loss = nn.functional.binary_cross_entropy_with_logits(classifier(shown)[:, 0], truth)
            adam.zero_grad()
            loss.backward()
            adam.step()
            rate.step()
    return classifier.eval()


@dataclass(frozen=True)
class TwoSampleResult:
    """Share of patches classified correctly by networks that never saw their patient or seed, mean over the splits.

    first, second  group -> share correct, of each source
    runs           accuracy of each network
    patches        number of patches of each source
    """

    first: dict[str, float]
    second: dict[str, float]
    runs: tuple[float, ...]
    patches: tuple[int, int]

    @property
    def accuracy(self) -> float:
        """Balanced accuracy: every patient or seed has the same weight, and both sources have the same weight."""
        return float((np.mean(list(self.first.values())) + np.mean(list(self.second.values()))) / 2)


def two_sample(first: Patches, second: Patches, splits: int = 2, steps: int = 600) -> TwoSampleResult:
    """Train on each half of the groups of both sources and classify the other half, for each random split."""
    sources = first, second
    shown = [torch.from_numpy(match_histograms(source.grey))[:, None] for source in sources]
    right = [np.zeros(len(source.grey)) for source in sources]
    runs: list[float] = []
    for split in range(splits):
        halves = [torch.from_numpy(source.in_first_half(split)) for source in sources]
        for train in (halves, [~half for half in halves]):
            chosen = [x[t] for x, t in zip(shown, train, strict=True)]
            classifier = train_classifier(chosen[0], chosen[1], len(runs), steps)
            logits = [logits_of(classifier, x[~t]) for x, t in zip(shown, train, strict=True)]
            hits = logits[0] > 0, logits[1] <= 0
            runs.append(float(np.mean([hit.mean() for hit in hits])))
            for total, hit, t in zip(right, hits, train, strict=True):
                total[~t.numpy()] += hit / splits
    shares = [_by_group(source.group, total) for source, total in zip(sources, right, strict=True)]
    return TwoSampleResult(shares[0], shares[1], tuple(runs), (len(first.grey), len(second.grey)))


def logits_of(classifier: nn.Module, patches: Tensor) -> np.ndarray:
    """The classifier's logits (n,) of patches (n, 1, 64, 64); above 0 means the first source."""
    with torch.inference_mode():
        return torch.cat([classifier(part)[:, 0] for part in patches.split(256)]).numpy()


def _by_group(groups: np.ndarray, right: np.ndarray) -> dict[str, float]:
    return {str(name): float(right[groups == name].mean()) for name in np.unique(groups)}


def accuracy_interval(
    result: TwoSampleResult, draws: int = 10_000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the accuracy; patients and seeds are drawn, never patches."""
    first, second = (np.array(list(side.values())) for side in (result.first, result.second))

    def balanced(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return (a.mean(axis) + b.mean(axis)) / 2

    return bootstrap_interval(first, second, of=balanced, draws=draws, level=level)


def difference(
    ours: TwoSampleResult, theirs: TwoSampleResult, draws: int = 10_000, level: float = 0.95
) -> dict[str, float]:
    """Accuracy of `ours` less that of `theirs`, with an interval that pairs the real patients, which are the same."""
    assert ours.first.keys() == theirs.first.keys(), "both must be tested against the same real patients"
    real = np.array([ours.first[name] - theirs.first[name] for name in ours.first])
    simulated = [np.array(list(one.second.values())) for one in (ours, theirs)]

    def balanced(a: np.ndarray, b: np.ndarray, c: np.ndarray, axis: int) -> np.ndarray:
        return (a.mean(axis) + b.mean(axis) - c.mean(axis)) / 2

    low, high = bootstrap_interval(real, *simulated, of=balanced, draws=draws, level=level)
    return {"mean": ours.accuracy - theirs.accuracy, "low": low, "high": high}
