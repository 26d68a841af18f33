"""The segmenter's training: labels, variation without a mirror, exact resume, and a toy task that it learns."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from echogan.core.errors import SettingsError, TrainingError
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Wall
from echogan.phantom.tissues import Tissue
from echogan.training.segmenter.data import (
    IGNORED,
    Frames,
    place,
    recolour,
    render_phantom,
    render_walls,
    to_classes,
    wall_classes,
)
from echogan.training.segmenter.state import SegmentState
from echogan.training.segmenter.train import SegmentConfig, main, segmentation_loss, train_segmenter


def blob(seed: int, frames: int, size: int) -> Frames:
    """A bright square left of the middle is class 1, a darker one right of it class 3."""
    chance = torch.Generator().manual_seed(seed)
    classes = torch.zeros(frames, size, size, dtype=torch.long)
    classes[:, size // 4 : size // 2, size // 4 : size // 2 - 2] = 1
    classes[:, size // 2 : 3 * size // 4, size // 2 + 2 : 3 * size // 4] = 3
    grey = torch.tensor([0.2, 0.9, 0.0, 0.6])[classes]
    noise = 0.03 * torch.randn(grey.shape, generator=chance)
    return Frames(((grey + noise).clamp(0, 1) * 2 - 1)[:, None], classes)


TOY = SegmentConfig(
    name="toy", steps=6, batch_size=2, size=64, channels=4, clips_per_round=1, frames_per_clip=1,
    steps_per_round=2, rounds_kept=2, held_out_clips=1, save_every=3, tick=1,
)  # fmt: skip


def test_tissues_become_classes_by_majority():
    labels = torch.zeros(1, 4, 8, dtype=torch.uint8)
    labels[:, :, :2], labels[:, :, 2:4] = Tissue.LV, Tissue.PAPILLARY
    labels[:, :, 4:6], labels[:, :, 6:] = Tissue.VALVE, Tissue.RV_WALL
    labels[0, 0, 0] = Tissue.MYOCARDIUM  # one pixel of four
    assert to_classes(labels, 4)[0, 0].tolist() == [1, 1, IGNORED, 0]
    assert to_classes(labels, 8)[0, 0].tolist() == [2, 1, 1, 1, IGNORED, IGNORED, 0, 0]


def test_labels_move_with_the_picture_and_left_stays_left():
    frames = blob(0, 16, 64)
    exact = Frames(frames.classes[:, None].float() / 3 * 2 - 1, frames.classes)
    moved = place(exact, torch.Generator().manual_seed(1))
    shown = ((moved.images[:, 0] + 1) * 1.5).round().long()
    assert float((shown == moved.classes).float().mean()) > 0.97
    assert not torch.equal(moved.classes, exact.classes)
    columns = torch.arange(64.0)
    for classes in moved.classes:
        left, right = (columns.expand(64, 64)[classes == k].mean() for k in (1, 3))
        assert left < right


def test_another_grey_curve_leaves_black_and_classes():
    frames = blob(0, 4, 64)
    frames.images[:, :, :8] = -1
    changed = recolour(frames, torch.Generator().manual_seed(0))
    assert torch.equal(changed.images[:, :, :8], frames.images[:, :, :8])
    assert torch.equal(changed.classes, frames.classes)
    assert float((changed.images - frames.images).abs().mean()) > 0.02
    assert float(changed.images.abs().max()) <= 1


def test_loss_is_near_zero_for_the_truth_and_blind_where_ignored():
    classes = blob(0, 2, 64).classes
    right = 20 * torch.nn.functional.one_hot(classes, 6).movedim(3, 1).float()
    # Absent structures count as found, so the truth itself costs nothing.
    assert float(segmentation_loss(right, classes)) < 1e-3
    wrong, ignored = right.clone(), classes.clone()
    wrong[:, :, :16, :16] = torch.randn(2, 6, 16, 16)
    ignored[:, :16, :16] = IGNORED
    assert float(segmentation_loss(wrong, ignored)) < 1e-3
    assert float(segmentation_loss(wrong, classes)) > 0.1


def test_a_resumed_run_has_the_same_bits(tmp_path: Path):
    whole = train_segmenter(replace(TOY, folder=str(tmp_path / "a")), blob, say=lambda text: None)
    cut = replace(TOY, folder=str(tmp_path / "b"))

    def stop_at_three(text: str) -> None:
        if text.startswith("step 3/"):
            (tmp_path / "b" / "toy" / "stop").touch()

    broken = train_segmenter(cut, blob, say=stop_at_three)
    assert json.loads((broken / "metrics.jsonl").read_text().splitlines()[-1])["step"] <= 4
    train_segmenter(replace(cut, resume=True), blob, say=lambda text: None)
    first, second = (load_file(path / "state.safetensors") for path in (whole, broken))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert load_segmenter(whole / "checkpoint").sha256 == load_segmenter(broken / "checkpoint").sha256


def test_it_learns_what_it_is_shown(tmp_path: Path):
    config = replace(TOY, folder=str(tmp_path), steps=70, save_every=70, tick=70, batch_size=4,
                     clips_per_round=4, learning_rate=2e-2, ema_decay=0.5)  # fmt: skip
    folder = train_segmenter(config, blob, say=lambda text: None)
    found = load_segmenter(folder / "checkpoint").config.training["held_out_dice"]
    assert found["LV"] > 0.85
    assert found["LA"] > 0.7


def test_phantom_frames_carry_their_chambers():
    frames = render_phantom(700_000_001, 1, 64)  # seed of good and poor looks
    assert frames.images.shape[1:] == (1, 64, 64)
    assert len(frames.images) == len(frames.classes) >= 1
    assert set(frames.classes.unique().tolist()) <= {0, 1, 2, 3, 4, 5, IGNORED}
    assert 0.02 < float((frames.classes == 1).float().mean()) < 0.5


def test_walls_are_shown_or_hidden_by_their_support():
    tissues = [Tissue.MYOCARDIUM, Tissue.RV_WALL, Tissue.ATRIAL_WALL, Tissue.MYOCARDIUM]
    tissues += [Tissue.LV, Tissue.PERICARDIUM, Tissue.VALVE, Tissue.LESION]
    labels = torch.tensor([tissues], dtype=torch.uint8)
    support = torch.tensor([[255, 192, 89, 140, 0, 0, 255, 0]], dtype=torch.uint8)  # 1, .753, .349, .55, ...
    shown, hidden, none = Wall.SHOWN, Wall.HIDDEN, Wall.NONE
    wanted = [shown, shown, hidden, IGNORED, none, none, IGNORED, IGNORED]
    assert wall_classes(labels, support).tolist() == [wanted]


def test_phantom_frames_carry_their_walls():
    clear, poor = (render_walls(seed, 2, 64) for seed in (760_000_000, 760_000_003))
    assert clear.images.shape == poor.images.shape == (2, 1, 64, 64)
    assert 0.02 < float((clear.classes == Wall.SHOWN).float().mean()) < 0.4
    assert not (clear.classes == Wall.HIDDEN).any(), "the best windows hide nothing"
    assert float((poor.classes == Wall.HIDDEN).float().mean()) > 0.005, "this heart has a wall in drop-out"


def test_it_learns_walls_from_the_weights_of_another(tmp_path: Path):
    before = train_segmenter(replace(TOY, folder=str(tmp_path), steps=1), blob, say=lambda text: None)
    config = replace(
        TOY, folder=str(tmp_path), name="walls", finds="walls", start_from=str(before / "checkpoint")
    )
    first, state = load_segmenter(before / "checkpoint").network, SegmentState(config)
    for name, weight in state.network.state_dict().items():
        same = (
            torch.equal(weight, first.state_dict()[name])
            if not name.startswith("head.")
            else len(weight) == 3
        )
        assert same, name
    config = replace(config, steps=120, save_every=120, tick=120, batch_size=4, clips_per_round=4,
                     learning_rate=2e-2, ema_decay=0.5)  # fmt: skip
    found = load_segmenter(train_segmenter(config, hidden_blob, lambda text: None) / "checkpoint", "walls")
    assert found.config.training["held_out_dice"]["HIDDEN"] > 0.8
    with pytest.raises(TrainingError, match="channels"):
        SegmentState(replace(config, channels=8))


def hidden_blob(seed: int, frames: int, size: int) -> Frames:
    """The bright square of `blob` is a hidden wall, the darker one is nothing."""
    made = blob(seed, frames, size)
    return Frames(made.images, torch.where(made.classes == 1, int(Wall.HIDDEN), int(Wall.NONE)))


def test_mistakes_are_told_in_a_sentence(tmp_path: Path, capsys):
    with pytest.raises(SettingsError, match="batch_size is 0"):
        train_segmenter(replace(TOY, batch_size=0, folder=str(tmp_path)), blob)
    folder = replace(TOY, folder=str(tmp_path), steps=1)
    train_segmenter(folder, blob, say=lambda text: None)
    with pytest.raises(TrainingError, match="another seed"):
        train_segmenter(replace(folder, seed=1, resume=True), blob)
    assert main(["--name", "toy", "--folder", str(tmp_path)]) == 2
    assert "--resume" in capsys.readouterr().err
