"""One heart per draw, in any of the views."""

from __future__ import annotations

from dataclasses import replace

from echogan.phantom.anatomy.heart import Heart, View
from echogan.phantom.anatomy.sizes import HeartSettings, classify, draw_sizes
from echogan.phantom.anatomy.views.apical import draw_apical
from echogan.phantom.anatomy.views.measured import measured_sizes
from echogan.phantom.anatomy.views.parasternal import draw_parasternal
from echogan.phantom.anatomy.views.short_axis import draw_short_axis
from echogan.phantom.draw import Draw


def draw_heart(view: View, draw: Draw, settings: HeartSettings | None = None) -> Heart:
    """Draw a heart at end-diastole in a view, in probe coordinates (cm). The same draw gives the same heart.

    Its sizes are read off its outlines, except la_area_cm2 and ra_area_cm2, which hold at end-systole and which
    the motion fulfils, and ejection_fraction. Its findings follow from them.
    """
    settings = settings or HeartSettings()
    sizes = draw_sizes(draw, settings)
    if view == "PLAX":
        heart = draw_parasternal(draw, sizes)
    elif view in ("A4C", "A2C"):
        heart = draw_apical(view, draw, sizes, settings)
    else:
        heart = draw_short_axis(view, draw, sizes)
    sizes = measured_sizes(heart)
    return replace(heart, sizes=sizes, findings=classify(sizes) | _where(heart, sizes))


def _where(heart: Heart, sizes: dict[str, float]) -> dict[str, str]:
    return heart.findings if sizes["wall_motion_vigour"] < 0.7 else {}


__all__ = ["draw_heart"]
