"""How large the parts of a heart are, and what a reader would call them: ranges, one heart's draw, classes.

Limits: R. M. Lang et al., Recommendations for cardiac chamber quantification, JASE 2015;28:1-39 (tables 2, 4, 6
and 8), where sexes differ the higher limit; the areas of the atria as in its 2005 predecessor. Normal and enlarged
are drawn from ranges with a gap around the limit between them, so that a number and its class always agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from echogan.phantom.draw import Draw

Range = tuple[float, float]

LIMITS = {
    "lv_diameter_cm": 5.8, "la_area_cm2": 20.0, "la_diameter_cm": 4.0, "ra_area_cm2": 18.0,
    "rv_basal_cm": 4.1, "rv_outflow_cm": 3.0,
}  # fmt: skip
WALL_LIMIT_CM, SEPTAL_RATIO = 1.1, 1.3
EF_CLASSES = (
    (0.53, "normal"),
    (0.41, "mildly reduced"),
    (0.30, "moderately reduced"),
    (0.0, "severely reduced"),
)
CHAMBERS = {
    "lv_diameter_cm": "LV", "la_area_cm2": "LA", "la_diameter_cm": "LA", "ra_area_cm2": "RA",
    "rv_basal_cm": "RV", "rv_outflow_cm": "RV",
}  # fmt: skip


def about(text: str, least: float, most: float) -> dict[str, str | float]:
    """The metadata of a settings field: its help and its limits."""
    return {"help": text, "min": least, "max": most}


@dataclass(frozen=True)
class HeartSettings:
    """What a heart is drawn from."""

    ejection_fraction: Range = field(
        default=(0.15, 0.75), metadata=about("ejection fraction, share of the volume", 0.1, 0.78)
    )
    lv_length_cm: Range = field(default=(6.8, 9.2), metadata=about("LV length at end-diastole, cm", 6, 11))
    lv_diameter_cm: Range = field(
        default=(3.8, 5.3), metadata=about("LV diameter of a normal heart, cm", 3.5, 5.7)
    )
    lv_dilated_cm: Range = field(
        default=(6.0, 7.0), metadata=about("LV diameter of a dilated heart, cm", 5.9, 7.8)
    )
    lv_dilated_chance: float = field(
        default=0.15, metadata=about("share of hearts with a dilated left ventricle", 0, 1)
    )
    wall_cm: Range = field(default=(0.65, 1.0), metadata=about("LV wall of a normal heart, cm", 0.5, 1.05))
    hypertrophied_cm: Range = field(
        default=(1.2, 1.6), metadata=about("LV wall of a hypertrophied heart, cm", 1.15, 2.0)
    )
    hypertrophy_chance: float = field(
        default=0.15, metadata=about("share of hearts with concentric hypertrophy", 0, 1)
    )
    septal_cm: Range = field(
        default=(1.6, 2.2), metadata=about("septum of a heart with septal hypertrophy, cm", 1.5, 2.6)
    )
    septal_chance: float = field(
        default=0.07, metadata=about("share of hearts with asymmetric septal hypertrophy", 0, 1)
    )
    la_area_cm2: Range = field(
        default=(12, 19.3), metadata=about("area of a normal left atrium at end-systole, cm2", 9, 19.5)
    )
    la_enlarged_cm2: Range = field(
        default=(20.8, 34), metadata=about("area of an enlarged left atrium, cm2", 20.5, 45)
    )
    la_diameter_cm: Range = field(
        default=(2.7, 3.85), metadata=about("depth of a normal left atrium in PLAX, cm", 2, 3.9)
    )
    la_enlarged_cm: Range = field(
        default=(4.2, 5.4), metadata=about("depth of an enlarged left atrium in PLAX, cm", 4.1, 7)
    )
    la_enlarged_chance: float = field(
        default=0.3, metadata=about("share of hearts with an enlarged left atrium", 0, 1)
    )
    ra_area_cm2: Range = field(
        default=(10, 17.3), metadata=about("area of a normal right atrium at end-systole, cm2", 8, 17.5)
    )
    ra_enlarged_cm2: Range = field(
        default=(18.8, 30), metadata=about("area of an enlarged right atrium, cm2", 18.5, 40)
    )
    ra_enlarged_chance: float = field(
        default=0.2, metadata=about("share of hearts with an enlarged right atrium", 0, 1)
    )
    rv_basal_cm: Range = field(
        default=(2.6, 3.95), metadata=about("basal width of a normal right ventricle, cm", 2.3, 4)
    )
    rv_enlarged_cm: Range = field(
        default=(4.3, 5.5), metadata=about("basal width of an enlarged right ventricle, cm", 4.2, 6.5)
    )
    rv_outflow_cm: Range = field(
        default=(2.0, 2.85), metadata=about("depth of a normal right outflow tract in PLAX, cm", 1.5, 2.9)
    )
    rv_outflow_enlarged_cm: Range = field(
        default=(3.2, 4.0), metadata=about("the same of an enlarged right ventricle, cm", 3.1, 5)
    )
    rv_enlarged_chance: float = field(
        default=0.2, metadata=about("share of hearts with an enlarged right ventricle", 0, 1)
    )
    aorta_cm: Range = field(default=(2.6, 3.7), metadata=about("aortic root at the sinuses, cm", 2, 5))
    wall_motion_chance: float = field(
        default=0.25, metadata=about("share of hearts with a regional wall-motion abnormality", 0, 1)
    )
    foreshortening_chance: float = field(
        default=0.0,
        metadata=about("share of hearts with a foreshortened apical view (changes geometry)", 0, 1),
    )
    foreshortening: Range = field(
        default=(0.12, 0.3), metadata=about("share of the LV length lost by foreshortening", 0, 0.4)
    )
    five_chamber_chance: float = field(
        default=0.15, metadata=about("share of hearts with the aortic root in the A4C view", 0, 1)
    )
    tilt_deg: Range = field(
        default=(-20, 0),
        metadata=about("tilt of an apical view's long axis; negative: base to the right", -35, 25),
    )
    offset_cm: Range = field(
        default=(-1.1, 0.6), metadata=about("sideways offset of the apex in an apical view, cm", -3, 3)
    )
    apex_depth_cm: Range = field(
        default=(1.2, 3.2), metadata=about("depth of the LV's apex below the probe, cm", 0.8, 4.5)
    )


def draw_sizes(draw: Draw, settings: HeartSettings) -> dict[str, float]:
    """One heart's sizes (cm, cm2, shares), with wall_motion_vigour (1 where every wall contracts alike)."""
    s = settings
    dilated = draw.chance(s.lv_dilated_chance)
    septal, thick = draw.chance(s.septal_chance), draw.chance(s.hypertrophy_chance)
    la_large, rv_large = draw.chance(s.la_enlarged_chance), draw.chance(s.rv_enlarged_chance)
    ra_large = draw.chance(s.ra_enlarged_chance)
    regional = draw.chance(s.wall_motion_chance)
    low, high = s.ejection_fraction
    # A dilated or partly infarcted ventricle has no high ejection fraction.
    high = min(high, 0.48) if dilated or regional else high
    wall = draw.within(s.hypertrophied_cm if thick else s.wall_cm)
    septum = min(max(wall + 0.05 * draw.scalar(), wall - 0.08), wall + 0.08)
    foreshortened = draw.within(s.foreshortening) if draw.chance(s.foreshortening_chance) else 0.0
    return {
        "ejection_fraction": draw.uniform(min(low, high), high),
        "lv_length_cm": draw.within(s.lv_length_cm) * (1.14 if dilated else 1.0),
        "lv_diameter_cm": draw.within(s.lv_dilated_cm if dilated else s.lv_diameter_cm),
        "septum_cm": draw.within(s.septal_cm) if septal else septum,
        "lateral_cm": min(wall, 1.15) if septal else wall,
        "la_area_cm2": draw.within(s.la_enlarged_cm2 if la_large else s.la_area_cm2),
        "la_diameter_cm": draw.within(s.la_enlarged_cm if la_large else s.la_diameter_cm),
        "ra_area_cm2": draw.within(s.ra_enlarged_cm2 if ra_large else s.ra_area_cm2),
        "rv_basal_cm": draw.within(s.rv_enlarged_cm if rv_large else s.rv_basal_cm),
        "rv_outflow_cm": draw.within(s.rv_outflow_enlarged_cm if rv_large else s.rv_outflow_cm),
        "aorta_cm": draw.within(s.aorta_cm),
        "wall_motion_vigour": (0.0 if draw.chance(0.5) else draw.uniform(0.3, 0.5)) if regional else 1.0,
        "foreshortening": foreshortened,
    }  # fmt: skip


def classify(sizes: dict[str, float]) -> dict[str, str]:
    """What a reader would report, from the numbers alone: chamber or property to class."""
    found = {}
    for name, limit in LIMITS.items():
        if name in sizes:
            found[CHAMBERS[name]] = "enlarged" if sizes[name] > limit else "normal"
    septum, lateral = sizes["septum_cm"], sizes["lateral_cm"]
    found["LV_wall"] = "hypertrophied" if max(septum, lateral) > WALL_LIMIT_CM else "normal"
    if septum > WALL_LIMIT_CM and septum / lateral > SEPTAL_RATIO:
        found["LV_wall"] = "asymmetric septal hypertrophy"
    vigour = sizes["wall_motion_vigour"]
    found["wall_motion"] = "akinetic" if vigour < 0.2 else "hypokinetic" if vigour < 0.7 else "normal"
    found["ejection_fraction"] = next(
        name for least, name in EF_CLASSES if sizes["ejection_fraction"] >= least
    )
    return found
