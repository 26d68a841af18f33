"""Which simulated pairs to make (view, lesion, artefacts), and the pairs, rendered one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from echogan.core.errors import SettingsError
from echogan.core.settings import check_settings, number
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.anatomy.heart import VIEWS, View
from echogan.phantom.artefacts.degradation import ARTEFACTS, only
from echogan.phantom.clip import PhantomClip, PhantomSettings, Want
from echogan.phantom.lesions import CARRIED_BY, LesionKind
from echogan.phantom.render import Phantom, draw_view

MOST_SEED = 10**12
MOST_BARREN = 50
"""So many hearts in a row that cannot carry the lesion end the search."""
WANTED: tuple[Want, ...] = ("clean", "degraded", "labels", "support")


@dataclass(frozen=True)
class PairSettings:
    """The settings of `python -m echogan phantom`; `check` validates them."""

    clips: int = number(4, "pairs to write", 1, 10_000)
    seed: int = number(0, "seed of the first pair; the next has the next", 0, MOST_SEED)
    frames: int = number(32, "frames of each clip", 1, 1000)
    view: View | Literal["all"] = field(
        default="all", metadata={"help": "one view, or all in the shares that training draws"}
    )
    lesion: LesionKind | Literal["none"] = field(
        default="none",
        metadata={"help": "a lesion in each clip; its control without it is written beside it"},
    )
    only_artefact: tuple[str, ...] = field(
        default=(),
        metadata={"help": f"degrade only by this; may be repeated: {', '.join(ARTEFACTS)}"},
    )
    format: Literal["mp4", "webm", "gif", "dcm", "npz"] = field(
        default="mp4", metadata={"help": "of the clips; the arrays are always written as .npz"}
    )

    def check(self) -> None:
        """Raise SettingsError, naming the setting and what it may be, unless every value can be used."""
        check_settings(self)
        if self.lesion != "none" and self.view not in ("all", *CARRIED_BY[self.lesion]):
            raise SettingsError(
                f"The view {self.view} cannot show a lesion of the kind {self.lesion}; "
                f"choose {', '.join(CARRIED_BY[self.lesion])}."
            )
        self.phantom()

    def phantom(self) -> PhantomSettings:
        """The settings that the clips are drawn from. Raises SettingsError for an unknown artefact."""
        settings = PhantomSettings()
        if self.only_artefact:
            settings = replace(settings, degradation=only(settings.degradation, *self.only_artefact))
        if self.lesion == "none":
            return settings
        carriers = CARRIED_BY[self.lesion]
        shares = zip(VIEWS, settings.view_shares, strict=True)
        return replace(settings, view_shares=tuple(share * (view in carriers) for view, share in shares))


@dataclass(frozen=True)
class Pair:
    """One clip, clean and degraded; `role` is "control" for the copy of a clip without its lesion, else its lesion."""

    clip: PhantomClip
    role: str

    @property
    def truth(self) -> dict[str, Any]:
        """The clip's truth with the phantom's version."""
        return {"phantom_version": PHANTOM_VERSION, **self.clip.truth}

    @property
    def name(self) -> str:
        """The stem of its files."""
        truth = self.clip.truth
        return f"phantom_{truth['seed']:05d}_{truth['view']}" + (f"_{self.role}" if self.role else "")


def pairs(settings: PairSettings) -> Iterator[Pair]:
    """Render pair after pair, each lesion followed by its control. Raises SettingsError if no heart can carry it."""
    for phantom in _phantoms(settings):
        yield Pair(phantom.render(want=WANTED), "" if settings.lesion == "none" else settings.lesion)
        if phantom.lesion is not None:
            control = Phantom(phantom.view, phantom.seed, phantom.settings, phantom.frames)
            clip = control.render(degradation=phantom.degradation, want=WANTED)
            yield Pair(clip, f"{settings.lesion}_control")


def _phantoms(settings: PairSettings) -> Iterator[Phantom]:
    """As many as asked for, of consecutive seeds, without those whose heart has no space for the lesion."""
    phantoms, seed, barren = settings.phantom(), settings.seed, 0
    found = 0
    while found < settings.clips:
        view: View = draw_view(seed, phantoms) if settings.view == "all" else settings.view
        lesion = None if settings.lesion == "none" else settings.lesion
        phantom = Phantom(view, seed, phantoms, settings.frames, lesion=lesion)
        barren = barren + 1 if lesion and phantom.lesion is None else 0
        if barren > MOST_BARREN:
            raise SettingsError(
                f"None of {barren} hearts in a row can carry a lesion of the kind {lesion}; choose another view."
            )
        if not barren:
            found += 1
            yield phantom
        seed += 1
