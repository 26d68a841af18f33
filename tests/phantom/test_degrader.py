"""Every artefact alone does what its unit says, in beam space; support falls as artefacts grow."""

import math
from itertools import pairwise

import pytest
import torch

from echogan.phantom.artefacts.degradation import (
    ARTEFACTS,
    Degradation,
    DegradationSettings,
    Shadow,
    draw_degradation,
    only,
)
from echogan.phantom.artefacts.degrader import CLUTTER_TURNS, HAZE_TURNS, Degrader
from echogan.phantom.artefacts.patterns import Stationary, place_of, streak_amplitude
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw

BEAMS = Beams(half_angle=0.65, depth_cm=14.4)
RATE = 30.0


def degrader(frames: int = 8, beams: Beams = BEAMS, **strengths) -> Degrader:
    return Degrader(Degradation(**strengths), beams, RATE, frames, Draw(1), "cpu")


def muscle(frames: int = 8, looks: int = 2, seed: int = 5) -> torch.Tensor:
    """Normal myocardium everywhere."""
    return Draw(seed).normal(frames, looks, 2, BEAMS.rows, BEAMS.columns)


def nothing(frames: int = 8, looks: int = 2) -> torch.Tensor:
    return torch.zeros(frames, looks, 2, BEAMS.rows, BEAMS.columns)


def whole(frames: int = 8) -> torch.Tensor:
    return torch.zeros(frames, BEAMS.rows, BEAMS.columns)


def db(energy: torch.Tensor | float) -> float:
    return 10 * math.log10(float(energy))


def level_db(field: torch.Tensor) -> float:
    """Level against normal myocardium, whose parts have a variance of 1 each."""
    return db(field.square().mean())


def row_of(cm: float) -> int:
    return int(cm / BEAMS.row_cm)


def test_without_artefacts_nothing_changes():
    d, field = degrader(), muscle()
    assert torch.equal(d.after_psf(d.before_psf(field, whole() + 1, 0, 8), 0, 8), field)
    assert torch.equal(d.gain, torch.ones_like(d.gain))
    assert d.hiss is None
    assert d.support(whole() + 1, 0, 8, -200).min() == pytest.approx(1)


def test_shadow_lowers_energy_by_its_db_inside_and_not_beside_it():
    shadow = Shadow(centre=0.3, half_width=0.3, loss_db=20, from_cm=2)
    energy = (muscle() * degrader(shadows=(shadow,)).gain).square() / muscle().square()
    energy = energy.mean((0, 1, 2))
    across = torch.linspace(-1, 1, BEAMS.columns)
    deep, within = slice(row_of(4), None), (across - 0.3).abs() < 0.08
    assert db(energy[deep, within].mean()) == pytest.approx(-20, abs=0.5)
    assert db(energy[deep, (across - 0.3).abs() > 0.65].mean()) == pytest.approx(0, abs=0.1)
    assert db(energy[: row_of(1.9), within].mean()) == pytest.approx(0, abs=0.1)


def test_two_shadows_add_where_they_overlap():
    one, two = Shadow(0, 0.4, 10, 1), Shadow(0.1, 0.4, 15, 1)
    middle = degrader(shadows=(one, two)).gain[row_of(8), BEAMS.columns // 2]
    assert db(middle**2) == pytest.approx(-25, abs=0.3)


def test_attenuation_has_the_stated_slope():
    gain = degrader(attenuation_db_cm=1.5).gain
    assert db((gain[row_of(12)] / gain[row_of(6)])[0] ** 2) == pytest.approx(-1.5 * 6, abs=0.1)
    assert torch.equal(gain[: row_of(4)], torch.ones_like(gain[: row_of(4)]))


def test_edge_loss_darkens_each_edge_by_its_own_db():
    gain = degrader(edge_loss_db=(6, 18), edge_from=(0.5, 0.5)).gain[-1]
    assert db(gain[0] ** 2) == pytest.approx(-6, abs=0.1)
    assert db(gain[-1] ** 2) == pytest.approx(-18, abs=0.1)
    assert db(gain[BEAMS.columns // 2] ** 2) == pytest.approx(0, abs=0.01)


def test_noise_has_its_level_at_the_face_and_its_slope():
    hiss = degrader(noise_db=-30.0, noise_slope_db=12.0).hiss
    assert hiss is not None
    assert hiss.shape == (BEAMS.rows, 1)
    noise = (Draw(3).normal(50, BEAMS.rows, BEAMS.columns) * hiss).square().mean((0, 2))
    assert db(noise[:4].mean()) == pytest.approx(-30, abs=0.3)
    assert db(noise[-4:].mean()) == pytest.approx(-18, abs=0.3)


def test_drop_out_takes_its_db_where_tissue_drops_out():
    drop = whole()
    drop[:, :, 64:] = 1
    drop[:, :, :20] = 0.5
    field = muscle()
    ratio = degrader(drop_out_db=16.0).before_psf(field, drop, 0, 8).square() / field.square()
    assert db(ratio[..., 64:].mean()) == pytest.approx(-16, abs=0.01)
    assert db(ratio[..., :20].mean()) == pytest.approx(-8, abs=0.01)
    assert db(ratio[..., 20:64].mean()) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("level", [-20.0, -9.0])
def test_haze_adds_the_stated_level_on_average(level):
    added = degrader(haze_db=level).after_psf(muscle(), 0, 8) - muscle()
    assert level_db(added) == pytest.approx(level, abs=0.7)


def test_haze_fills_a_cavity_from_the_echoes_around_it():
    """In a dark hole haze stands above the blood, and farther from bright tissue there is less of it."""
    field = muscle()
    field[..., 100:200, 40:88] *= 10 ** (-30 / 20)
    hazed = degrader(haze_db=-10.0).after_psf(field, 0, 8)
    assert level_db(hazed[..., 120:180, 50:78]) > -24
    dark = degrader(haze_db=-10.0).after_psf(muscle() * 0.01, 0, 8)
    assert level_db(dark) == pytest.approx(-40 + 10 * math.log10(1.1), abs=0.3)


def test_haze_is_smooth_across_the_beams():
    added = degrader(haze_db=0.0).after_psf(nothing() + 1, 0, 8) - 1
    a, b = added[..., :-1].flatten(), added[..., 1:].flatten()
    rows = torch.corrcoef(torch.stack([added[..., :-1, :].flatten(), added[..., 1:, :].flatten()]))[0, 1]
    assert torch.corrcoef(torch.stack([a, b]))[0, 1] > 0.7
    assert rows < 0.2


def test_reverberation_repeats_a_reflector_deeper_and_weaker():
    field = nothing()
    field[..., row_of(5), :] = 1
    field[:, 1] *= -1
    out = degrader(reverberation_db=-14.0, reverberation_cm=2.5).after_psf(field, 0, 8)
    copies = (out - field)[0, 0, 0, :, 60]
    assert int(copies.abs().argmax()) * BEAMS.row_cm == pytest.approx(
        row_of(5) * BEAMS.row_cm + 2.5, abs=0.06
    )
    assert db(copies.abs().max() ** 2) == pytest.approx(-14, abs=0.01)
    assert (copies != 0).sum() == 1
    assert torch.equal(out[:, 1], -out[:, 0])


def test_near_clutter_has_its_level_at_the_face_and_its_reach():
    added = degrader(near_clutter_db=2.0, near_clutter_reach_cm=3.0).before_psf(nothing(), whole(), 0, 8)
    by_depth = added.square().mean((0, 1, 2, 4))
    # The bands average 0.45 to 1 squared: -2.7 dB; the uneven gain has a mean of about 0 dB.
    assert db(by_depth[: row_of(1.2)].mean()) == pytest.approx(2 - 8.7 * 0.6 / 3 - 2.7, abs=2.5)
    fall = db(by_depth[row_of(10) : row_of(13)].mean() / by_depth[row_of(1) : row_of(4)].mean())
    assert fall == pytest.approx(-8.7 * 9 / 3, abs=4)


def test_streaks_are_few_arcs_below_their_crest():
    added = degrader(frames=8, streaks_db=-8.0).before_psf(nothing(), whole(), 0, 8)
    amplitude = added.square().mean((0, 1, 2)).sqrt()
    assert 0.03 < (amplitude > 1e-3).float().mean() < 0.35
    streaks = Degradation(streaks_db=-8.0)
    crest = streak_amplitude(place_of("streaks", streaks), streaks, BEAMS)
    assert db(crest.max() ** 2) == pytest.approx(-8, abs=0.5)
    assert level_db(added[..., crest > 0.9 * crest.max()]) == pytest.approx(-8, abs=1)
    there = (amplitude > 0.02).float()
    along = (there[:, 1:] * there[:, :-1]).sum() / there.sum()
    down = (there[8:] * there[:-8]).sum() / there.sum()
    assert along > 0.85
    assert down < 0.5 * along


def likeness(one: torch.Tensor, two: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1])


@pytest.mark.parametrize("artefact", [{"near_clutter_db": 4.0}, {"streaks_db": -6.0}])
def test_clutter_stays_while_tissue_moves(artefact):
    """Frame to frame clutter is the same to 0.95 and more; after seconds it is another. New tissue each frame."""
    d = degrader(90, **artefact)
    tissue = muscle(90, 1, seed=8)
    added = d.before_psf(tissue, whole(90), 0, 90) - tissue
    assert min(likeness(added[i], added[i + 1]) for i in range(0, 80, 10)) > 0.95
    assert likeness(added[0], added[60]) < 0.95
    assert abs(likeness(tissue[0], tissue[1])) < 0.05


def test_haze_stays_while_tissue_moves():
    added = degrader(8, haze_db=-3.0).after_psf(muscle(8), 0, 8) - muscle(8)
    assert likeness(added[0], added[1]) > 0.9
    assert likeness(added[0], added[7]) < likeness(added[0], added[1])


def test_looks_see_the_same_clutter_but_different_haze():
    clutter = Stationary(Draw(0), BEAMS, RATE, CLUTTER_TURNS, (0, 0)).frames(0, 1, 2)[0]
    haze = Stationary(Draw(0), BEAMS, RATE, HAZE_TURNS, (0, 0)).frames(0, 1, 2)[0]
    assert likeness(clutter[0], clutter[1]) > 0.7
    assert abs(likeness(haze[0], haze[1])) < 0.3
    for added in (clutter, haze):
        assert added.square().mean() == pytest.approx(1, abs=0.03)


def test_chunks_make_the_same_frames_as_one_piece():
    settings = only(DegradationSettings(), *ARTEFACTS)
    degradation = draw_degradation(Draw(3), settings)
    field, drop = muscle(12), Draw(2).normal(12, BEAMS.rows, BEAMS.columns).clamp(0, 1)

    def run(pieces: list[tuple[int, int]]) -> torch.Tensor:
        d = Degrader(degradation, BEAMS, RATE, 12, Draw(1), "cpu")
        return torch.cat([d.after_psf(d.before_psf(field[a:b], drop[a:b], a, b), a, b) for a, b in pieces])

    assert torch.allclose(run([(0, 12)]), run([(0, 8), (8, 12)]), atol=1e-4)


def test_inputs_are_left_alone():
    d = Degrader(
        draw_degradation(Draw(3), only(DegradationSettings(), *ARTEFACTS)), BEAMS, RATE, 8, Draw(0), "cpu"
    )
    field = muscle()
    before = field.clone()
    d.after_psf(d.before_psf(field, whole() + 0.5, 0, 8), 0, 8)
    d.after_psf(field, 0, 8)
    assert torch.equal(field, before)


def test_hold_shows_each_frame_as_often_as_said():
    frames = torch.arange(8)[:, None, None]
    assert degrader(frame_hold=3).hold(frames).flatten().tolist() == [0, 0, 0, 3, 3, 3, 6, 6]
    assert torch.equal(degrader().hold(frames), frames)


def support(level_drop: float = 0.0, floor: float = -30.0, **strengths) -> torch.Tensor:
    d = degrader(4, **strengths)
    d.after_psf(muscle(4), 0, 4)
    return d.support(whole(4) + level_drop, 0, 4, floor)


@pytest.mark.parametrize(
    "falling",
    [
        [{"shadows": (Shadow(0, 0.4, loss, 1),)} for loss in (0.0, 10.0, 20.0, 35.0)],
        [{"haze_db": level} for level in (-24.0, -12.0, -6.0, 0.0)],
        [{"noise_db": level} for level in (-40.0, -30.0, -20.0, -10.0)],
        [{"near_clutter_db": level} for level in (-20.0, -6.0, 0.0, 8.0)],
        [{"attenuation_db_cm": loss} for loss in (0.0, 0.5, 1.0, 1.6)],
        [{"drop_out_db": loss, "level_drop": 1.0} for loss in (0.0, 8.0, 16.0, 24.0)],
    ],
)
def test_support_falls_as_an_artefact_grows_and_stays_within_0_and_1(falling):
    maps = [support(**strengths) for strengths in falling]
    for weaker, stronger in pairwise(maps):
        assert (stronger <= weaker + 1e-6).all()
        assert stronger.mean() < weaker.mean()
    assert all(m.min() >= 0 and m.max() <= 1 for m in maps)
    assert maps[0].shape == (4, BEAMS.rows, BEAMS.columns)


def test_support_is_the_share_of_the_energy():
    """A shadow of 30 dB on a display that is black at -30 dB: half. Haze of 0 dB over muscle: about half too."""
    shadowed = support(shadows=(Shadow(0, 0.4, 30, 1),))
    assert shadowed[0, row_of(10), BEAMS.columns // 2] == pytest.approx(0.5, abs=0.03)
    assert support(haze_db=0.0).median() == pytest.approx(0.5, abs=0.12)
    assert support(shadows=(Shadow(0, 0.4, 60, 1),))[0, row_of(10), BEAMS.columns // 2] < 0.01
