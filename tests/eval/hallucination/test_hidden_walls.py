"""Hidden walls: which pixels count as hidden and cleared, and that a map that knows them is rated perfect."""

import json

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint

from echogan.core.errors import EchoGANError
from echogan.core.geometry import Fan
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.phantom.tissues import WALLS
from eval.camus.stills import Still
from eval.hallucination.hidden_scores import MAP, Scored, score_clip, score_still
from eval.hallucination.hidden_sheet import draw_sheet
from eval.hallucination.hidden_walls import HiddenWallsSettings, main, measure

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    """Its result is its input."""
    return Enhancer(checkpoint(Scale(1.0)), EnhanceSettings(device="cpu"))


def scored(group: str, found: float) -> Scored:
    """A frame with a hidden wall of 20 x 40, the upper half of it dark in the result; there the map is `found`."""
    tissue, hidden = np.ones((96, 96), bool), np.zeros((96, 96), bool)
    hidden[20:40, 30:70] = True
    cleared = hidden.copy()
    cleared[30:] = False
    grey = np.full((96, 96), 0.5, np.float32)
    maps = {MAP: np.where(hidden, found, 0.1).astype(np.float32), "none": np.zeros_like(grey)}
    return Scored(group, grey, grey, maps, hidden, cleared, ~hidden, tissue)


def test_a_perfect_map_is_rated_perfect_and_an_empty_one_by_chance():
    found = measure([scored(name, 0.9) for name in "abc"])
    for kind in ("hidden", "cleared"):
        assert found[kind][MAP]["auroc"]["mean"] == 1
        assert found[kind][MAP]["found_at_1%"]["mean"] == 1
        assert found[kind]["none"]["auroc"]["mean"] == 0.5
    assert {name: one["mean"] for name, one in found["likely"].items()} == {
        "cleared": 1, "faithful": 0, "tissue": pytest.approx(800 / 96**2)
    }  # fmt: skip
    assert measure([scored("a", 0.4)])["likely"]["cleared"]["mean"] == 0


def test_hidden_walls_of_a_simulated_clip_are_walls_without_signal(enhancer):
    clip = phantom_clip(1_997_000_004, PhantomSettings(), 1, want=("degraded", "labels", "support"))
    one = score_clip(enhancer, clip, 7)
    labels, support = clip.labels[0].numpy(), clip.support[0].numpy()
    wall = np.isin(labels, WALLS) & (support <= 0.35 * 255) & clip.sector_mask.numpy()
    assert one.group == "7"
    assert one.hidden.sum() / one.tissue.sum() == pytest.approx(
        wall.sum() / clip.sector_mask.sum().item(), abs=0.01
    )
    assert not (one.hidden & one.faithful).any()
    assert not (one.cleared & ~one.hidden).any()
    assert all(score.shape == one.tissue.shape for score in one.scores.values())


def test_the_dark_part_of_the_experts_wall_is_cleared(enhancer):
    size = 200
    fan = Fan((100.0, -1.0), -40.0, 40.0, 2.0, 195.0)
    rng, labels = np.random.default_rng(0), np.zeros((size, size), np.uint8)
    labels[60:160, 70:90], labels[60:160, 90:130], labels[60:160, 130:150] = 2, 1, 2
    grey = np.where(labels == 2, 160, np.where(labels == 1, 30, 90)).astype(float)
    grey[110:160, 130:150] = 30  # a quarter of the wall
    image = np.where(fan.mask(size, size), rng.normal(grey, 4).clip(1, 255), 0).astype(np.uint8)
    one = score_still(enhancer, Still("p1", "ED", image, labels, fan, 0.5))
    assert one.cleared.sum() / one.tissue.sum() == pytest.approx(1000 / fan.mask(size, size).sum(), rel=0.25)
    assert not one.faithful[one.cleared].any()
    flat = np.where(fan.mask(size, size), 90, 0).astype(np.uint8)
    assert score_still(enhancer, Still("p1", "ED", flat, labels, fan, 0.5)) is None


def test_the_sheet_and_a_missing_folder(tmp_path):
    draw_sheet([scored("a", 0.9), scored("b", 0.4)], tmp_path / "sheets" / "sheet.png")
    assert (tmp_path / "sheets" / "sheet.png").stat().st_size > 1000
    with pytest.raises(EchoGANError, match="--data"):
        main(HiddenWallsSettings(data=tmp_path / "none"))


def test_what_is_measured_can_be_written():
    found = measure([scored(name, 0.9) for name in "ab"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
