"""Protocols as data: the defaults are sound, JSON goes both ways, and what is wrong is said."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from echogan.core.errors import StudyError
from echogan.study.creation import load_protocol
from echogan.study.default_protocols import BORDER, PROTOCOLS, VIEWS
from echogan.study.protocol import Protocol


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_the_default_protocols_are_sound_and_survive_json(name):
    protocol = PROTOCOLS[name]
    protocol.check()
    again = Protocol.from_json(protocol.to_json())
    assert again == protocol
    assert again.sha256 == protocol.sha256
    assert protocol.parts[-1].kind == "fidelity"


def test_the_hash_follows_every_word():
    protocol = PROTOCOLS["single"]
    assert replace(protocol, title="Another").sha256 != protocol.sha256
    assert len({protocol.sha256 for protocol in PROTOCOLS.values()}) == len(PROTOCOLS)


def test_a_view_has_its_own_anchors_and_an_unknown_one_the_general_ones():
    assert "septum and lateral wall" in BORDER.worded("A4C").question
    assert BORDER.worded("SC") == BORDER.worded("other") == BORDER.wording
    assert set(BORDER.by_view) < set(VIEWS)


def test_washout_stands_between_the_two_single_sessions_only():
    protocol = PROTOCOLS["single"]
    assert [protocol.washout_before(session) for session in range(1, protocol.sessions + 1)] == [0, 28, 0, 0]
    assert [protocol.part_of(session).kind for session in (1, 2, 3, 4)] == [
        "single",
        "single",
        "guess",
        "fidelity",
    ]


def _changed(change) -> str:
    data = json.loads(PROTOCOLS["single"].to_json())
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(washout_days=-1), "washout_days is -1"),
        (lambda d: d.update(primary="beauty"), "primary item 'beauty' is none"),
        (lambda d: d.update(format=2), "newer format"),
        (lambda d: d.update(rounds=2), "no field rounds"),
        (lambda d: d["parts"].reverse(), "in the order single, pair, guess, fidelity"),
        (lambda d: d.update(parts=[]), "one or more parts"),
        (lambda d: d["parts"][0].update(kind="triple"), "kind is 'triple'"),
        (lambda d: d["parts"][0]["items"][0].update(values=[1, 2]), "one label for each value"),
        (lambda d: d["parts"][0]["items"][0].update(values=[1, 1]), "ascending order"),
        (lambda d: d["parts"][0]["items"][0].update(values=["1", "2"]), "not whole numbers"),
        (lambda d: d["parts"][0]["items"][1].update(name="overall"), "a name of its own"),
        (lambda d: d["parts"][0].pop("items"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(change, sentence):
    with pytest.raises(StudyError, match=sentence):
        Protocol.from_json(_changed(change))


def test_what_is_no_json_is_said():
    with pytest.raises(StudyError, match="cannot be read"):
        Protocol.from_json("[1]")


def test_the_registered_protocol_can_be_run_and_says_how_it_is_analysed():
    """docs/study-protocol.json, of the study that would test this program's own claim."""
    protocol = load_protocol(str(Path(__file__).resolve().parents[2] / "docs" / "study-protocol.json"))
    assert protocol.washout_days >= 28
    assert protocol.primary == "border"
    assert [part.kind for part in protocol.parts] == ["single", "guess", "fidelity"]
    items = {item.name for part in protocol.parts for item in part.items}
    assert items >= {"border", "contrast", "artefact", "added", "removed", "motion"}
    headings = " ".join(protocol.plan)
    for word in ("Hypotheses", "Primary analysis", "Fidelity", "missing", "Blinding", "Size"):
        assert word in headings
