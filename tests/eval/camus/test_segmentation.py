"""The segmentation test: scores by hand, the gap and its share on planted data, and the frozen segmenter kept apart."""

import ast
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from eval.camus import frozen_segmenter as frozen
from eval.camus import segmentation, selection, still_scores
from eval.camus.stills import degrade, stills
from eval.reporting import result_tables

ROOT = Path(__file__).resolve().parents[3]


def test_dice_and_area_error_by_hand():
    truth, found = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    truth[:4, :5], truth[4:6] = 1, 2  # 20 and 20 pixels, no atrium
    found[:2, :5], found[4:7] = 1, 2  # half of it; all of it and 10 more
    scores, errors = still_scores.dice(found, truth), still_scores.area_error(found, truth)
    assert scores[:2] == pytest.approx([2 * 10 / 30, 2 * 20 / 50])
    assert errors[:2] == pytest.approx([50, 50])
    assert np.isnan(scores[2])
    assert np.isnan(errors[2])


def table(**rows: float) -> still_scores.Table:
    """Two stills of each of twelve patients, around a mean Dice."""
    wobble = np.repeat(np.linspace(-0.02, 0.02, 12), 2)
    return {row: {"dice": mean + wobble} for row, mean in rows.items()}


def test_share_of_a_planted_gap():
    names = [f"p{k // 2}" for k in range(24)]
    tables = {"Good": table(input=0.9), "Poor": table(input=0.8, half=0.85, none=0.8)}
    found = segmentation.gap_and_share(tables, {"Good": names, "Poor": names}, draws=500)
    assert found["dice"]["mean"] == pytest.approx(0.1)
    assert found["decides"]
    assert found["share"]["half"]["mean"] == pytest.approx(0.5)
    assert found["share"]["half"]["low"] > 0.3
    assert found["share"]["none"]["mean"] == pytest.approx(0, abs=1e-9)
    near = {"Good": table(input=0.805), "Poor": table(input=0.8)}
    assert not segmentation.gap_and_share(near, {"Good": names, "Poor": names}, draws=50)["decides"]


def test_gains_are_paired_by_patient():
    names = [f"p{k // 2}" for k in range(24)]
    done = still_scores.summarise(table(input=0.8, ours=0.81), names)
    gain = done["ours"]["gain"]["dice"]
    assert gain["groups"] == 12
    assert (gain["low"], gain["mean"], gain["high"]) == pytest.approx((0.01, 0.01, 0.01))
    assert done["input"]["dice"]["high"] - done["input"]["dice"]["low"] > 0.005


def test_tables_tell_the_result():
    names = [f"p{k // 2}" for k in range(24)]
    rows = {"input": 0.8, "ours": 0.825}
    tables = {name: table(**rows) for name in ("Good", "Medium", "Poor", "semi-real")}
    for found in tables["semi-real"].values():
        measures = ("psnr_db", "tone_matched_psnr_db", "ssim", "area_error LV")
        found |= dict.fromkeys(measures, 10 * found["dice"])
    tables["Good"]["input"]["dice"] = tables["Good"]["input"]["dice"] + 0.1
    result = {
        "sets": {name: still_scores.summarise(t, names) for name, t in tables.items()},
        "gap": segmentation.gap_and_share(tables, dict.fromkeys(tables, names), draws=50),
        "models": [{"name": "ours", "sha256": "ab" * 32}], "phantom": "1.0",
    }  # fmt: skip
    text = result_tables.segmentation(result)
    assert "| ours | 82.50" in text
    assert "82.50 (+2.50 [+2.50, +2.50])" in text
    assert "+25% [" in text
    assert "+10.00 [" not in text  # the gap itself carries no sign
    assert "10.00 [" in text
    assert "`abababababab`" in text
    assert result_tables.semi_real(result).count("8.25 (+0.25 [+0.25, +0.25])") == 2


def test_the_frozen_segmenter_is_made_by_seed_from_its_own_patients_alone(
    shared_data: Path, tmp_path: Path, monkeypatch
):
    asked, few = [], stills(shared_data / "camus", "selection", "Poor")

    def stand_in(folder, view, role, quality):
        asked.append((view, role, quality))
        return few

    monkeypatch.setattr(frozen, "view_stills", stand_in)
    settings = frozen.FrozenSegmenterSettings(size=64, width=8, steps=3, batch_size=2)
    made = []
    for folder in ("a", "b"):
        monkeypatch.setattr(frozen, "FOLDER", tmp_path / folder)
        made.append(frozen.frozen_segmenter(shared_data / "camus", settings, say=lambda text: None))
    assert asked == [("4CH", "frozen-segmenter", "Good"), ("2CH", "frozen-segmenter", "Good")] * 2
    assert made[0].sha256 == made[1].sha256
    image = few[0].image
    first, second = made[0]([image])[0], made[1]([image])[0]
    assert first.shape == image.shape
    assert np.array_equal(first, second)


def test_only_the_tests_of_segmentation_know_the_frozen_segmenter():
    users = []
    for path in [*ROOT.glob("app.py"), *ROOT.glob("echogan/**/*.py"), *ROOT.glob("eval/**/*.py")]:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "frozen_segmenter" in text else ():
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            )
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
            users += [path.name for name in names if name == "eval.camus.frozen_segmenter"]
    # Choosing has a segmenter of another seed than the one that tests.
    assert set(users) == {"segmentation.py", "retrained_segmenter.py", "selection.py"}
    assert frozen.FrozenSegmenterSettings().seed != selection.SEED


def test_degraded_still_is_another_picture_of_the_same_heart(shared_data: Path):
    still = stills(shared_data / "camus", "selection", "Good")[0]
    assert max(still.image.shape) == 256
    assert set(np.unique(still.labels)) == {0, 1, 2, 3}
    mask = still.sector.tissue_mask
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert still.image[~near].max() <= 8  # the fan is where the echo is, but for its ragged edge
    assert still.image[mask].mean() > 20
    poor = degrade(still, 1)
    assert poor.labels is still.labels
    assert np.array_equal(poor.image[~mask], still.image[~mask])
    assert float(np.abs(poor.image[mask].astype(float) - still.image[mask]).mean()) > 3


def test_right_heart_is_background_for_camus():
    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(1, 6, *x.shape[-2:])
            logits[:, 4, :8], logits[:, 1, 8:] = 1, 1
            return logits

    found = segmentation.segment(Fixed(), np.zeros((20, 30), np.uint8))  # type: ignore[arg-type]
    assert found.shape == (20, 30)
    assert set(found[:8].ravel()) == {0}
    assert set(found[8:].ravel()) == {1}
