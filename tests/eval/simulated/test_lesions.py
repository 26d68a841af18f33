"""Lesion contrast in closed form, the spot detector on planted spots, and retention on planted lesion clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from echogan.calibration.lesion_clips import LesionClip, lesion_clip, render
from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.render import Phantom, draw_view
from echogan.phantom.tissues import Tissue
from echogan.phantom_files.pairs import PairSettings
from eval.simulated import lesion_cases, lesions
from eval.simulated.lesion_cases import LesionCase
from eval.simulated.lesion_measures import SpotDetector, contrast, new_spot, surroundings

MM, SIZE = 0.6, 128
Y, X = np.mgrid[0:SIZE, 0:SIZE]


def disc(x: int, y: int, radius_mm: float) -> np.ndarray:
    """The pixels of a disc: bool (SIZE, SIZE)."""
    return np.hypot(X - x, Y - y) <= radius_mm / MM


def planted(kind: str = "mass", level: int = 110, support: int = 255) -> LesionClip:
    """A cavity of grey 60 in a wall of 90 to 150, with a lesion of 10 mm across and its control; two frames alike."""
    cavity, lesion = disc(64, 64, 28), disc(64, 64, 5)
    wall = np.where(cavity, Tissue.LV, Tissue.MYOCARDIUM).astype(np.uint8)
    texture = np.random.default_rng(0).integers(90, 151, cavity.shape)
    control = np.where(cavity, 60, texture).astype(np.uint8)
    # The lesion gets grey levels of the wall.
    grain = np.where((X + Y) % 2, 1, -1) * (texture - 90) // 3
    with_it = np.where(lesion, level + grain, control).astype(np.uint8)
    labels = np.where(lesion, Tissue.LESION, wall).astype(np.uint8)

    def two(image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.stack([image, image]))

    return LesionClip(
        poor=two(with_it), control=two(control), clear=two(np.where(lesion, 160, control).astype(np.uint8)),
        clear_control=two(control), labels=two(labels), control_labels=two(wall), lesion=two(lesion),
        support=two(np.full((SIZE, SIZE), support, np.uint8)), mask=torch.ones(SIZE, SIZE, dtype=torch.bool),
        fan=torch.tensor([64.0, 0, -40, 40, 1, 127]), mm=torch.tensor(MM), facts={"kind": kind},
    )  # fmt: skip


def case_of(clip: LesionClip) -> LesionCase:
    case = lesion_cases.make_case(clip)
    assert case is not None
    return case


LEAST = {"bright": 40.0, "dark": None}


def test_a_bright_lesion_is_compared_with_fluid_and_a_dark_one_with_tissue():
    clip = planted()
    lesion, labels = clip.array("lesion"), clip.array("labels")
    ring = surroundings(lesion, labels, 1, MM)
    assert contrast(clip.array("poor"), lesion, ring) == pytest.approx(50, abs=2)
    assert not (ring & lesion).any()
    away = np.hypot(X - 64, Y - 64)[ring[0]] * MM
    assert away.min() == pytest.approx(6, abs=MM)
    assert away.max() == pytest.approx(13, abs=MM)
    hole = np.stack([disc(64, 12, 4)] * 2)  # in the wall, by the cavity
    ring = surroundings(hole, np.where(hole, np.uint8(Tissue.LV), labels), -1, MM)
    assert set(labels[ring]) == {Tissue.MYOCARDIUM}
    assert contrast(np.where(hole, 60, clip.array("control")), hole, ring) == pytest.approx(-60, abs=2)


def test_a_lesion_too_small_to_measure_has_no_contrast():
    clip = planted()
    dot = np.zeros_like(clip.array("lesion"))
    dot[:, 64, 64] = True
    assert np.isnan(contrast(clip.array("poor"), dot, ~dot))


def test_only_a_lesion_that_the_input_shows_is_visible():
    assert case_of(planted()).before == pytest.approx(50, abs=2)
    assert case_of(planted()).truth == 100
    assert lesion_cases.make_case(planted(support=120)) is None
    assert lesion_cases.make_case(planted(level=67)) is None
    assert lesion_cases.make_case(planted(level=20)) is None  # darker than the fluid: no mass
    control = planted()
    # The control is as bright at this place.
    assert lesion_cases.make_case(replace(control, control=control.poor)) is None


@pytest.fixture
def detector():
    return SpotDetector(disc(64, 64, 28), MM, 1)


def test_a_planted_spot_stands_out_by_its_contrast(detector):
    flat = np.where(disc(64, 64, 28), 60, 120)
    assert detector(flat).max() == pytest.approx(0, abs=0.01)
    assert detector(flat + 50 * disc(60, 70, 5)).max() == pytest.approx(50, abs=5)
    assert detector(flat - 50 * disc(60, 70, 5)).max() < 10
    dark = SpotDetector(disc(64, 64, 28), MM, -1)
    assert dark(flat - 50 * disc(60, 70, 5)).max() == pytest.approx(50, abs=5)


def test_an_edge_a_ramp_and_a_single_pixel_are_no_spots(detector):
    flat = np.full((SIZE, SIZE), 60.0)
    assert detector(flat + 60 * (X > 64)).max() < 6
    assert detector(flat + 0.5 * X).max() < 5  # over a cavity of 47 grey levels from side to side
    assert detector(flat + 60 * (X == 64) * (Y == 64)).max() < 6


def test_a_spot_beside_the_wall_is_found_and_the_wall_is_not(detector):
    flat = np.where(disc(64, 64, 28), 60, 200)
    mural = disc(64, 64 + 38, 6) & disc(64, 64, 28)
    assert detector.strongest(flat + 50 * mural, mural) > 35
    assert detector(flat).max() == pytest.approx(0, abs=0.01)


def test_a_spot_is_new_only_where_none_was_known(detector):
    flat = np.full((SIZE, SIZE), 60.0)
    here, there = flat + 50 * disc(52, 64, 5), flat + 50 * disc(78, 64, 5)
    assert new_spot(detector(here), detector.known(flat, flat), 40)
    assert not new_spot(detector(here), detector.known(here, flat), 40)
    assert not new_spot(detector(here), detector.known(flat, here), 40)
    assert new_spot(detector(here), detector.known(there, there), 40)
    assert not new_spot(detector(here), detector.known(flat, flat), 60)


def test_input_truth_and_tone_curves_invent_nothing_and_a_lesion_is_detected():
    case = case_of(planted())
    control = case.clip.array("control")
    none = {"invented": set(), "faint": set()}
    assert lesion_cases.invented(case, control, LEAST) == none
    assert lesion_cases.invented(case, case.clip.array("clear_control"), LEAST) == none
    assert lesion_cases.invented(case, np.rint(255 * (control / 255) ** 0.4).astype(np.uint8), LEAST) == none
    assert lesion_cases.invented(case, case.clip.array("poor"), LEAST)["invented"] == {1}
    assert lesions.sensitivity([case], LEAST)["invented"]["mean"] == 1


def test_thresholds_are_contrasts_of_the_median_visible_lesion():
    cases = [case_of(planted(level=level)) for level in (85, 100, 130)]
    found = lesion_cases.thresholds(cases)
    assert found["bright"] == pytest.approx(40, abs=3)
    assert found["dark"] is None


def test_erasing_and_inventing_methods_are_recognised():
    cases = [case_of(planted()) for _ in range(4)]

    def shrink(frames, sector):
        return np.where(disc(64, 64, 5), 60 + 0.48 * (frames - 60.0), frames).round().astype(np.uint8)

    def invent(frames, sector):
        moved = np.roll(cases[0].clip.array("poor"), (-14, -14), (1, 2))
        return np.where(disc(50, 50, 5), moved, frames)

    kept = lesions.measure(cases, lambda frames, sector: frames, LEAST)
    assert kept["of_input"] == {"mean": 1, "low": 1, "high": 1}
    assert kept["of_truth"]["mean"] == pytest.approx(0.5, abs=0.02)
    assert (kept["erased"]["count"], kept["invented"]["count"], kept["faint"]["count"]) == (0, 0, 0)
    erased = lesions.measure(cases, shrink, LEAST)
    assert erased["of_input"]["mean"] == pytest.approx(0.48, abs=0.01)
    assert erased["erased"]["mean"] == erased["kinds"]["mass"]["erased"]["mean"] == 1
    assert lesions.measure(cases, invent, LEAST)["invented"]["mean"] == 1


def test_a_rendered_clip_differs_from_its_control_by_the_lesion_and_is_cached(tmp_path, monkeypatch):
    settings = replace(PairSettings(lesion="mass").phantom(), frame=FrameSettings(size=128))
    seed = next(s for s in range(20) if Phantom(draw_view(s, settings), s, settings, 1, lesion="mass").lesion)
    clip = render("mass", seed, 1, settings)
    assert clip is not None
    lesion = clip.array("lesion")[0]
    change = np.abs(clip.array("clear")[0].astype(int) - clip.array("clear_control")[0])
    assert change[lesion].mean() > 5 * change[~lesion & clip.array("mask")].mean()
    assert (clip.array("labels")[0][lesion] == Tissue.LESION).mean() > 0.9
    monkeypatch.setattr("echogan.calibration.lesion_clips.render", lambda kind, seed, frames: clip)
    first = lesion_clip("mass", seed, 1, tmp_path)
    monkeypatch.setattr("echogan.calibration.lesion_clips.render", pytest.fail)
    second = lesion_clip("mass", seed, 1, tmp_path)
    assert first is not None
    assert second is not None
    torch.testing.assert_close(first.poor, second.poor)
    assert second.facts == clip.facts
    assert second.sector.tissue_mask.sum() == clip.array("mask").sum()
