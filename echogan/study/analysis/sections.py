"""What a report says, as sections of text, tables and figures; the HTML and the PDF lay out the same sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from echogan.core.notice import NO_DEVICE, NOTICE
from echogan.study.analysis import figures
from echogan.study.analysis.analysis import Analysis
from echogan.study.analysis.checklists import claim, grras
from echogan.study.analysis.estimate import Estimate, interval_text, number_of, p_text
from echogan.study.analysis.item_result import ItemResult

SIMULATED = (
    "These ratings are simulated from stated effects. Nobody read these clips, and nothing here is evidence about "
    "enhancement."
)
METHODS = (
    "Differences are enhanced minus original; above 0 the enhanced clips are better. The primary result is the mean "
    "over readers of each reader's mean difference over patients, clips averaged within patients. Its interval is for "
    "new readers and new patients: Obuchowski-Rockette variance with Hillis' degrees of freedom (Hillis, Stat Med "
    "26:596, 2007, and 33:330, 2014). All intervals are 95 % intervals.",
    "Checks: two-way bootstrap of readers and patients (Gallas et al. 2009); REML with crossed random readers and "
    "patients; VGC area, the chance that an enhanced clip is rated above an original one, ties half (Bath and Mansson "
    "2007); odds ratio of a better rating by ordinal regression with readers as fixed effects and patients as "
    "clusters (Smedby and Fredrikson 2010). The first item is primary; p values of the others are corrected by Holm.",
    "Agreement: ICC(A,1) (McGraw and Wong 1996), ordinal alpha (Krippendorff), quadratic weighted kappa. Fidelity: "
    "exact interval with the effective sample size of patients as clusters (Korn and Graubard 1998).",
)


@dataclass(frozen=True)
class Table:
    """`widths` are relative widths of the columns."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]


@dataclass(frozen=True)
class Picture:
    """A figure as PNG bytes with its size in inches; `name` is that of its file."""

    name: str
    caption: str
    png: bytes
    size: tuple[float, float]


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, in this order."""

    title: str
    paragraphs: Sequence[str] = ()
    table: Table | None = None
    pictures: Sequence[Picture] = ()


def sections(analysis: Analysis) -> list[Section]:
    """The report of a study, section by section; what was not part of the study is left out."""
    found = [_summary(analysis), _read(analysis)]
    if analysis.items:
        found += [_results(analysis), _checks(analysis), _primary(analysis), _agreement(analysis)]
    if analysis.preferences:
        found.append(_preferences(analysis))
    if analysis.fidelity:
        found.append(_fidelity(analysis))
    if notes := _notes(analysis):
        found.append(Section("Notes on the data", notes))
    found.append(Section("Methods", METHODS))
    for title, filled in (("CLAIM checklist, 2024", claim(analysis)), ("GRRAS checklist", grras(analysis))):
        rows = [(str(number), topic, answer) for number, topic, answer in filled]
        found.append(Section(title, (), Table(("item", "topic", "in this study"), rows, (0.5, 3, 6))))
    return found


def _summary(analysis: Analysis) -> Section:
    design = analysis.design
    lines = [SIMULATED] if analysis.simulated else []
    counts = f"{number_of(design.readers, 'reader')}, {number_of(design.patients, 'patient')}"
    if primary := analysis.primary:
        lines.append(f"{primary.item.label}: {_sentence(primary)} ({counts}).")
    if net := analysis.preferences.get("net_preference"):
        lines.append(
            f"Side by side, net preference for the enhanced clip: {_percent(net)}, p {p_text(net.p)}."
        )
    for name, rate in analysis.fidelity.items():
        lines.append(f"Fidelity, {name}: clinically relevant in {_percent(rate.relevant)} of ratings.")
    return Section("Summary", [*lines, f"{NOTICE}. {NO_DEVICE}"])


def _sentence(result: ItemResult) -> str:
    found = result.difference
    if found.value is None:
        return f"no difference can be estimated. {found.note}"
    amount = _percent(found, "+") if result.item.binary else f"{interval_text(found, 2, '+')} points"
    if found.low is None or found.high is None:
        return f"{amount}, without an interval. {found.note}"
    verdict = (
        "higher with enhancement" if found.low > 0 else "lower with enhancement" if found.high < 0 else ""
    )
    return f"{amount}, p {p_text(found.p)}: {verdict or 'no difference shown'}"


def _read(analysis: Analysis) -> Section:
    d = analysis.design
    rows = [
        ("readers", str(d.readers)), ("patients", str(d.patients)), ("clips", str(d.clips)),
        ("single ratings", f"{d.ratings}, of which {d.cannot_assess} 'cannot assess'"),
        ("sessions with single ratings", str(d.sessions)), ("repeated ratings", str(d.repeats)),
        ("cells rated in both arms", "none" if d.crossed_cells is None else f"{d.crossed_cells:.0%}"),
        ("original read in the earlier session", "none" if d.original_first is None else f"{d.original_first:.0%}"),
        ("pairs", str(d.pairs)), ("fidelity gradings", str(d.fidelity_ratings)),
    ]  # fmt: skip
    return Section("What was read", (), Table(("", "number"), rows, (2, 3)))


def _results(analysis: Analysis) -> Section:
    rows = []
    for i, result in enumerate(analysis.items):
        means = ["none" if mean is None else _level(result, mean) for mean in result.means.values()]
        change = (
            _percent(result.difference, "+")
            if result.item.binary
            else interval_text(result.difference, 2, "+")
        )
        holm = "primary" if i == 0 else p_text(result.p_holm)
        rows.append((result.item.label, *means, change, p_text(result.difference.p), holm))
    heads = ("item", "original", "enhanced", "difference", "p", "p (Holm)")
    chart = figures.likert(analysis.items, analysis.simulated)
    caption = "How often each level was given. Red is poor, blue is good."
    return Section(
        "Results", (), Table(heads, rows, (2.6, 1, 1, 2.4, 0.9, 0.9)), [_picture("likert", caption, chart)]
    )


def _checks(analysis: Analysis) -> Section:
    rows = [
        (r.item.label, *(_change(r, found) for found in (r.difference, r.bootstrap, r.mixed_model)),
         interval_text(r.vgc), interval_text(r.odds))
        for r in analysis.items
    ]  # fmt: skip
    heads = ("item", "MRMC", "bootstrap", "mixed model", "VGC area", "odds ratio")
    curve = figures.vgc(analysis.items, analysis.simulated)
    caption = "VGC curves: above the diagonal the enhanced clips are better."
    return Section(
        "Checks", (), Table(heads, rows, (1.6, 2.1, 2.1, 2.1, 1.8, 1.8)), [_picture("vgc", caption, curve)]
    )


def _primary(analysis: Analysis) -> Section:
    result = analysis.items[0]
    lines = []
    if result.variances:
        parts = (("readers", result.variances.reader), ("patients", result.variances.patient))
        shown = [f"{name} {part**0.5:.2f}" for name, part in parts if part is not None]
        shown.append(f"error {result.variances.error**0.5:.2f}")
        lines.append(f"The difference varies by (standard deviations, for planning): {', '.join(shown)}.")
    forest, slopes = (draw(result, analysis.simulated) for draw in (figures.forest, figures.slopes))
    pictures = [
        _picture("forest", "Each reader's difference, and all readers'.", forest),
        _picture("slopes", "Each patient, original to enhanced.", slopes),
    ]
    return Section(f"Primary item: {result.item.label}", lines, None, pictures)


def _agreement(analysis: Analysis) -> Section:
    rows = []
    for result in analysis.items:
        found = result.agreement
        shares = (_share(found.exact), _share(found.within_one))
        again = found.repeats
        kappa = "none" if again.kappa is None else f"{again.kappa:.2f}"
        repeats = f"{kappa}; {_share(again.exact)} exact ({again.pairs})"
        rows.append(
            (result.item.label, interval_text(found.icc), interval_text(found.alpha), *shares, repeats)
        )
    heads = ("item", "ICC(A,1)", "alpha", "exact", "within 1", "repeats: kappa; exact (number)")
    matrix = figures.agreement(analysis.items[0], analysis.simulated)
    caption = "Agreement of each pair of readers in the primary item."
    return Section(
        "Agreement",
        (),
        Table(heads, rows, (2.2, 1.7, 1.7, 0.8, 0.9, 2)),
        [_picture("agreement", caption, matrix)],
    )


def _preferences(analysis: Analysis) -> Section:
    labels = {
        "net_preference": ("net preference", 100.0, " %"), "win_probability": ("wins, ties half", 100.0, " %"),
        "mean_score": ("mean of -3 to 3", 1.0, ""), "side_bias": ("left over right, whatever is there", 100.0, " %"),
    }  # fmt: skip
    rows = []
    for name, found in analysis.preferences.items():
        label, factor, unit = labels[name]
        sign = "" if name == "win_probability" else "+"
        rows.append((label, interval_text(found, 1 if unit else 2, sign, factor) + unit, p_text(found.p)))
    return Section("Blinded pairs", (), Table(("measure", "enhanced over original", "p"), rows, (3, 3, 1)))


def _fidelity(analysis: Analysis) -> Section:
    rows = [
        (name, _percent(rate.any), _percent(rate.relevant), rate.relevant.note)
        for name, rate in analysis.fidelity.items()
    ]
    heads = ("change seen", "any", "clinically relevant", "clinically relevant, counts")
    return Section("Fidelity", (), Table(heads, rows, (1.2, 2.2, 2.2, 3)))


def _notes(analysis: Analysis) -> list[str]:
    """What was left out or can't be estimated, said once for each item."""
    lines = []
    for r in analysis.items:
        found = (r.difference, r.bootstrap, r.mixed_model, r.vgc, r.odds, r.agreement.icc, r.agreement.alpha)
        missing = [estimate.note for estimate in found if estimate.low is None and estimate.note]
        told = [note for note in (r.difference.note, r.agreement.icc.note) if note]
        if notes := dict.fromkeys([*told, *missing]):
            lines.append(f"{r.item.label}: {' '.join(notes)}")
    return lines


def _picture(name: str, caption: str, figure: Figure) -> Picture:
    width, height = figure.get_size_inches()
    return Picture(name, caption, figures.as_png(figure), (float(width), float(height)))


def _change(result: ItemResult, found: Estimate) -> str:
    return _percent(found, "+") if result.item.binary else interval_text(found, 2, "+")


def _level(result: ItemResult, mean: float) -> str:
    return _share(mean) if result.item.binary else f"{mean:.2f}"


def _percent(found: Estimate, sign: str = "") -> str:
    return interval_text(found, 1, sign, 100) + ("" if found.value is None else " %")


def _share(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.0f} %"
