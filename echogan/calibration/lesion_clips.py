"""Simulated poor clips with one lesion each, and the same clips without it. They are rendered once and cached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from echogan.core.atomic import replacing
from echogan.core.geometry import Fan, Sector
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.acoustics import probe
from echogan.phantom.clip import PhantomSettings, Want
from echogan.phantom.lesions import LESIONS, LesionKind
from echogan.phantom.render import Phantom, draw_view
from echogan.phantom_files.pairs import PairSettings

STRIDE = 1_000_000  # between the first seeds of two kinds of lesion


@dataclass(frozen=True)
class LesionClip:
    """A poor clip with a lesion, its control without the lesion, and the clear truth of both.

    poor, control          uint8 (T, h, w): both degraded in the same way
    clear, clear_control   uint8 (T, h, w): the same frames through the best acoustic window
    labels, control_labels uint8 (T, h, w): Tissue values with and without the lesion
    lesion                 bool (T, h, w)
    support                uint8 (T, h, w): 255 x the share of the signal that survives
    mask                   bool (h, w): the sector
    fan                    the six numbers of `Fan`, as a tensor
    mm                     side of a pixel in millimetres, as a tensor
    """

    poor: torch.Tensor
    control: torch.Tensor
    clear: torch.Tensor
    clear_control: torch.Tensor
    labels: torch.Tensor
    control_labels: torch.Tensor
    lesion: torch.Tensor
    support: torch.Tensor
    mask: torch.Tensor
    fan: torch.Tensor
    mm: torch.Tensor
    facts: dict[str, object]

    def array(self, name: str) -> np.ndarray:
        """One of the tensors as a numpy array."""
        return getattr(self, name).numpy()

    @property
    def sector(self) -> Sector:
        """The phantom's own sector, without overlay."""
        mask = self.array("mask")
        x, y, *rest = self.fan.tolist()
        return Sector("fan", mask, np.zeros_like(mask), 1.0, Fan((x, y), *rest))


def lesion_clips(
    kind: LesionKind, first_seed: int, count: int, frames: int, folder: Path | None
) -> Iterator[LesionClip]:
    """The first `count` clips of a kind of lesion, of hearts from a seed on that can carry it; see `lesion_clip`."""
    seed, found = first_seed + STRIDE * LESIONS.index(kind), 0
    while found < count:
        clip = lesion_clip(kind, seed, frames, folder)
        seed += 1
        if clip is not None:
            found += 1
            yield clip


def lesion_clip(kind: LesionKind, seed: int, frames: int, folder: Path | None) -> LesionClip | None:
    """The clip of a seed; None where its heart cannot carry the lesion. A folder keeps it, where there is one."""
    if folder is None:
        return render(kind, seed, frames)
    path = folder / f"phantom-{PHANTOM_VERSION}" / f"{kind}-{seed}-{frames}.safetensors"
    if not path.exists():
        clip = render(kind, seed, frames)
        if clip is None:
            return None
        _keep(clip, path)
    with safe_open(path, "pt") as file:
        parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        return LesionClip(**parts, facts=json.loads(file.metadata()["facts"]))


def render(
    kind: LesionKind,
    seed: int,
    frames: int,
    settings: PhantomSettings | None = None,
) -> LesionClip | None:
    """Render clip, control and their clear truths, both with the degradation of the seed."""
    settings = settings or PairSettings(lesion=kind).phantom()
    view = draw_view(seed, settings)
    phantom = Phantom(view, seed, settings, frames, lesion=kind)
    if phantom.lesion is None:
        return None
    best = replace(settings, acoustics=probe.CLEAR)
    want: tuple[Want, ...] = ("degraded", "labels", "support")
    poor = phantom.render(want=want)
    control = Phantom(view, seed, settings, frames).render(degradation=phantom.degradation, want=want)
    clear = Phantom(view, seed, best, frames, lesion=kind).render(want=("clean",))
    clear_control = Phantom(view, seed, best, frames).render(want=("clean",))
    parts = {
        "poor": poor.degraded, "control": control.degraded, "clear": clear.clean,
        "clear_control": clear_control.clean, "labels": poor.labels, "control_labels": control.labels,
        "lesion": poor.lesion_mask, "support": poor.support,
    }  # fmt: skip
    facts = {"seed": seed, "view": view, **poor.truth["lesion"]}
    return LesionClip(
        **{name: part for name, part in parts.items() if part is not None},
        mask=poor.sector_mask,
        fan=torch.tensor(poor.fan, dtype=torch.float64),
        mm=torch.tensor(poor.truth["spacing_mm"], dtype=torch.float64),
        facts=facts,
    )


def _keep(clip: LesionClip, path: Path) -> None:
    parts = {f.name: getattr(clip, f.name).contiguous() for f in fields(clip) if f.name != "facts"}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another measurement may want the same clip at the same time: it finds all of it or nothing.
    with replacing(path) as part:
        save_file(parts, part, metadata={"facts": json.dumps(clip.facts)})
