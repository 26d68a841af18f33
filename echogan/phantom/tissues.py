"""The tissues of a label map."""

from enum import IntEnum


class Tissue(IntEnum):
    """The values of a label map. LV, LA, RV, RA, AORTA, VEIN, EFFUSION hold fluid, the others are solid."""

    OUTSIDE = 0
    LV = 1
    MYOCARDIUM = 2
    LA = 3
    RV = 4
    RA = 5
    AORTA = 6
    RV_WALL = 7
    ATRIAL_WALL = 8
    PERICARDIUM = 9
    VALVE = 10
    EFFUSION = 11
    LESION = 12
    PAPILLARY = 13
    VEIN = 14
    AORTIC_WALL = 15


FLUID = (
    Tissue.LV, Tissue.LA, Tissue.RV, Tissue.RA, Tissue.AORTA, Tissue.VEIN, Tissue.EFFUSION,
)  # fmt: skip
WALLS = (Tissue.MYOCARDIUM, Tissue.RV_WALL, Tissue.ATRIAL_WALL)
