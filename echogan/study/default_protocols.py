"""The protocols that need no editing: A single stimulus, B pair, C fidelity, with anchor text for each view."""

from __future__ import annotations

from echogan.study.protocol import Item, Part, Protocol, Wording

VIEWS = {
    "A4C": "apical four-chamber",
    "A2C": "apical two-chamber",
    "A3C": "apical long axis",
    "PLAX": "parasternal long axis",
    "PSAX": "parasternal short axis",
    "SC": "subcostal",
    "other": "another or unknown view",
}
"""The short name of a view, as in a list of clips, and its name in words."""

BORDERS = {
    "A4C": "the six segments of septum and lateral wall",
    "A2C": "the six segments of inferior and anterior wall",
    "A3C": "the six segments of inferolateral wall and anterior septum",
    "PLAX": "the four basal and mid segments of anterior septum and inferolateral wall",
    "PSAX": "the six segments around the cavity",
}
CAVITIES = {
    "A4C": "the left ventricle against septum and lateral wall",
    "A2C": "the left ventricle against inferior and anterior wall",
    "A3C": "the left ventricle and outflow tract against their walls",
    "PLAX": "the left ventricle and left atrium against their walls",
    "PSAX": "the left ventricle against the myocardium around it",
}
TASKS = {
    "A4C": "estimate the left ventricular ejection fraction and see regional wall motion",
    "A2C": "estimate the left ventricular ejection fraction and see regional wall motion",
    "A3C": "see regional wall motion and the aortic and mitral valves open and close",
    "PLAX": "measure wall thickness and cavity, and see the aortic and mitral valves open and close",
    "PSAX": "see regional wall motion at this level",
}
ANY_BORDER, ANY_CAVITY = "the walls that this view shows", "the chambers against their walls"
ANY_TASK = "the task that this view is usually recorded for"

OVERALL = Item(
    "overall",
    (1, 2, 3, 4, 5),
    Wording(
        "Overall image quality",
        (
            "no usable structures",
            "structures seen, but insufficient for a diagnosis",
            "minimally diagnostic, with flaws",
            "good",
            "excellent",
        ),
    ),
)


def _border(walls: str) -> Wording:
    return Wording(
        f"Endocardial border: how much of {walls} can you trace through the whole cycle?",
        ("none", "less than half", "about half, or all of it only in part of the cycle", "most", "all"),
    )


def _contrast(cavities: str) -> Wording:
    return Wording(
        f"Contrast between chamber and wall: {cavities}",
        (
            "not told apart",
            "hardly told apart, haze fills the chamber",
            "told apart in places",
            "clear, with some haze",
            "clear throughout",
        ),
    )


def _task(task: str) -> Wording:
    return Wording(f"Is the clip good enough to {task}?", ("no", "yes"))


BORDER = Item(
    "border", (1, 2, 3, 4, 5), _border(ANY_BORDER), {view: _border(walls) for view, walls in BORDERS.items()}
)
CONTRAST = Item(
    "contrast",
    (1, 2, 3, 4, 5),
    _contrast(ANY_CAVITY),
    {view: _contrast(cavities) for view, cavities in CAVITIES.items()},
)
ARTEFACT = Item(
    "artefact",
    (1, 2, 3, 4, 5),
    Wording(
        "Artefact: haze, shadow, noise, flicker, structures that do not look like tissue",
        (
            "hides most of the heart",
            "hides structures that matter",
            "disturbs, structures can still be judged",
            "slight",
            "none",
        ),
    ),
)
DIAGNOSTIC = Item("diagnostic", (0, 1), _task(ANY_TASK), {view: _task(task) for view, task in TASKS.items()})
SINGLE = Part("single", (OVERALL, BORDER, CONTRAST, ARTEFACT, DIAGNOSTIC))

MUCH = (
    "left much better",
    "left better",
    "left slightly better",
    "equal",
    "right slightly better",
    "right better",
    "right much better",
)


def _pair(name: str, question: str) -> Item:
    return Item(name, (-3, -2, -1, 0, 1, 2, 3), Wording(question, MUCH))


PAIR = Part(
    "pair",
    (
        _pair("preference", "Which clip would you rather read?"),
        _pair("border_pair", "On which side is the endocardial border easier to trace?"),
    ),
)
GUESS = Part(
    "guess",
    (
        Item(
            "arm_guess",
            (0, 1),
            Wording("Is this clip an original or an enhanced one?", ("original", "enhanced")),
        ),
    ),
    training=0,
    repeat_share=0.0,
    repeat_least=0,
    clips=10,
)

GRADES = ("none", "minor", "clinically relevant")


def _fidelity(name: str, question: str) -> Item:
    return Item(name, (0, 1, 2), Wording(question, GRADES))


FIDELITY = Part(
    "fidelity",
    (
        _fidelity("added", "Does the enhanced clip show a structure that the original does not have?"),
        _fidelity("removed", "Does the enhanced clip lack a structure that the original has?"),
        _fidelity("motion", "Does anything move differently in the enhanced clip?"),
    ),
    training=2,
    repeat_share=0.0,
    repeat_least=0,
    comment=True,
)

PROTOCOLS: dict[str, Protocol] = {
    "single": Protocol("single", "Image quality of echo clips", (SINGLE, GUESS, FIDELITY)),
    "pair": Protocol("pair", "Comparison of echo clips", (PAIR, FIDELITY)),
    "fidelity": Protocol("fidelity", "Fidelity of enhanced echo clips", (FIDELITY,)),
}
"""A, B and C. A and B end with C, because quality scores and preferences reward a plausible hallucination."""
