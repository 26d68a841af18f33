"""What a report says, as sections of text, tables and figures; the HTML and the PDF lay out the same sections."""

from __future__ import annotations

from echogan.core.notice import NO_DEVICE, NOTICE
from echogan.study.analysis import figures, item_sections
from echogan.study.analysis.analysis import Analysis
from echogan.study.analysis.checklists import claim, grras
from echogan.study.analysis.dwell import Dwell
from echogan.study.analysis.estimate import interval_text, number_of, p_text
from echogan.study.analysis.item_result import ItemResult
from echogan.study.analysis.section import Section, Table, percent, picture

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
    "exact interval with the effective sample size of patients as clusters (Korn and Graubard 1998). Blinding: Bang's "
    "index (Bang, Ni and Davis 2004) with the same MRMC interval. Reading times are compared by their logarithms.",
)


def sections(analysis: Analysis) -> list[Section]:
    """The report of a study, section by section; what was not part of the study is left out."""
    found = [_summary(analysis), _read(analysis)]
    if analysis.items:
        made = (item_sections.results, item_sections.checks, item_sections.primary, item_sections.agreement)
        found += [make(analysis) for make in made]
    if analysis.preferences:
        found.append(_preferences(analysis))
    if analysis.fidelity:
        found.append(_fidelity(analysis))
    if analysis.blinding:
        found.append(_blinding(analysis))
    if analysis.dwell:
        found.append(_dwell(analysis.dwell, analysis.simulated))
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
            f"Side by side, net preference for the enhanced clip: {percent(net)}, p {p_text(net.p)}."
        )
    for name, rate in analysis.fidelity.items():
        lines.append(f"Fidelity, {name}: clinically relevant in {percent(rate.relevant)} of ratings.")
    return Section("Summary", [*lines, f"{NOTICE}. {NO_DEVICE}"])


def _sentence(result: ItemResult) -> str:
    found = result.difference
    if found.value is None:
        return f"no difference can be estimated. {found.note}"
    amount = percent(found, "+") if result.item.binary else f"{interval_text(found, 2, '+')} points"
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
        (name, percent(rate.any), percent(rate.relevant), rate.relevant.note)
        for name, rate in analysis.fidelity.items()
    ]
    heads = ("change seen", "any", "clinically relevant", "clinically relevant, counts")
    return Section("Fidelity", (), Table(heads, rows, (1.2, 2.2, 2.2, 3)))


def _blinding(analysis: Analysis) -> Section:
    rows = [
        (arm, *(str(found.guessed[guess]) for guess in ("original", "enhanced", "unsure")),
         interval_text(found.index, 2, "+"))
        for arm, found in analysis.blinding.items()
    ]  # fmt: skip
    heads = ("clips", "guessed original", "guessed enhanced", "cannot tell", "Bang's index")
    told = (
        "At the end readers guessed whether a clip was enhanced. Bang's index is 0 where they guess at random, 1 where "
        "all know the arm, -1 where all take it for the other one."
    )
    return Section("Blinding", [told], Table(heads, rows, (1.2, 1.5, 1.5, 1.2, 2)))


def _dwell(found: Dwell, simulated: bool) -> Section:
    rows = [
        (arm, f"{found.median(arm):.0f} s", f"{found.quantiles[arm][-3]:.0f} s") for arm in found.quantiles
    ]
    lines = [] if found.ratio.value is None else [
        f"Typical time for an enhanced clip over that for an original one: {interval_text(found.ratio)}, "
        f"p {p_text(found.ratio.p)}."
    ]  # fmt: skip
    shown = picture(
        "dwell", "Time for a rating, by arm, and in the course of a session.", figures.dwell(found, simulated)
    )
    heads = ("arm", "half of the ratings took at most", "nine in ten took at most")
    return Section(f"Reading time, part {found.part}", lines, Table(heads, rows, (1, 2, 2)), [shown])


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
