"""Hearts that hang together."""

import pytest
import torch

from echogan.phantom.anatomy import BLOOD, Tissue, apical_four_chamber
from echogan.phantom.draw import Draw
from echogan.phantom.outlines import CELL_CM


@pytest.mark.parametrize("seed", range(6))
def test_every_heart_has_its_tissues_in_plausible_areas(seed):
    heart = apical_four_chamber(Draw(seed))
    area = {t: float((heart.labels == t).sum()) * CELL_CM**2 for t in Tissue}
    assert 15 < area[Tissue.LV] < 55
    assert 6 < area[Tissue.LA] < 35
    assert area[Tissue.RV] > 5
    assert area[Tissue.RA] > 4
    assert 8 < area[Tissue.MYOCARDIUM] < 45
    assert area[Tissue.PERICARDIUM] > 1


def test_cavities_are_where_their_distance_is_negative():
    heart = apical_four_chamber(Draw(3))
    inside = heart.distance["la"] < 0
    assert torch.isin(heart.labels[inside], torch.tensor([int(t) for t in (*BLOOD, Tissue.MYOCARDIUM)])).all()
    assert (heart.labels[heart.heart < -0.05] != Tissue.OUTSIDE).all()
