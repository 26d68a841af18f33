"""Every artefact draws from a stream of its own name: one more, or one less, leaves all else bit for bit the same."""

from dataclasses import dataclass, fields, replace

import pytest
import torch

from echogan.core.geometry import Fan
from echogan.phantom.acoustics.receiver import Receiver
from echogan.phantom.artefacts import degradation as degradations
from echogan.phantom.artefacts import vendor_look
from echogan.phantom.artefacts.degradation import (
    ARTEFACTS,
    DRAWN_FIELDS,
    Degradation,
    DegradationSettings,
    draw_degradation,
    only,
)
from echogan.phantom.artefacts.semireal import degrade_frames
from echogan.phantom.artefacts.vendor_look import VendorLook, VendorLookSettings, draw_look
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.draw import Draw, Noise, named_seed
from echogan.phantom.render import Phantom, phantom_pair

torch.set_num_threads(1)
SETTINGS = DegradationSettings()
FAN = Fan((64.0, 4.0), -38.0, 38.0, 2.0, 120.0)

# Artefact -> a strength that makes it be there and change nothing. Those without one act by being there, as JPEG does.
NOTHING: dict[str, dict] = {
    "drop_out": {"drop_out_db": 0.0},
    "haze": {"haze_db": -300.0},
    "near_clutter": {"near_clutter_db": -300.0},
    "streaks": {"streaks_db": -300.0},
    "reverberation": {"reverberation_db": -300.0},
    "edge_loss": {"edge_loss_db": (0.0, 0.0)},
    "attenuation": {"attenuation_db_cm": 0.0},
    "noise": {"noise_db": -300.0},
    "dynamic_range": {"dynamic_range": 1.0},
    "gain": {"gain_db": 0.0},
    "gamma": {"gamma": 1.0},
    "frame_hold": {"frame_hold": 1},
    "down_up": {"down_up_px": 4096},
}
SHOWN = Degradation(
    drop_out_db=18.0, haze_db=-9.0, near_clutter_db=0.0, streaks_db=-8.0, noise_db=-26.0, noise_slope_db=6.0,
    pattern_seed=5,
)  # fmt: skip
"""What draws patterns and noise when it degrades frames."""


@dataclass(frozen=True)
class FoggySettings(DegradationSettings):
    """The settings, with one artefact more."""

    fog_chance: float = 0.5
    fog_db: tuple[float, float] = (-9.0, 3.0)


@dataclass(frozen=True)
class Foggy(Degradation):
    """A degradation, with one artefact more."""

    fog_db: float | None = None


def test_a_stream_follows_from_its_seed_and_name_alone():
    draw = Draw(7)
    first = draw.stream("haze").normal(4)
    draw.normal(100)
    assert torch.equal(draw.stream("haze").normal(4), first)
    assert not torch.equal(draw.stream("noise").normal(4), first)
    assert not torch.equal(Draw(8).stream("haze").normal(4), first)
    assert torch.equal(Noise(7).stream("haze").normal(4), Noise(named_seed(7, "haze")).normal(4))
    # Pinned: the stream of a name is the same in every process, on every machine, in every version.
    assert named_seed(7, "haze") == 14331020761330496837


def drawn(seed: int, settings: DegradationSettings) -> dict:
    return draw_degradation(Draw(seed), settings).to_json()


def test_a_new_artefact_leaves_every_number_of_the_others(monkeypatch):
    before = [drawn(seed, SETTINGS) for seed in range(20)]
    monkeypatch.setattr(degradations, "DRAWN_FIELDS", {"fog": ("fog_db",), **DRAWN_FIELDS})
    monkeypatch.setattr(degradations, "Degradation", Foggy)
    after = [drawn(seed, FoggySettings()) for seed in range(20)]
    assert {foggy.pop("fog_db") is None for foggy in after} == {True, False}
    assert after == before


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_an_artefact_off_or_on_leaves_every_number_of_the_others(artefact):
    own = set(DRAWN_FIELDS[artefact])
    for seed in range(10):
        made = [drawn(seed, replace(SETTINGS, **{f"{artefact}_chance": chance})) for chance in (0.0, 1.0)]
        off, on = ({name: value for name, value in each.items() if name not in own} for each in made)
        assert off == on


def test_the_order_of_the_artefacts_does_not_matter(monkeypatch):
    before = drawn(3, only(SETTINGS, *ARTEFACTS))
    monkeypatch.setattr(degradations, "DRAWN_FIELDS", dict(reversed(DRAWN_FIELDS.items())))
    assert drawn(3, only(SETTINGS, *ARTEFACTS)) == before


def test_every_field_is_drawn_for_one_artefact():
    names = [name for owned in DRAWN_FIELDS.values() for name in owned]
    assert sorted([*names, "pattern_seed"]) == sorted(f.name for f in fields(Degradation))


def test_a_part_of_a_look_leaves_every_number_of_the_others(monkeypatch):
    for part, own in vendor_look.DRAWN_FIELDS.items():
        for seed in range(10):
            looks = [
                draw_look(Draw(seed), replace(VendorLookSettings(), **{f"{part}_chance": chance})).to_json()
                for chance in (0.0, 1.0)
            ]
            off, on = ({name: value for name, value in each.items() if name not in own} for each in looks)
            assert off == on, part
    before = draw_look(Draw(1))
    monkeypatch.setattr(vendor_look, "DRAWN_FIELDS", dict(reversed(vendor_look.DRAWN_FIELDS.items())))
    assert draw_look(Draw(1)) == before != VendorLook()


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return Phantom("A4C", 8, frames=5)


@pytest.fixture(scope="module")
def shown(phantom):
    return phantom.render(degradation=SHOWN)


def without(artefact: str) -> Degradation:
    """SHOWN with an artefact that is there and does nothing in place of its own."""
    return replace(SHOWN, **NOTHING[artefact])


@pytest.mark.parametrize(
    "artefact", [name for name in NOTHING if getattr(SHOWN, DRAWN_FIELDS[name][0]) is None]
)
def test_an_artefact_that_is_added_moves_no_pattern_of_a_simulated_clip(phantom, shown, artefact):
    again = phantom.render(degradation=without(artefact))
    assert torch.equal(again.degraded, shown.degraded)
    assert torch.equal(again.clean, shown.clean)


@pytest.mark.parametrize(
    "artefact", [name for name in NOTHING if getattr(SHOWN, DRAWN_FIELDS[name][0]) is not None]
)
def test_an_artefact_that_is_taken_away_moves_no_pattern_of_a_simulated_clip(phantom, shown, artefact):
    """Present without any strength, or absent: all others lie as they did."""
    absent = replace(SHOWN, **dict.fromkeys(NOTHING[artefact], None))
    faint, gone = (phantom.render(degradation=each) for each in (without(artefact), absent))
    assert torch.equal(faint.degraded, gone.degraded)
    assert not torch.equal(gone.degraded, shown.degraded)


@pytest.mark.parametrize("artefact", NOTHING)
def test_no_artefact_moves_a_pattern_on_real_frames(artefact):
    noise = torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(1))
    frames = (120 + 30 * noise).clamp(5, 255).to(torch.uint8)
    absent = replace(SHOWN, **dict.fromkeys(NOTHING[artefact], None))
    faint, gone = (degrade_frames(frames, FAN, each, seed=3).frames for each in (without(artefact), absent))
    assert torch.equal(faint, gone)


def test_the_noise_of_the_probe_is_the_same_under_every_degradation(phantom):
    def noise(degradation: Degradation | None) -> torch.Tensor:
        receiver = Receiver(phantom.acquisition, degradation, 30.0, 5, 77, "cpu")
        return receiver.noise.received(2, phantom.beams.rows, phantom.beams.columns)

    plain = noise(None)
    for name in ARTEFACTS:
        assert torch.equal(noise(draw_degradation(Draw(2), only(SETTINGS, name))), plain), name


def test_the_clear_clip_of_a_pair_is_the_same_whatever_degrades_the_poor_one():
    pairs = [
        phantom_pair(4, PhantomSettings(degradation=settings), 2, want=("clean", "degraded"), view="A4C")
        for settings in (SETTINGS, only(SETTINGS), only(SETTINGS, *ARTEFACTS))
    ]
    for other in pairs[1:]:
        assert torch.equal(other.clean, pairs[0].clean)
        assert not torch.equal(other.degraded, pairs[0].degraded)
