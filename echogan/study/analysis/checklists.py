"""The CLAIM and GRRAS reporting checklists, filled from the data as far as data can say it.

Topics are named in our own words. Sources: CLAIM, 2024 update: Tejani et al., Radiol Artif Intell 6:e240300 (2024).
GRRAS: Kottner et al., J Clin Epidemiol 64:96 (2011).
"""

from __future__ import annotations

from echogan.study.analysis.analysis import Analysis
from echogan.study.analysis.estimate import interval_text, number_of, p_text

OPEN = "to be filled by the authors"
ALONE = "Each reader rated alone, through a link of their own."
BLINDED = (
    "Both arms show the sector alone, without text, in equal size, frame rate and file length; clips of a patient are "
    "in random order and without names."
)
METHODS = (
    "MRMC difference (Obuchowski-Rockette, Hillis degrees of freedom), patients as clusters of clips; two-way "
    "bootstrap, mixed model, VGC area and ordinal regression as checks; Holm's correction over secondary items."
)
CLAIM = (
    "Title: AI named, with its category", "Abstract: design, methods, results, conclusions",
    "Background, intended use and role of the AI", "Aims and hypotheses", "Prospective or retrospective",
    "Study goal", "Data sources", "Inclusion and exclusion", "Preprocessing", "Selection of subsets",
    "De-identification", "Missing data", "Image acquisition", "Reference standard: definition",
    "Reference standard: rationale", "Annotators and their qualification", "Annotation of the test set",
    "Inter- and intrarater variability", "Assignment to partitions", "Level at which partitions are disjoint",
    "Intended sample size", "The model", "Software and versions", "Initialisation", "Training",
    "Choice of the final model", "Ensembling", "Performance metrics", "Significance and uncertainty",
    "Robustness or sensitivity analysis", "Explainability", "Internal evaluation", "External evaluation",
    "Registration", "Numbers included and excluded", "Characteristics of the cases", "Performance with uncertainty",
    "Diagnostic performance and its precision", "Failure analysis", "Limitations", "Implications for practice",
    "Full protocol", "Availability of software, model and data", "Funding",
)  # fmt: skip
"""The 44 items, by number."""
GRRAS = (
    "Title: agreement or reliability named", "The instrument", "The population of patients",
    "The population of raters", "What is known, and why this study", "How the sample size was chosen",
    "How patients and raters were sampled", "The rating process", "Independence of ratings",
    "The statistical analysis", "Numbers of raters, patients and repeats", "Characteristics of raters and patients",
    "Agreement with uncertainty", "Practical relevance", "Detailed results",
)  # fmt: skip
"""The 15 items, by number."""


def claim(analysis: Analysis) -> list[tuple[int, str, str]]:
    """Number, topic and answer of each item of CLAIM."""
    design, about = analysis.design, analysis.about
    missing = f"{design.cannot_assess} of {design.ratings} ratings are 'cannot assess' and left out"
    answers = {
        9: BLINDED if about else OPEN,
        11: "Readers, patients and clips are pseudonyms in all tables.",
        12: f"{missing}; {_crossing(analysis)}",
        16: about.get("readers", OPEN),
        17: f"{BLINDED} {ALONE}" if about else OPEN,
        18: _agreement(analysis),
        20: about.get("training", OPEN),
        21: f"{OPEN}; {about.get('planned', '')}read were {_numbers(analysis)}.",
        22: about.get("model", OPEN),
        23: ", ".join(f"{name} {version}" for name, version in analysis.versions.items()),
        28: ", ".join(f"{r.item.label} ({r.item.low} to {r.item.high})" for r in analysis.items) or OPEN,
        29: METHODS,
        30: "Bootstrap, mixed model, VGC area and ordinal regression: table of checks.",
        34: f"{about['protocol']}; registry and number: {OPEN}." if about else OPEN,
        35: f"Included: {_numbers(analysis)}; excluded: {OPEN}.",
        36: about.get("cases", OPEN),
        37: _primary(analysis),
        39: _fidelity(analysis),
        42: "Protocol and seed are stored with the study; the manifest has the hashes of all files.",
    }
    return [(i, topic, answers.get(i, OPEN)) for i, topic in enumerate(CLAIM, 1)]


def grras(analysis: Analysis) -> list[tuple[int, str, str]]:
    """Number, topic and answer of each item of GRRAS."""
    design, about = analysis.design, analysis.about
    scales = ", ".join(f"{r.item.label} {r.item.low} to {r.item.high}" for r in analysis.items)
    order = design.original_first
    sessions = f"{number_of(design.sessions, 'session')}; arms and patients are not named to readers"
    first = "" if order is None else f"; the original came first in {order:.0%} of pairs of readings"
    repeats = number_of(design.repeats, "unannounced repeat")
    answers = {
        2: f"Ordinal scales: {scales}." if scales else OPEN,
        3: about.get("cases", OPEN),
        4: about.get("readers", OPEN),
        6: f"{OPEN}; {about.get('planned', '')}read were {_numbers(analysis)}.",
        8: f"{sessions}{first}; {repeats}.",
        9: f"{ALONE} {_blinding(analysis)}",
        10: METHODS
        + " Agreement: ICC(A,1), ordinal Krippendorff alpha, quadratic kappa, exact and within one level.",
        11: f"{_numbers(analysis)}, {repeats}.",
        12: f"{about['readers']} {about['cases']}" if about else OPEN,
        13: _agreement(analysis),
        15: "All ratings, codebook and results are among the exported files.",
    }
    return [(i, topic, answers.get(i, OPEN)) for i, topic in enumerate(GRRAS, 1)]


def _numbers(analysis: Analysis) -> str:
    d = analysis.design
    counts = ((d.readers, "reader"), (d.patients, "patient"), (d.clips, "clip"), (d.ratings, "rating"))
    return ", ".join(number_of(count, word) for count, word in counts)


def _crossing(analysis: Analysis) -> str:
    share = analysis.design.crossed_cells
    if share is None:
        return "no single ratings."
    return f"{share:.0%} of reader-patient cells were rated in both arms."


def _agreement(analysis: Analysis) -> str:
    if not (primary := analysis.primary):
        return OPEN
    found = primary.agreement
    again = "none" if found.repeats.kappa is None else f"{found.repeats.kappa:.2f}"
    return (
        f"{primary.item.label}: ICC(A,1) {interval_text(found.icc)}, alpha {interval_text(found.alpha)}, kappa on "
        f"{number_of(found.repeats.pairs, 'repeat')} {again}."
    )


def _primary(analysis: Analysis) -> str:
    if not (primary := analysis.primary):
        return OPEN
    found = primary.difference
    return f"{primary.item.label}: {interval_text(found, 2, '+')}, p {p_text(found.p)}; others in the table of results."


def _blinding(analysis: Analysis) -> str:
    if not analysis.blinding:
        return f"Whether readers knew the arm: {OPEN}."
    found = (f"{arm} {interval_text(blinding.index, 2, '+')}" for arm, blinding in analysis.blinding.items())
    return f"Bang's blinding index (0 is chance): {', '.join(found)}."


def _fidelity(analysis: Analysis) -> str:
    if not analysis.fidelity:
        return OPEN
    rates = (f"{name} {interval_text(r.relevant, 1, '', 100)} %" for name, r in analysis.fidelity.items())
    return f"Clinically relevant changes by enhancement, share of ratings: {', '.join(rates)}."
