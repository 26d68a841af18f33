"""Assignments keep their rules for any protocol: counterbalance, balance, repeats, order, and no reshuffle."""

from collections import Counter, defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from echogan.study.default_protocols import PROTOCOLS
from echogan.study.design import ARMS, REPEAT_GAP, SIDES, Assignment, Case, assignments_of, repeats
from echogan.study.protocol import Protocol

VIEWS, QUALITIES = ("A4C", "A2C", "PLAX"), ("poor", "medium")


@st.composite
def studies(draw) -> tuple[Protocol, list[Case], str, int]:
    """(protocol, cases, seed, readers)."""
    protocol = PROTOCOLS[draw(st.sampled_from(sorted(PROTOCOLS)))]
    parts = tuple(
        replace(
            part,
            training=draw(st.integers(0, 5)),
            repeat_share=draw(st.sampled_from((0.0, 0.15, 0.2, 0.5)))
            if part.kind in ("single", "pair")
            else 0.0,
            repeat_least=draw(st.integers(0, 12)) if part.kind in ("single", "pair") else 0,
        )
        for part in protocol.parts
    )
    cases = []
    for patient in range(draw(st.integers(2, 25))):
        quality = draw(st.sampled_from(QUALITIES))
        for clip in range(draw(st.integers(1, 2))):
            name = f"P{patient:03d}"
            cases.append(Case(f"{name}-{clip}", name, draw(st.sampled_from(VIEWS)), quality))
    for n in range(draw(st.integers(0, 6))):
        cases.append(Case(f"T{n}-0", f"T{n}", role="training"))
    for n in range(draw(st.integers(0, 3))):
        cases.append(Case(f"G{n}-0", f"G{n}", role="gold"))
    return replace(protocol, parts=parts), cases, str(draw(st.integers(0, 10**6))), draw(st.integers(1, 4))


def of_part(protocol: Protocol, made: list[Assignment], kind: str) -> list[Assignment]:
    return [a for a in made if protocol.part_of(a.session).kind == kind]


def is_even(counts: list[int]) -> bool:
    return max(counts) - min(counts) <= 1


@settings(max_examples=60, deadline=None)
@given(studies())
def test_single_stimulus_is_counterbalanced(study):
    protocol, cases, seed, readers = study
    if protocol.part("single") is None:
        return
    patient_of = {case.clip: case.patient for case in cases}
    main = {case.clip for case in cases if case.role == "main"}
    first_arms: dict[str, list[str]] = defaultdict(list)
    for reader in range(readers):
        made = of_part(protocol, assignments_of(protocol, cases, seed, reader), "single")
        arms: dict[int, dict[str, str]] = {1: {}, 2: {}}
        for session in (1, 2):
            shown = [a for a in made if a.session == session and a.kind in ("main", "repeat")]
            for a in shown:  # a patient has one arm in a session
                assert arms[session].setdefault(patient_of[a.clip], a.show) == a.show
            assert sorted(a.clip for a in shown if a.kind == "main") == sorted(main)
        for patient, arm in arms[1].items():  # and the other one in the other session
            assert {arm, arms[2][patient]} == set(ARMS)
            first_arms[patient].append(arm)
        counts = Counter(arms[1].values())
        assert is_even([counts[arm] for arm in ARMS])
    if readers % 2 == 0:  # across readers each patient begins equally often in each arm
        assert all(seen.count("original") == seen.count("enhanced") for seen in first_arms.values())


@settings(max_examples=60, deadline=None)
@given(studies())
def test_arms_and_sides_are_balanced_within_view_and_quality(study):
    protocol, cases, seed, readers = study
    for kind, choices in (("single", ARMS), ("pair", SIDES)):
        if protocol.part(kind) is None:
            continue
        units: dict[str, Case] = {}
        for case in cases:
            if case.role == "main":
                units.setdefault(case.patient if kind == "single" else case.clip, case)
        made = of_part(protocol, assignments_of(protocol, cases, seed, readers - 1), kind)
        first = {a.clip: a.show for a in made if a.session == made[0].session and a.kind == "main"}
        strata: dict[tuple[str, str], Counter] = defaultdict(Counter)
        for case in units.values():
            strata[case.view, case.quality][first[case.clip]] += 1
        assert all(is_even([counts[choice] for choice in choices]) for counts in strata.values())
        assert is_even([sum(c[choice] for c in strata.values()) for choice in choices])


@settings(max_examples=60, deadline=None)
@given(studies())
def test_sides_are_exchanged_between_two_readers(study):
    protocol, cases, seed, _ = study
    if protocol.part("pair") is None:
        return
    made = [of_part(protocol, assignments_of(protocol, cases, seed, reader), "pair") for reader in (0, 1)]
    one, other = ({a.clip: a.show for a in shown if a.kind == "main"} for shown in made)
    assert all({one[clip], other[clip]} == set(SIDES) for clip in one)


@settings(max_examples=60, deadline=None)
@given(studies())
def test_repeats_are_as_many_as_asked_and_come_later(study):
    protocol, cases, seed, readers = study
    for reader in range(readers):
        made = assignments_of(protocol, cases, seed, reader)
        for session in range(1, protocol.sessions + 1):
            part = protocol.part_of(session)
            shown = [a for a in made if a.session == session]
            assert [a.position for a in shown] == list(range(len(shown)))
            main = [a for a in shown if a.kind == "main"]
            again = [a for a in shown if a.kind == "repeat"]
            assert len(again) == repeats(part, len(main)) <= len(main) // 2
            assert len({a.clip for a in again}) == len(again)
            rest = [a for a in shown if a.kind in ("main", "gold")]
            for a in again:
                assert a.repeat_of is not None
                before = shown[a.repeat_of]
                assert (before.clip, before.kind) == (a.clip, "main")
                assert a.position - before.position >= min(REPEAT_GAP, len(rest) // 2)
                assert (a.show == before.show) == (part.kind != "pair")


@settings(max_examples=60, deadline=None)
@given(studies())
def test_training_is_first_and_once_and_fidelity_is_last(study):
    protocol, cases, seed, readers = study
    made = assignments_of(protocol, cases, seed, readers - 1)
    for part in protocol.parts:
        shown = of_part(protocol, made, part.kind)
        kinds = ["training" if a.kind == "training" else "rest" for a in shown]
        count = min(part.training, sum(case.role == "training" for case in cases))
        assert kinds[:count] == ["training"] * count
        assert "training" not in kinds[count:]
    if protocol.part("fidelity"):
        assert {a.show for a in made if a.session == protocol.sessions} == {"enhanced_right"}
        assert protocol.part_of(protocol.sessions).kind == "fidelity"


@settings(max_examples=30, deadline=None)
@given(studies(), st.integers(0, 5))
def test_a_reader_is_shown_the_same_whoever_else_reads(study, more):
    protocol, cases, seed, readers = study
    few = [assignments_of(protocol, cases, seed, reader) for reader in range(readers)]
    many = [assignments_of(protocol, cases, seed, reader) for reader in range(readers + more)]
    assert many[:readers] == few


def test_the_default_protocols_repeat_at_least_fifteen_percent_and_ten():
    cases = [Case(f"P{n:03d}-1", f"P{n:03d}") for n in range(30)]
    for name, showings in (("single", 60), ("pair", 30)):
        made = of_part(PROTOCOLS[name], assignments_of(PROTOCOLS[name], cases, "seed", 0), name)
        count = sum(a.kind == "repeat" for a in made)
        assert count >= 10
        assert 0.15 <= count / showings <= (0.2 if name == "single" else 0.34)


def test_order_differs_between_readers_and_sessions():
    cases = [Case(f"P{n:03d}-1", f"P{n:03d}") for n in range(30)]
    orders = {
        tuple(
            a.clip for a in assignments_of(PROTOCOLS["single"], cases, "seed", reader) if a.session == session
        )
        for reader in range(4)
        for session in (1, 2)
    }
    assert len(orders) == 8
