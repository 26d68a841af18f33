"""Where training clips come from: the phantom, shards of real clips, and good clips made poor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor

from echogan.model.networks.discriminator_layers import LABELS
from echogan.model.networks.frames import FRAME_MS
from echogan.training.data.lesion_map import lesion_map
from echogan.training.data.shards import Shards

if TYPE_CHECKING:
    from echogan.phantom.clip import PhantomSettings, Want

Look = Literal["clear", "ordinary", "degraded", "pair"]
LOOKS = {"clear": "the best windows", "ordinary": "ordinary windows"}
SUPPORTED = (0.35, 0.75)
"""Support up to which the target is the poor frame, and from which it is the clear truth."""
KNOWN = "the clear clip where signal survived, the poor one where it did not"
CHAMBERS = ("LA", "RA", "LV", "RV")


@dataclass(frozen=True)
class TrainingClip:
    """One clip, on the CPU.

    frames  uint8 (T, h, w), black outside the sector     mask    bool (h, w), the sector
    truth   uint8 (T, h, w), the target                   labels  float (5,), see LABELS: 0, 1, NaN if unknown
    lesions uint8 (T, h, w), LESION, SURROUNDINGS or 0
    frame_ms  how long a frame lasts
    """

    frames: Tensor
    mask: Tensor
    labels: Tensor
    truth: Tensor | None = None
    lesions: Tensor | None = None
    frame_ms: float = FRAME_MS


class Source(Protocol):
    """A source of clips; it must be picklable for the worker processes."""

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """The clip of a seed, with at most `frames` frames; the same for the same seed."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the clips are, as JSON, for the checkpoint's config."""
        ...


UNKNOWN = torch.full((len(LABELS),), torch.nan)


@dataclass(frozen=True)
class PhantomSource:
    """Clips of the project's phantom, all views, rendered on `device` and handed over on the CPU.

    "clear" clips are seen through the best windows. A seed's own clean look, "ordinary", is as foggy as patients graded
    good, too close to the poor clips for a discriminator; a share of it among the good clips teaches the network to
    leave such clips alone. A "pair" is a degraded clip with the clear clip of the same heart as its truth.
    `foreshortened` is the share of apical views that are foreshortened, the same in both domains: if only poor clips
    were, a network would learn to lengthen hearts. Pairs are never foreshortened.
    `lesion_share` of the clips have a lesion, in any look, and a pair's truth has it too: the network must keep it.
    With `known_only` a pair's truth is limited to what can be known: see `known`. With `lesions` a pair says where its
    lesion is.
    """

    look: Look
    device: str = "cpu"
    foreshortened: float = 0.2
    lesion_share: float = 0.0
    known_only: bool = False
    lesions: bool = False

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """See Source."""
        from echogan.phantom.render import phantom_clip, phantom_pair

        settings = self.settings()
        if self.look == "pair":
            wanted: list[Want] = ["clean", "degraded"]
            if self.known_only:
                wanted.append("support")
            if self.lesions:
                wanted.append("labels")
            clip = phantom_pair(seed, settings, frames, self.device, wanted)
        else:
            want = ("clean" if self.good else "degraded",)
            clip = phantom_clip(seed, settings, frames, self.device, want)
        shown = clip.clean if self.good else clip.degraded
        truth = clip.clean if self.look == "pair" else None
        assert shown is not None
        if truth is not None and clip.support is not None:
            truth = known(truth, shown, clip.support)
        labels = finding_labels(clip.truth["findings"])
        return TrainingClip(
            shown.cpu(),
            clip.sector_mask.cpu(),
            labels,
            None if truth is None else truth.cpu(),
            lesion_map(clip),
            1000 / clip.truth["frame_rate"],
        )

    @property
    def good(self) -> bool:
        """Whether the clips are of the good domain."""
        return self.look in ("clear", "ordinary")

    def settings(self) -> PhantomSettings:
        """The settings that a clip is drawn from."""
        from echogan.phantom.acoustics.probe import CLEAR, AcousticSettings
        from echogan.phantom.anatomy.sizes import HeartSettings
        from echogan.phantom.clip import PhantomSettings

        heart = HeartSettings(foreshortening_chance=0.0 if self.look == "pair" else self.foreshortened)
        acoustics = CLEAR if self.look == "clear" else AcousticSettings()
        return PhantomSettings(heart, acoustics=acoustics, lesion_share=self.lesion_share)

    def facts(self) -> dict[str, Any]:
        """The phantom's version, the share of each view, and the share of foreshortened apical views."""
        from echogan.phantom import PHANTOM_VERSION
        from echogan.phantom.anatomy.heart import VIEWS

        settings = self.settings()
        return {
            "phantom": PHANTOM_VERSION,
            "look": LOOKS.get(self.look, self.look),
            "views": dict(zip(VIEWS, settings.view_shares, strict=True)),
            "foreshortened": settings.heart.foreshortening_chance,
            "lesions": settings.lesion_share,
            **({"truth": KNOWN if self.known_only else "clear"} if self.look == "pair" else {}),
        }


def known(clear: Tensor, poor: Tensor, support: Tensor) -> Tensor:
    """The target as far as it can be known: the clear frame where signal survived, the poor frame where it did not.

    All uint8 (T, h, w), support as the phantom gives it. A network trained on this target clears haze from a cavity
    and leaves a wall in drop-out unchanged, instead of guessing in either direction.
    """
    low, high = SUPPORTED
    share = ((support.float() / 255 - low) / (high - low)).clamp(0, 1)
    return torch.lerp(poor.float(), clear.float(), share).round().to(torch.uint8)


def finding_labels(findings: dict[str, str]) -> Tensor:
    """The findings of a phantom clip as LABELS: 1 for enlarged or hypertrophied, 0 for not, NaN where not in view."""
    wall = findings.get("LV_wall")
    values = [_is(findings.get(chamber), "normal") for chamber in CHAMBERS] + [_is(wall, "normal")]
    return torch.tensor(values)


def _is(finding: str | None, normal: str) -> float:
    return torch.nan if finding is None else float(finding != normal)


@dataclass(frozen=True)
class ShardSource:
    """Clips of a shard folder, each once before any repeats, in another order each time."""

    shards: Shards
    augmented: bool = True

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """See Source."""
        from echogan.training.data.augmentation import moved

        clip = self.shards.clip(position(seed, len(self.shards)), frames)
        shown, mask = moved(clip.frames, clip.mask, seed) if self.augmented else (clip.frames, clip.mask)
        return TrainingClip(shown, mask, UNKNOWN, frame_ms=clip.frame_ms)

    def facts(self) -> dict[str, Any]:
        """The facts of the shard folder."""
        return self.shards.facts()


@dataclass(frozen=True)
class SemiRealSource:
    """Good real clips made poor by the phantom's artefacts: real anatomy with a known truth.

    Their patients must not be in the good domain, because that would pair the domains. With `paired` the clips carry
    their truth.
    """

    shards: Shards
    paired: bool = False
    augmented: bool = True
    known_only: bool = False

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """See Source. Each seed draws its own degradation."""
        from echogan.phantom.artefacts.degradation import draw_degradation
        from echogan.phantom.artefacts.semireal import SEMI_REAL, degrade_frames
        from echogan.phantom.draw import Draw
        from echogan.training.data.augmentation import moved

        clip = self.shards.clip(position(seed, len(self.shards)), frames)
        assert clip.fan is not None
        drawn = draw_degradation(Draw(seed), SEMI_REAL)
        degraded = degrade_frames(clip.frames, clip.fan, drawn, seed)
        poor = torch.where(clip.mask, degraded.frames, 0).to(torch.uint8)
        truth = known(clip.frames, poor, degraded.support) if self.known_only else clip.frames
        both, mask = torch.cat([poor, truth]), clip.mask
        if self.augmented:
            both, mask = moved(both, mask, seed)
        poor, good = both.chunk(2)
        return TrainingClip(poor, mask, UNKNOWN, good if self.paired else None, frame_ms=clip.frame_ms)

    def facts(self) -> dict[str, Any]:
        """The facts of the shard folder, and that its clips were degraded."""
        from echogan.phantom import PHANTOM_VERSION

        return {"semi_real": True, "phantom": PHANTOM_VERSION, **self.shards.facts()}


def position(seed: int, count: int) -> int:
    """The clip of a seed among `count`. Seeds of one domain are two apart, so all clips come before any repeats."""
    turn, place = divmod(seed // 2, count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(turn))
    return int(order[place])
