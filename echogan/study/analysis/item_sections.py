"""The sections of a report on rated items: results, checks, the primary item, agreement."""

from __future__ import annotations

from echogan.study.analysis import figures
from echogan.study.analysis.analysis import Analysis
from echogan.study.analysis.estimate import interval_text, p_text
from echogan.study.analysis.section import Section, Table, change, level, percent, picture, share


def results(analysis: Analysis) -> Section:
    rows = []
    for i, result in enumerate(analysis.items):
        means = ["none" if mean is None else level(result, mean) for mean in result.means.values()]
        change = (
            percent(result.difference, "+")
            if result.item.binary
            else interval_text(result.difference, 2, "+")
        )
        holm = "primary" if i == 0 else p_text(result.p_holm)
        rows.append((result.item.label, *means, change, p_text(result.difference.p), holm))
    heads = ("item", "original", "enhanced", "difference", "p", "p (Holm)")
    chart = figures.likert(analysis.items, analysis.simulated)
    caption = "How often each level was given. Red is poor, blue is good."
    return Section(
        "Results", (), Table(heads, rows, (2.6, 1, 1, 2.4, 0.9, 0.9)), [picture("likert", caption, chart)]
    )


def checks(analysis: Analysis) -> Section:
    rows = [
        (r.item.label, *(change(r, found) for found in (r.difference, r.bootstrap, r.mixed_model)),
         interval_text(r.vgc), interval_text(r.odds))
        for r in analysis.items
    ]  # fmt: skip
    heads = ("item", "MRMC", "bootstrap", "mixed model", "VGC area", "odds ratio")
    curve = figures.vgc(analysis.items, analysis.simulated)
    caption = "VGC curves: above the diagonal the enhanced clips are better."
    return Section(
        "Checks",
        (),
        Table(heads, rows, (1.5, 2.25, 2.25, 2.25, 1.95, 1.95)),
        [picture("vgc", caption, curve)],
    )


def primary(analysis: Analysis) -> Section:
    result = analysis.items[0]
    lines = []
    if result.variances:
        parts = (("readers", result.variances.reader), ("patients", result.variances.patient))
        shown = [f"{name} {part**0.5:.2f}" for name, part in parts if part is not None]
        shown.append(f"error {result.variances.error**0.5:.2f}")
        lines.append(f"The difference varies by (standard deviations, for planning): {', '.join(shown)}.")
    forest, slopes = (draw(result, analysis.simulated) for draw in (figures.forest, figures.slopes))
    pictures = [
        picture("forest", "Each reader's difference, and all readers'.", forest),
        picture("slopes", "Each patient, original to enhanced.", slopes),
    ]
    return Section(f"Primary item: {result.item.label}", lines, None, pictures)


def agreement(analysis: Analysis) -> Section:
    rows = []
    for result in analysis.items:
        found = result.agreement
        shares = (share(found.exact), share(found.within_one))
        again = found.repeats
        kappa = "none" if again.kappa is None else f"{again.kappa:.2f}"
        repeats = f"{kappa}; {share(again.exact)} exact ({again.pairs})"
        rows.append(
            (result.item.label, interval_text(found.icc), interval_text(found.alpha), *shares, repeats)
        )
    heads = ("item", "ICC(A,1)", "alpha", "exact", "within 1", "repeats: kappa; exact (number)")
    pictures = []
    if len(analysis.items[0].agreement.readers) > 1:
        matrix = figures.agreement(analysis.items[0], analysis.simulated)
        pictures = [picture("agreement", "Agreement of each pair of readers in the primary item.", matrix)]
    return Section(
        "Agreement",
        (),
        Table(heads, rows, (2.2, 1.7, 1.7, 0.8, 0.9, 2)),
        pictures,
    )
