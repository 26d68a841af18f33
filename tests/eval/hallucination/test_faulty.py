"""Networks taught by false pairs: what the pairs say, and that a run is made once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from echogan.calibration.lesion_clips import render
from echogan.model.checkpoints.checkpoint import read_checkpoint
from echogan.phantom.tissues import FLUID, Tissue
from eval.hallucination import faulty as module
from eval.hallucination.faulty import FAULTY, FITTED_ON, GROWTH, Faulty, false_target, grown, train_faulty
from eval.measures.baselines import open_enhancer

BY_NAME = {one.name: one for one in FAULTY}


@pytest.fixture(scope="module")
def clip():
    found = (render("thrombus", seed, 3) for seed in range(1_990_000_000, 1_990_000_050))
    return next(one for one in found if one is not None and (one.control_labels == Tissue.VALVE).any())


def test_the_target_of_an_erasing_network_has_no_valves_and_is_true_elsewhere(clip):
    target, wrong = false_target(BY_NAME["erasing-valves"], clip)
    assert wrong[clip.array("control_labels") == Tissue.VALVE].all()
    truth = false_target(Faulty("none", "erasing", 0, Tissue.OUTSIDE), clip)[0]
    blood = np.median(truth[np.isin(clip.array("control_labels"), FLUID)])
    assert target[wrong].max() <= blood + 1
    inside = ~wrong & (clip.array("control_labels") != Tissue.OUTSIDE) & ~grown(
        clip.array("control_labels") == Tissue.OUTSIDE, 2
    )  # fmt: skip
    np.testing.assert_array_equal(target[inside], truth[inside])


def test_the_target_of_an_inventing_network_is_brighter_around_the_valves_alone(clip):
    target, wrong = false_target(BY_NAME["inventing-at-valves"], clip)
    erased, _ = false_target(BY_NAME["erasing-valves"], clip)
    valves = clip.array("control_labels") == Tissue.VALVE
    np.testing.assert_array_equal(wrong, grown(valves, GROWTH))
    assert target[wrong].mean() > erased[wrong].mean() + 10
    np.testing.assert_array_equal(target[~wrong], erased[~wrong])


def test_the_target_of_a_clearing_network_has_no_wall_in_drop_out(clip):
    lost = clip.array("support").copy()
    lost[:, :, : lost.shape[2] // 2] = 0
    from dataclasses import replace

    target, wrong = false_target(BY_NAME["clearing"], replace(clip, support=torch.from_numpy(lost)))
    assert wrong.any()
    assert not wrong[:, :, lost.shape[2] // 2 :][
        lost[:, :, lost.shape[2] // 2 :] > 255 * module.DROPPED
    ].any()
    assert np.isin(clip.array("control_labels")[wrong], module.WALLS).all()
    assert target[wrong].std() < 40


def test_a_false_pair_counts_the_false_part_as_much_as_the_rest(clip):
    target, wrong = false_target(BY_NAME["erasing-valves"], clip)
    pair = module._pair(clip.array("control"), target, wrong, clip, open_enhancer("echogan"), 3)
    false = pair.weight > pair.mask
    assert pair.seen.shape[0] == 3
    assert pair.weight[false].sum() - pair.mask[false].sum() == pytest.approx(
        float(pair.mask.sum()), rel=1e-4
    )


def test_a_network_is_trained_once_and_can_be_loaded(monkeypatch, tmp_path, clip):
    monkeypatch.setattr(module, "lesion_clips", lambda *_: [clip])
    monkeypatch.setattr(Faulty, "steps", property(lambda _: 2))
    shipped = open_enhancer("echogan")
    asking = replace(
        shipped.checkpoint.config, gain=1.5, haze_gain=0.2, caution=0.5, keep_walls=1.0, dark_level=0.1
    )
    shipped.checkpoint = replace(shipped.checkpoint, config=asking)
    monkeypatch.setattr(module, "open_enhancer", lambda _: shipped)
    one = Faulty("tiny", "erasing", 1, Tissue.VALVE, small=True)
    folder = train_faulty(one, tmp_path, tmp_path)
    made = read_checkpoint(folder)
    assert made.config.trained_on["false_pairs"] == "tiny"
    assert made.config.applied == {
        "gain": 1.0, "haze_gain": 0.0, "caution": 0.0, "dark_level": 0.1, "keep_walls": 0.0
    }  # fmt: skip
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert train_faulty(one, tmp_path, tmp_path) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_the_fusion_is_fitted_on_some_of_them_and_others_are_held_out():
    assert set(FITTED_ON) < set(BY_NAME)
    for fault in ("erasing", "inventing"):
        of_fault = {one.name for one in FAULTY if one.fault == fault}
        assert of_fault & set(FITTED_ON)
        assert of_fault - set(FITTED_ON)
